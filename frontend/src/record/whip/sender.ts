/**
 * One WebRTC connection to the server: made before the recording begins, brought back by a restart of ICE when the line
 * breaks, ended by DELETE. It keeps nothing: what is recorded while the line is down is lost.
 */
import { ApiError } from '@/api/errors';
import { audioBits } from '../format';
import { waitForLine } from '../uplink/uplink';
import type { Endpoint, Published } from './endpoint';
import { fragment, inStereo, preferred, restarted } from './sdp';

/** How the connection stands. `gone`: the server has ended the session, or the line did not come back in time. */
export type Line = 'connected' | 'broken' | 'gone' | 'closed';

/** What a sender needs from outside. */
export interface SenderOptions {
  endpoint: Endpoint;
  title: string;
  /** Bits per second of the pictures, at most. */
  videoBits: number;
  onLine: (line: Line) => void;
  /** Makes the connection; replaced in tests. */
  peer?: () => RTCPeerConnection;
  /** Codecs of this browser; replaced in tests. */
  codecs?: RTCRtpCodec[];
  times?: Partial<Times>;
  /** Waits before attempt n to restart; resolves early when the line may be back. */
  pause?: (attempt: number, cut: AbortSignal) => Promise<void>;
}

/** Patience, in milliseconds. */
interface Times {
  /** For the first connection; the server waits ten seconds. */
  connect: number;
  /** For a disturbed line to recover by itself. */
  disturbed: number;
  /** For a restart to connect. */
  restart: number;
  /** For all of them together: the server keeps a session for a minute. */
  comeback: number;
  /** For the last pictures to leave before the session is ended. */
  drain: number;
}

const usual: Times = {
  connect: 6_000,
  disturbed: 1_500,
  restart: 6_000,
  comeback: 60_000,
  drain: 300,
};

/** The server's port did not answer: a firewall, or a proxy without the port beside it. */
export class Unreachable extends Error {}

/** See the file comment. */
export class Sender {
  private readonly options: SenderOptions;
  private readonly times: Times;
  private readonly pc: RTCPeerConnection;
  private readonly video: RTCRtpTransceiver;
  private readonly audio: RTCRtpTransceiver;
  private readonly over = new AbortController();
  private session: Published | null = null;
  private candidates: string[] = [];
  private trickling: ReturnType<typeof setTimeout> | undefined;
  private disturbed: ReturnType<typeof setTimeout> | undefined;
  private restarting = false;

  constructor(options: SenderOptions) {
    this.options = options;
    this.times = { ...usual, ...options.times };
    this.pc = (options.peer ?? (() => new RTCPeerConnection({ bundlePolicy: 'max-bundle' })))();
    const sending: RTCRtpTransceiverInit = {
      direction: 'sendonly',
      streams: [new MediaStream()],
    };
    this.audio = this.pc.addTransceiver('audio', sending);
    this.video = this.pc.addTransceiver('video', {
      ...sending,
      sendEncodings: [{ maxBitrate: options.videoBits, maxFramerate: 30 }],
    });
    const codecs = preferred(options.codecs ?? RTCRtpSender.getCapabilities('video')?.codecs ?? []);
    if (codecs.length > 0) this.video.setCodecPreferences(codecs);
    this.pc.onicecandidate = ({ candidate }) => this.candidate(candidate);
  }

  /** The video that it becomes. */
  get target() {
    return this.session?.target ?? null;
  }

  /** Connects. Nothing is sent yet. Rejects with an ApiError, or Unreachable; the session is ended then. */
  async connect(): Promise<void> {
    try {
      const offer = await this.pc.createOffer();
      const { endpoint, title } = this.options;
      this.session = await endpoint.publish(offer.sdp ?? '', title, this.over.signal);
      this.over.signal.throwIfAborted();
      // Only now do we know the servers that help to connect; candidates are gathered from here on.
      const { iceServers, answer } = this.session;
      if (iceServers.length > 0) this.pc.setConfiguration({ iceServers });
      await this.pc.setLocalDescription(offer);
      await this.answered(answer);
      if (!(await this.reached('connected', this.times.connect))) throw new Unreachable();
      this.pc.addEventListener('connectionstatechange', () => this.changed(), {
        signal: this.over.signal,
      });
      await this.tune();
    } catch (cause) {
      await this.end();
      throw cause;
    }
  }

  /** Sends these tracks; null sends nothing. */
  async send(video: MediaStreamTrack | null, audio: MediaStreamTrack | null): Promise<void> {
    await Promise.all([
      this.video.sender.replaceTrack(video),
      this.audio.sender.replaceTrack(audio),
    ]);
  }

  /** Tells the server that what follows is a pause and not a broken line, so that it waits, and cuts it out. */
  async rest(): Promise<void> {
    const { session } = this;
    const local = this.pc.localDescription?.sdp;
    if (!session || !local) return;
    const said = fragment(local, [], ['a=inactive']);
    await this.options.endpoint.trickle(session, said).catch(() => undefined);
  }

  /** Bytes sent so far. */
  async bytes(): Promise<number> {
    let sum = 0;
    const report = await this.pc.getStats();
    report.forEach((entry: { type: string; bytesSent?: number }) => {
      if (entry.type === 'outbound-rtp') sum += entry.bytesSent ?? 0;
    });
    return sum;
  }

  /** Sends what is on its way and ends the session: the recording is whole when this resolves. Never rejects. */
  async finish(): Promise<boolean> {
    await this.send(null, null).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, this.times.drain));
    return this.end();
  }

  /** Ends the session at once; true when the server has said that it is ended, false when it could not be asked. */
  async end(leaving = false): Promise<boolean> {
    this.over.abort();
    clearTimeout(this.trickling);
    clearTimeout(this.disturbed);
    const ended = await this.hangUp(leaving);
    this.pc.close();
    this.options.onLine('closed');
    return ended;
  }

  private async hangUp(leaving: boolean): Promise<boolean> {
    if (!this.session) return true;
    try {
      await this.options.endpoint.end(this.session, leaving);
      return true;
    } catch (cause) {
      // Without an answer the server ends it by itself, when it has been silent for a while.
      return cause instanceof ApiError && cause.status >= 400 && cause.status < 500;
    }
  }

  private async answered(sdp: string): Promise<void> {
    await this.pc.setRemoteDescription({ type: 'answer', sdp: inStereo(sdp, audioBits) });
  }

  /** Screens must stay sharp, and the renditions are planned by the first picture's size: fewer pictures, never smaller ones. */
  private async tune(): Promise<void> {
    const { sender } = this.video;
    const wish = { ...sender.getParameters(), degradationPreference: 'maintain-resolution' };
    await sender.setParameters(wish as RTCRtpSendParameters).catch(() => undefined);
  }

  private candidate(candidate: RTCIceCandidate | null): void {
    if (candidate?.candidate) this.candidates.push(candidate.candidate);
    // They come in bursts, so a burst is one request; an encoder behind TURN waits no longer for it.
    clearTimeout(this.trickling);
    this.trickling = setTimeout(() => this.trickle(), 100);
  }

  private trickle(): void {
    const { session, candidates } = this;
    const local = this.pc.localDescription?.sdp;
    if (!session || !local || candidates.length === 0 || this.over.signal.aborted) return;
    this.candidates = [];
    // The server sees where our checks come from: a candidate that it does not learn is no loss.
    void this.options.endpoint.trickle(session, fragment(local, candidates)).catch(() => undefined);
  }

  private changed(): void {
    clearTimeout(this.disturbed);
    const state = this.pc.connectionState;
    if (this.restarting) return;
    if (state === 'connected') this.options.onLine('connected');
    else if (state === 'disconnected') {
      this.disturbed = setTimeout(() => void this.comeBack(), this.times.disturbed);
    } else if (state === 'failed') void this.comeBack();
    // The server has closed it.
    else if (state === 'closed') this.options.onLine('gone');
  }

  /** Restarts ICE until the line is back, or the server has waited long enough. */
  private async comeBack(): Promise<void> {
    if (this.restarting || this.over.signal.aborted) return;
    this.restarting = true;
    this.options.onLine('broken');
    const until = performance.now() + this.times.comeback;
    for (let attempt = 0; !this.over.signal.aborted; attempt++) {
      const outcome = await this.restart();
      if (this.over.signal.aborted) return;
      if (outcome !== 'again' || performance.now() >= until) {
        this.restarting = false;
        return outcome === 'connected' ? this.changed() : this.options.onLine('gone');
      }
      await (this.options.pause ?? waitForLine)(attempt, this.over.signal);
    }
  }

  private async restart(): Promise<'connected' | 'gone' | 'again'> {
    if (this.pc.connectionState === 'connected') return 'connected';
    const { session } = this;
    if (!session) return 'gone';
    try {
      const offer = await this.pc.createOffer({ iceRestart: true });
      const change = await this.options.endpoint.restart(session, fragment(offer.sdp ?? '', []));
      session.etag = change.etag;
      this.candidates = [];
      await this.pc.setLocalDescription(offer);
      session.answer = restarted(session.answer, change.fragment);
      await this.answered(session.answer);
    } catch (cause) {
      const final = cause instanceof ApiError && [401, 403, 404, 410].includes(cause.status);
      return final ? 'gone' : 'again';
    }
    return (await this.reached('connected', this.times.restart)) ? 'connected' : 'again';
  }

  /** Waits for a state; false when time is up, or the sender was ended. */
  private reached(wanted: RTCPeerConnectionState, patience: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (reached: boolean) => {
        clearTimeout(timer);
        this.pc.removeEventListener('connectionstatechange', look);
        this.over.signal.removeEventListener('abort', ended);
        resolve(reached);
      };
      const look = () => this.pc.connectionState === wanted && done(true);
      const ended = () => done(false);
      const timer = setTimeout(ended, patience);
      this.pc.addEventListener('connectionstatechange', look);
      this.over.signal.addEventListener('abort', ended);
      look();
    });
  }
}
