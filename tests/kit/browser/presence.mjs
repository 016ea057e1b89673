// Runs inside the page, before it: what a person sees and hears of each other, and every alarm that ever stood on the page. It must stand on
// its own.

const notePresence = () => {
  /** Between two looks for alarms, in milliseconds. What stands for less nobody reads. */
  const often = 100;
  const alarms = ".alarmed, .refused, .chip.warned";
  const seen = new Set();
  setInterval(() => {
    for (const element of document.querySelectorAll(alarms)) {
      const text = element.innerText.trim();
      if (text === "" || !element.checkVisibility() || seen.has(text)) continue;
      seen.add(text);
      void globalThis.onAlarm?.(text);
    }
  }, often);

  /** One for all tracks, since each has threads of its own. */
  let context;
  const analysers = new WeakMap();
  const frequencyOf = (element) => {
    const track = element.srcObject?.getAudioTracks()[0];
    if (!track) return 0;
    context ??= new AudioContext();
    let analyser = analysers.get(track);
    if (!analyser) {
      // Smoothed, a sound that ended would be heard for two seconds more.
      analysers.set(track, (analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 })));
      new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) }).connect(analyser);
    }
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const best = bins.reduce((top, value, i) => (value > bins[top] ? i : top), 0);
    return bins[best] > -70 && !element.paused && !element.muted ? Math.round((best * context.sampleRate) / analyser.fftSize) : 0;
  };
  const framesOf = (video) => (video && video.videoWidth > 0 ? video.getVideoPlaybackQuality().totalVideoFrames : 0);
  /** Not scrolled away: what is, the page does not ask the server for. */
  const isInSight = (tile) => {
    const [one, all] = [tile, tile.parentElement].map((element) => element.getBoundingClientRect());
    return one.left < all.right && one.right > all.left && one.top < all.bottom && one.bottom > all.top;
  };
  const shows = (identity, source) => document.querySelector(`video[data-identity="${identity}"][data-source="${source}"]`);

  /** Everybody on the page: frames that were shown so far of camera and screen, and the tone that is heard now. */
  globalThis.presence = () => ({
    chip: document.querySelector(".top .chip")?.innerText.trim() ?? "",
    banner: document.querySelector(".banner")?.innerText.trim() ?? "",
    presenting: document.querySelector(".presenting") !== null,
    people: [...document.querySelectorAll("article[data-identity]")].map((tile) => {
      const { identity } = tile.dataset;
      const audio = document.querySelector(`audio[data-identity="${identity}"][data-source="microphone"]`);
      return {
        identity,
        name: tile.querySelector(".tag .clip").textContent,
        label: tile.getAttribute("aria-label"),
        away: tile.classList.contains("away"),
        lost: tile.dataset.lost !== undefined,
        inSight: isInSight(tile),
        camera: framesOf(shows(identity, "camera")),
        screen: framesOf(shows(identity, "screen")),
        hertz: audio ? frequencyOf(audio) : 0,
      };
    }),
    lines: [...document.querySelectorAll(".lines .line")].map((line) => ({ text: line.querySelector("p").textContent, unsent: line.classList.contains("unsent") })),
  });

  /** Scrolls to the tile of somebody. */
  globalThis.bringInSight = (identity) => document.querySelector(`article[data-identity="${identity}"]`)?.scrollIntoView({ block: "nearest", behavior: "instant" });
};

/** Has a page, or each of a browser context, note presence, and tells of every alarm that ever stands on it. Playwright's, or Puppeteer's page. */
export const watchPresence = async (where, onAlarm) => {
  await where.exposeFunction("onAlarm", onAlarm);
  await (where.addInitScript ?? where.evaluateOnNewDocument).call(where, notePresence);
};
