/** Mixes microphone and tab sound into one track: MediaRecorder records only the first audio track it is given. */

/** How loud a source sounds now, 0 (silence) to 1 (full scale), on a scale linear in decibels from −60 dB. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const s of samples) sum += s * s;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  return Math.min(1, Math.max(0, 1 + Math.log10(rms + 1e-9) / 3));
}

/** One audio graph for the whole life of a stage; sources come and go while its output track stays the same. */
export class Mixer {
  private readonly context = new AudioContext({ latencyHint: 'interactive' });
  private readonly output = this.context.createMediaStreamDestination();
  private readonly voice = this.context.createGain();
  private readonly analyser = this.context.createAnalyser();
  private readonly samples: Float32Array<ArrayBuffer>;
  private microphone: MediaStreamAudioSourceNode | null = null;
  private system: MediaStreamAudioSourceNode | null = null;

  constructor() {
    this.analyser.fftSize = 1024;
    this.samples = new Float32Array(this.analyser.fftSize);
    this.voice.connect(this.output);
    this.voice.connect(this.analyser);
    void this.context.resume();
  }

  /** The mixed track. */
  get track(): MediaStreamTrack | null {
    return this.output.stream.getAudioTracks()[0] ?? null;
  }

  /**
   * Whether sound flows. It never does in Firefox without an output device; MediaRecorder would then wait for the first
   * sample and deliver nothing at all.
   */
  async runs(patienceMs = 600): Promise<boolean> {
    if (this.context.state !== 'running') {
      await Promise.race([
        this.context.resume().catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, patienceMs)),
      ]);
    }
    return this.context.state === 'running';
  }

  /** Puts another microphone (or none) into the mix, also in mid-take. */
  setMicrophone(track: MediaStreamTrack | null): void {
    this.microphone?.disconnect();
    this.microphone = track ? this.context.createMediaStreamSource(new MediaStream([track])) : null;
    this.microphone?.connect(this.voice);
    void this.context.resume();
  }

  /** Puts the sound of the shared tab or system (or none) into the mix. */
  setSystem(track: MediaStreamTrack | null): void {
    this.system?.disconnect();
    this.system = track ? this.context.createMediaStreamSource(new MediaStream([track])) : null;
    this.system?.connect(this.output);
  }

  /** Silences the microphone without a click. */
  setMuted(muted: boolean): void {
    this.voice.gain.setTargetAtTime(muted ? 0 : 1, this.context.currentTime, 0.01);
  }

  /** The microphone's level, for the meter. */
  level(): number {
    this.analyser.getFloatTimeDomainData(this.samples);
    return loudness(this.samples);
  }

  /** Ends the graph. */
  close(): void {
    this.microphone?.disconnect();
    this.system?.disconnect();
    void this.context.close();
  }
}
