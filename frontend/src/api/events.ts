import { withPass } from './pass';

/** What to do for each kind of event; the payload is the event's parsed JSON. */
export type Handlers = Record<string, (data: unknown) => void>;

type Watch = {
  handlers: Handlers;
  /** Called after a gap: something may have been missed, so ask for the whole again. */
  onReconnect?: () => void;
};

// A stream that opens within this long misses next to nothing of what came after the page asked for the whole.
const promptly = 1_000;
const firstDelay = 1_000;
const longestDelay = 30_000;

/**
 * Follows a stream of server-sent events until the returned function is called. EventSource reconnects by itself after
 * a dropped line but gives up for good on an error status (a restart behind a proxy answers 502), so that case is
 * tried again here, more and more slowly.
 */
export function subscribe(url: string, { handlers, onReconnect }: Watch): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let delay = firstDelay;
  let gap = false;
  // Browsers keep few lines to a server, and other tabs may have them all.
  const late = setTimeout(() => (gap = true), promptly);

  const connect = () => {
    const current = new EventSource(withPass(url));
    source = current;
    current.onopen = () => {
      clearTimeout(late);
      delay = firstDelay;
      if (gap) onReconnect?.();
      gap = false;
    };
    current.onerror = () => {
      gap = true;
      if (current.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(connect, delay);
      delay = Math.min(delay * 2, longestDelay);
    };
    for (const [name, handle] of Object.entries(handlers)) {
      current.addEventListener(name, (event) => {
        const data = parse((event as MessageEvent<string>).data);
        if (data !== undefined) handle(data);
      });
    }
  };

  connect();
  return () => {
    clearTimeout(late);
    clearTimeout(timer);
    source?.close();
  };
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined; // A torn event; the next one, or the next reconnect, brings the state.
  }
}
