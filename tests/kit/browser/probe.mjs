// Functions that run inside the page and tell what it really shows and sounds. They must stand on their own.

/** 20 decoded frames with a size, pixels that change, and the mean colour of the last one. Null when the page took the element away meanwhile: its person came back with another track. */
export const watch = (video) =>
  new Promise((resolve, reject) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [64, 36];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    let frames = 0;
    let before = null;
    let change = 0;
    const end = (settle, value) => {
      clearTimeout(timer);
      clearInterval(present);
      settle(value);
    };
    const timer = setTimeout(() => end(reject, new Error(`only ${frames} frames, change ${change}`)), 60_000);
    const present = setInterval(() => video.isConnected || end(resolve, null), 100);
    const next = () => {
      frames += 1;
      context.drawImage(video, 0, 0, 64, 36);
      const now = context.getImageData(0, 0, 64, 36).data;
      if (before) change += now.reduce((sum, value, i) => sum + Math.abs(value - before[i]), 0) / now.length;
      before = now;
      if (frames >= 20 && change > 0) {
        const mean = [0, 1, 2].map((part) => Math.round(now.filter((_, i) => i % 4 === part).reduce((sum, value) => sum + value, 0) / (now.length / 4)));
        end(resolve, { width: video.videoWidth, height: video.videoHeight, frames, change, rgb: mean });
      } else video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  });

/** Runs before the page: an analyser on every sound track that a peer connection hands out. */
export const listen = () => {
  const analysers = [];
  /** One for all tracks, since each has threads of its own. */
  let context;
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      this.addEventListener("track", ({ track }) => {
        if (track.kind !== "audio") return;
        context ??= new AudioContext();
        const analyser = context.createAnalyser();
        analyser.fftSize = 8192;
        context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
        analysers.push(analyser);
      });
    }
  };
  /** The strongest frequency of each incoming track, in hertz; 0 for silence. */
  globalThis.heard = () =>
    analysers.map((analyser) => {
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const best = bins.reduce((top, value, i) => (value > bins[top] ? i : top), 0);
      return bins[best] > -70 ? (best * context.sampleRate) / analyser.fftSize : 0;
    });
};
