/** A connection and an endpoint in memory, for the tests beside this file. */
import type { Endpoint, Published } from './endpoint';

/** As much of RTCPeerConnection as a Sender uses. Nothing connects by itself. */
export class FakePeer extends EventTarget {
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: RTCSessionDescriptionInit | null = null;
  remotes: string[] = [];
  offers = 0;
  sent: (MediaStreamTrack | null)[] = [];
  configuration: RTCConfiguration | null = null;
  parameters: Record<string, unknown> = {};
  onicecandidate: ((event: { candidate: { candidate: string } | null }) => void) | null = null;
  /** What happens when the answer to offer n is set. */
  onAnswer: (n: number) => void = () => this.become('connected');

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  addTransceiver() {
    return {
      sender: {
        replaceTrack: (track: MediaStreamTrack | null) => {
          this.sent.push(track);
          return Promise.resolve();
        },
        getParameters: () => ({}),
        setParameters: (p: Record<string, unknown>) => {
          this.parameters = p;
          return Promise.resolve();
        },
      },
      setCodecPreferences: () => undefined,
    };
  }

  createOffer() {
    const n = this.offers++;
    const sdp = `v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\nm=video 9 X 96\r\na=mid:0\r\na=ice-ufrag:c${n}\r\na=ice-pwd:p${n}\r\n`;
    return Promise.resolve({ type: 'offer' as const, sdp });
  }

  setConfiguration(configuration: RTCConfiguration) {
    this.configuration = configuration;
  }

  setLocalDescription(description: RTCSessionDescriptionInit) {
    this.localDescription = description;
    return Promise.resolve();
  }

  setRemoteDescription({ sdp = '' }: RTCSessionDescriptionInit) {
    this.remotes.push(sdp);
    this.onAnswer(this.remotes.length - 1);
    return Promise.resolve();
  }

  getStats() {
    return Promise.resolve(
      new Map([
        ['a', { type: 'outbound-rtp', bytesSent: 400 }],
        ['b', { type: 'outbound-rtp', bytesSent: 100 }],
        ['c', { type: 'transport', bytesSent: 9_000 }],
      ]),
    );
  }

  close() {
    this.connectionState = 'closed';
  }
}

/** An endpoint that says yes, and writes down what it was asked. */
export class FakeEndpoint implements Endpoint {
  asked: string[] = [];
  refuse: (what: string, n: number) => Error | null = () => null;
  iceServers: RTCIceServer[] = [];

  async publish(offer: string, title: string): Promise<Published> {
    await this.ask('publish');
    return {
      answer: offer.replaceAll('c0', 's0'),
      location: `/api/whip/${title}`,
      etag: '"1"',
      iceServers: this.iceServers,
      target: { videoId: 'id', slug: 'word', uploadUrl: '', watchUrl: 'http://x.test/v/word' },
    };
  }

  async trickle(_: Published, fragment: string): Promise<void> {
    await this.ask(fragment.includes('a=inactive') ? 'rest' : `trickle ${fragment}`);
  }

  async restart() {
    await this.ask('restart');
    return { fragment: 'a=ice-ufrag:s1\r\na=ice-pwd:p1\r\n', etag: '"2"' };
  }

  async end(_: Published, leaving = false): Promise<void> {
    await this.ask(leaving ? 'leave' : 'end');
  }

  private ask(what: string): Promise<void> {
    const wrong = this.refuse(what, this.asked.length);
    this.asked.push(what);
    return wrong ? Promise.reject(wrong) : Promise.resolve();
  }
}
