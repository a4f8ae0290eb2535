import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { startFromUrl, type Playback } from '@/player';
import type { Entry } from './entries';
import type { Talk } from './useConversation';

/** The comment the reader asked to see: by a mark on the seek bar, a link, or a notice. */
export interface Reveal {
  id: string | null;
  show: (id: string) => void;
  /** Called by the list once it is in view. */
  done: () => void;
}

/** Also follows `#c-{id}` links: to the comment, and to its second unless the link names another. */
export function useReveal(talk: Talk, playback: Playback): Reveal {
  const [id, setId] = useState<string | null>(null);
  const followed = useRef('');
  const follow = useCallback(
    (entries: readonly Entry[]) => {
      const asked = /^#c-([\w-]+)$/.exec(location.hash)?.[1];
      const entry = entries.find((one) => one.id === asked);
      if (!asked || !entry || followed.current === asked) return;
      followed.current = asked;
      setId(asked);
      if (startFromUrl(new URL(location.href)) === null) playback.seek(entry.at_ms / 1000);
    },
    [playback],
  );
  useEffect(() => {
    follow(talk.entries);
    const onHash = () => {
      followed.current = '';
      follow(talk.entries);
    };
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, [follow, talk.entries]);
  return useMemo(() => ({ id, show: setId, done: () => setId(null) }), [id]);
}
