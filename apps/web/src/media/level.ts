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

/** A track that goes on at the pace of the graph, whatever it is fed with, or nothing. */
export interface Flow {
  track: MediaStreamTrack;
  runs(): boolean;
  onRun(listener: () => void): void;
  feed(device: MediaStreamTrack | null): void;
}

/** How loud tracks are, and the flow of the own microphone: the page's one graph of sounds. */
export class Sounds {
  private context: AudioContext | undefined;
  private readonly sampled = new Set<() => void>();
  private timer: ReturnType<typeof setInterval> | undefined;

  /** Measures how loud a track is, ten times a second, until the returned function is called. */
  measure(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
    const context = this.graph();
    const analyser = new AnalyserNode(context, { fftSize: 2048 });
    const source = new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) });
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const sample = (): void => {
      analyser.getFloatTimeDomainData(samples);
      onLevel(levelOf(samples));
    };
    this.sampled.add(sample);
    return () => {
      this.sampled.delete(sample);
      source.disconnect();
    };
  }

  /** What is sent of the microphone. */
  flow(): Flow {
    const context = this.graph();
    const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    // A destination without a source is not run at all.
    const nothing = new ConstantSourceNode(context, { offset: 0 });
    nothing.connect(out);
    nothing.start();
    const [track] = out.stream.getAudioTracks();
    if (!track) throw new TypeError("a destination has one track");
    let source: MediaStreamAudioSourceNode | undefined;
    return {
      track,
      runs: () => context.state === "running",
      onRun: (listener) => context.addEventListener("statechange", listener),
      feed: (device) => {
        source?.disconnect();
        source = device ? new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([device]) }) : undefined;
        source?.connect(out);
      },
    };
  }

  close(): void {
    clearInterval(this.timer);
    this.sampled.clear();
    void this.context?.close();
    this.context = undefined;
  }

  private graph(): AudioContext {
    this.context ??= new AudioContext();
    const { context } = this;
    this.timer ??= setInterval(() => {
      // A page that was not clicked yet starts suspended.
      if (context.state === "suspended") void context.resume();
      for (const sample of this.sampled) sample();
    }, period);
    return context;
  }
}
