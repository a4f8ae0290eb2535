import { memo, useMemo } from 'react';
import { usePlayback, type Playback } from '@/player';
import { spokenClock } from '@/ui';
import { autolink } from './autolink';

interface Props {
  text: string;
  playback: Playback;
}

/** The words of a comment. They are text nodes; only addresses and moments become something to click. */
export const Body = memo(function Body({ text, playback }: Props) {
  const { duration } = usePlayback(playback);
  const pieces = useMemo(() => autolink(text, Math.floor(duration)), [text, duration]);
  return (
    <p dir="auto" className="text-[0.9375rem] leading-normal whitespace-pre-wrap wrap-anywhere">
      {pieces.map((piece, index) => {
        switch (piece.kind) {
          case 'link':
            return (
              <a
                key={index}
                href={piece.href}
                target="_blank"
                rel="noopener noreferrer nofollow ugc"
                className="text-accent-ink underline decoration-1 underline-offset-2"
              >
                {piece.text}
              </a>
            );
          case 'moment':
            return (
              <button
                key={index}
                type="button"
                aria-label={`Go to ${spokenClock(piece.seconds * 1000)}`}
                onClick={() => playback.seek(piece.seconds)}
                className="font-medium text-accent-ink tabular-nums underline decoration-1 underline-offset-2"
              >
                {piece.text}
              </button>
            );
          case 'text':
            return piece.text;
        }
      })}
    </p>
  );
});
