/** The requests of WHIP (RFC 9725). The session's cookie goes along by itself. */
import { errorFrom, offlineError } from '@/api/errors';
import type { Target } from '../uplink/uplink';
import { links } from './sdp';

const endpoint = '/api/whip';

/** What the server answers to an offer. */
export interface Published {
  answer: string;
  /** Address of the session. */
  location: string;
  etag: string;
  iceServers: RTCIceServer[];
  /** The video that it becomes. */
  target: Target;
}

/** The server's side of one session. Every method rejects with an ApiError. */
export interface Endpoint {
  publish(offer: string, title: string, signal: AbortSignal): Promise<Published>;
  /** Hands candidates over; nothing comes back. */
  trickle(session: Published, fragment: string): Promise<void>;
  /** Restarts ICE; resolves with the server's fragment and its new ETag. */
  restart(session: Published, fragment: string): Promise<{ fragment: string; etag: string }>;
  /** Ends the recording; it is whole when this resolves. */
  end(session: Published, leaving?: boolean): Promise<void>;
}

/** The endpoint of the server this page came from. */
export const ownEndpoint: Endpoint = {
  async publish(offer, title, signal) {
    const path = `${endpoint}?${new URLSearchParams({ title })}`;
    const response = await ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: offer,
      signal,
    });
    return published(response.headers, await response.text());
  },
  async trickle(session, fragment) {
    await patch(session, fragment, session.etag);
  },
  async restart(session, fragment) {
    // Whatever ETag is current: the answer to an earlier attempt may have been lost with the line.
    const response = await patch(session, fragment, '*');
    return {
      fragment: await response.text(),
      etag: response.headers.get('etag') ?? session.etag,
    };
  },
  async end(session, leaving = false) {
    await ask(session.location, { method: 'DELETE', keepalive: leaving });
  },
};

function patch(session: Published, fragment: string, match: string): Promise<Response> {
  return ask(session.location, {
    method: 'PATCH',
    headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': match },
    body: fragment,
  });
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch(() => {
    throw offlineError();
  });
  if (!response.ok) throw await errorFrom(response);
  return response;
}

/** Reads the answer's headers. Addresses are taken by their path: the configured base URL may name another host. */
export function published(headers: Headers, answer: string): Published {
  const all = links(headers.get('link') ?? '');
  const of = (rel: string) => all.filter(({ parameters }) => parameters.rel === rel);
  const watchUrl = of('alternate')[0]?.url ?? '';
  const record = of('describedby')[0]?.url ?? '';
  return {
    answer,
    location: new URL(headers.get('location') ?? '', new URL(endpoint, location.origin)).pathname,
    etag: headers.get('etag') ?? '*',
    iceServers: of('ice-server').map(({ url, parameters: { username, credential } }) =>
      username === undefined ? { urls: url } : { urls: url, username, credential },
    ),
    target: { videoId: last(record), slug: last(watchUrl), uploadUrl: '', watchUrl },
  };
}

function last(url: string): string {
  return decodeURIComponent(new URL(url, location.origin).pathname.split('/').at(-1) ?? '');
}
