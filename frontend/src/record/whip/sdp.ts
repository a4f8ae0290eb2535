/** The little that WHIP (RFC 9725) needs to know about SDP: pure functions on text. */

/** Codecs the server keeps, best first: H.264 and VP9 play everywhere from the first fragment. */
const order = ['video/h264', 'video/vp9', 'video/av1', 'video/vp8'];

/** A codec's description, as RTCRtpSender.getCapabilities gives it. */
export interface Codec {
  mimeType: string;
  clockRate: number;
  sdpFmtpLine?: string;
}

/** What to offer, in order. What sends lost packets again (rtx) stays; forward error correction does not: nobody reads it. */
export function preferred<T extends Codec>(codecs: T[]): T[] {
  const place = (codec: T) => order.indexOf(codec.mimeType.toLowerCase());
  const whole = (codec: T) => (codec.sdpFmtpLine?.includes('packetization-mode=0') ? 1 : 0);
  const video = codecs
    .filter((codec) => place(codec) >= 0 && plain(codec))
    .sort((a, b) => place(a) - place(b) || whole(a) - whole(b));
  return [...video, ...codecs.filter((codec) => codec.mimeType.toLowerCase() === 'video/rtx')];
}

/** 8 bit, 4:2:0: what browsers play. */
function plain({ mimeType, sdpFmtpLine = '' }: Codec): boolean {
  const type = mimeType.toLowerCase();
  if (type === 'video/vp9') return !/profile-id=[1-9]/.test(sdpFmtpLine);
  if (type === 'video/av1') return !/profile=[1-9]/.test(sdpFmtpLine);
  return type !== 'video/h264' || !/profile-level-id=f4/i.test(sdpFmtpLine);
}

const lines = (sdp: string) => sdp.split(/\r?\n/).filter((line) => line !== '');
const joined = (all: string[]) => all.map((line) => `${line}\r\n`).join('');

/** The first value of an attribute. */
export function attribute(sdp: string, name: string): string | null {
  const found = lines(sdp).find((line) => line.startsWith(`a=${name}:`));
  return found?.slice(name.length + 3) ?? null;
}

/** A trickle-ice fragment (RFC 8840): whose candidates they are, and the candidates. */
export function fragment(sdp: string, candidates: string[], more: string[] = []): string {
  const media = lines(sdp).find((line) => line.startsWith('m='));
  const credentials = lines(sdp).filter((line, i, all) => {
    const key = /^a=ice-(ufrag|pwd):/.exec(line)?.[0];
    return key !== undefined && all.findIndex((other) => other.startsWith(key)) === i;
  });
  if (!media) return joined([...credentials, ...more]);
  const mid = attribute(sdp, 'mid');
  return joined([
    ...credentials,
    ...more,
    media,
    ...(mid === null ? [] : [`a=mid:${mid}`]),
    ...candidates.map((candidate) => `a=${candidate}`),
  ]);
}

/** The answer as it is after a restart of ICE: the same, with the credentials and candidates of the server's fragment. */
export function restarted(answer: string, change: string): string {
  const ufrag = attribute(change, 'ice-ufrag');
  const password = attribute(change, 'ice-pwd');
  const candidates = lines(change).filter(
    (line) => line.startsWith('a=candidate:') || line === 'a=end-of-candidates',
  );
  let sections = 0;
  const out = lines(answer).flatMap((line) => {
    if (line.startsWith('m=')) sections++;
    if (line.startsWith('o=')) return [renewed(line)];
    if (line.startsWith('a=ice-ufrag:')) return ufrag ? [`a=ice-ufrag:${ufrag}`] : [line];
    if (line.startsWith('a=ice-pwd:')) return password ? [`a=ice-pwd:${password}`] : [line];
    if (line.startsWith('a=candidate:') || line === 'a=end-of-candidates') return [];
    // Bundled sections share the first one's transport, so its candidates serve all.
    return line.startsWith('a=mid:') && sections === 1 ? [line, ...candidates] : [line];
  });
  return joined(out);
}

/** One version further (RFC 8866, 5.2). */
function renewed(origin: string): string {
  const parts = origin.split(' ');
  parts[2] = String(BigInt(/^\d+$/.test(parts[2] ?? '') ? (parts[2] ?? '0') : '0') + 1n);
  return parts.join(' ');
}

/** The answer, asking our own encoder for stereo: shared sound has two sides, and Opus sends one unless told. */
export function inStereo(answer: string, bitsPerSecond: number): string {
  const payload = /a=rtpmap:(\d+) opus\/48000/i.exec(answer)?.[1];
  if (!payload) return answer;
  const wish = `stereo=1;maxaveragebitrate=${bitsPerSecond}`;
  if (!answer.includes(`a=fmtp:${payload} `))
    return answer.replace(/(a=rtpmap:\d+ opus\/48000[^\r\n]*)/i, `$1\r\na=fmtp:${payload} ${wish}`);
  return joined(
    lines(answer).map((line) => (line.startsWith(`a=fmtp:${payload} `) ? `${line};${wish}` : line)),
  );
}

/** One entry of a Link header (RFC 8288). */
export interface Link {
  url: string;
  parameters: Record<string, string>;
}

/** Reads a Link header, which may hold several entries; quoted values may hold commas. */
export function links(header: string): Link[] {
  const entries = header.matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+=(?:"(?:\\.|[^"\\])*"|[^;,\s]*))*)/g);
  return Array.from(entries, ([, url = '', rest = '']) => {
    const pairs = rest.matchAll(/([\w-]+)=(?:"((?:\\.|[^"\\])*)"|([^;,\s]*))/g);
    const parameters = Array.from(pairs, ([, key = '', quoted, bare = '']) => [
      key.toLowerCase(),
      quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1'),
    ]);
    return { url, parameters: Object.fromEntries(parameters) as Record<string, string> };
  });
}
