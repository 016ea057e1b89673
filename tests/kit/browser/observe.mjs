// Runs inside the page, before it: counts what is really presented and heard in each person's place. It must stand on its own.

export const look = () => {
  /** Between two looks, in milliseconds. A sentence stands for seconds, a sound that is heard at all for longer than this. */
  const often = 100;
  const seen = new Map();
  const sentences = new Set();
  /** Lines that were read to a screen reader stay in the page; each is news once. */
  const heard = new WeakSet();
  const connections = [];
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      connections.push(this);
    }
  };

  /** How often the page asked the browser for a device, while it is there. */
  let captures = 0;
  if (navigator.mediaDevices) {
    const capture = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (constraints) => {
      captures += 1;
      return capture(constraints);
    };
  }

  /** What is known of one element, which shows or sounds one track. */
  const noted = (element) => {
    let note = seen.get(element);
    if (!note) seen.set(element, (note = element.tagName === "VIDEO" ? video(element) : audio(element)));
    return note;
  };
  const video = (element) => {
    const note = { frames: 0 };
    // Every frame that the compositor gets counts, also those between two callbacks.
    const presented = (_, { presentedFrames }) => {
      note.frames = presentedFrames;
      element.requestVideoFrameCallback(presented);
    };
    element.requestVideoFrameCallback(presented);
    return note;
  };
  const audio = (element) => {
    const note = { frames: 0, analyser: null, stream: null };
    note.sample = () => {
      if (note.stream !== element.srcObject && element.srcObject) {
        note.stream = element.srcObject;
        note.context ??= new AudioContext();
        // Smoothed, a sound that ended would be heard for two seconds more.
        note.analyser = new AnalyserNode(note.context, { fftSize: 4096, smoothingTimeConstant: 0 });
        new MediaStreamAudioSourceNode(note.context, { mediaStream: note.stream }).connect(note.analyser);
      }
      if (!note.analyser) return;
      const bins = new Float32Array(note.analyser.frequencyBinCount);
      note.analyser.getFloatFrequencyData(bins);
      const best = bins.reduce((top, value, i) => (value > bins[top] ? i : top), 0);
      if (bins[best] <= -70) return;
      note.frames += 1;
      note.frequency = Math.round((best * note.context.sampleRate) / note.analyser.fftSize);
    };
    return note;
  };
  const elements = () => document.querySelectorAll("video[data-identity], audio[data-identity]");

  setInterval(() => {
    for (const element of elements()) noted(element).sample?.();
    for (const line of document.querySelectorAll(".toast p, .refused p")) sentences.add(line.textContent);
    for (const line of document.querySelectorAll("[role=log] p")) {
      if (!heard.has(line)) sentences.add(line.textContent);
      heard.add(line);
    }
  }, often);

  const colour = (element) => {
    if (element.videoWidth === 0) return null;
    const canvas = new OffscreenCanvas(16, 9);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(element, 0, 0, 16, 9);
    const { data } = context.getImageData(0, 0, 16, 9);
    return [0, 1, 2].map((part) => data.filter((_, i) => i % 4 === part).reduce((sum, value) => sum + value, 0) / (data.length / 4));
  };

  /** Packets that came, by track: sealed or not, this is before any transform. */
  const arrived = async () => {
    const packets = new Map();
    for (const connection of connections) {
      for (const stat of (await connection.getStats()).values()) {
        if (stat.type === "inbound-rtp") packets.set(stat.trackIdentifier, stat.packetsReceived);
      }
    }
    return packets;
  };

  /** All that the page shows and sounds, and what it did since the last call. */
  globalThis.looked = async () => {
    const packets = await arrived();
    const tiles = [...document.querySelectorAll("article[data-identity]")];
    const members = tiles.map((tile) => ({ identity: tile.dataset.identity, name: tile.querySelector(".tag .clip").textContent }));
    const nameOf = (identity) => members.find((member) => member.identity === identity)?.name;
    const news = [...sentences];
    sentences.clear();
    const words = { camera: "video", microphone: "sound", screen: "screen", screenAudio: "screen sound" };
    const tracks = [...elements()].map((element) => {
      const { identity, source } = element.dataset;
      const note = noted(element);
      const track = element.srcObject?.getTracks()[0];
      const came = packets.get(track?.id) ?? 0;
      // Another track in the same element starts its count anew.
      const before = note.track === track ? note.packets : 0;
      const decoded = note.frames - (note.told ?? 0);
      Object.assign(note, { track, packets: came, told: note.frames });
      const troubled = news.some((text) => text.startsWith(`We cannot open ${nameOf(identity)}’s ${words[source]}: `));
      const picture = element.tagName === "VIDEO" ? { rgb: colour(element) } : { frequency: decoded > 0 ? note.frequency : null };
      return { identity, source, arrived: came - before, decoded, troubled, ...picture };
    });
    for (const element of seen.keys()) if (!element.isConnected) seen.delete(element);
    return { members, lock: document.querySelector(".top .chip")?.innerText ?? "", sentences: news, tracks, captures };
  };
};
