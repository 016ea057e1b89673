/** Milliseconds between two samples. */
const period = 100;
/** Quietest and loudest level shown, in decibels below full scale. */
const floor = -60;
const ceiling = -12;

/** Root mean square of a block of samples, mapped to 0..1 on a scale of decibels, as ears do. */
export const levelOf = (samples: Float32Array): number => {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  const decibels = rms > 0 ? 20 * Math.log10(rms) : floor;
  return Math.min(1, Math.max(0, (decibels - floor) / (ceiling - floor)));
};

/** Measures how loud a microphone is, ten times a second, until the returned function is called. */
export const measureLevel = (track: MediaStreamTrack, onLevel: (level: number) => void): (() => void) => {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  const source = new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    // A page that was not clicked yet starts suspended.
    if (context.state === "suspended") void context.resume();
    analyser.getFloatTimeDomainData(samples);
    onLevel(levelOf(samples));
  }, period);
  return () => {
    clearInterval(timer);
    source.disconnect();
    void context.close();
  };
};
