/** A piece of a comment: plain text, a link, or a moment of this video. */
export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'link'; text: string; href: string }
  | { kind: 'moment'; text: string; seconds: number };

// One pass finds both. A moment stands alone: not inside a longer number, a ratio like 1:2:3:4, or a path.
const FOUND =
  /https:\/\/[^\s<>"'`]+|(?<![\d:./\w-])(?:\d{1,2}:)?\d{1,3}:[0-5]\d(?![\d:]|\.\d|\w)/giu;

/**
 * Cuts plain text into pieces. Only https addresses become links, and only as the URL parser reads them; a moment
 * becomes a seek only when the video is that long, for "12:30" may be a time of day. Everything else stays text.
 */
export function autolink(body: string, duration: number): Piece[] {
  const pieces: Piece[] = [];
  let rest = 0;
  for (const match of body.matchAll(FOUND)) {
    const piece = pieceOf(match[0], duration);
    if (piece === null) continue;
    if (match.index > rest) pieces.push({ kind: 'text', text: body.slice(rest, match.index) });
    pieces.push(piece);
    rest = match.index + piece.text.length;
  }
  if (rest < body.length) pieces.push({ kind: 'text', text: body.slice(rest) });
  return pieces;
}

function pieceOf(found: string, duration: number): Piece | null {
  if (/^https:/i.test(found)) return linkOf(withoutTail(found));
  const seconds = found.split(':').reduce((total, part) => total * 60 + Number(part), 0);
  return seconds <= duration ? { kind: 'moment', text: found, seconds } : null;
}

function linkOf(text: string): Piece | null {
  try {
    const url = new URL(text);
    // A name before the host is how one address dresses up as another.
    const honest = url.protocol === 'https:' && url.username === '' && url.password === '';
    return honest && url.hostname !== '' ? { kind: 'link', text, href: url.href } : null;
  } catch {
    return null;
  }
}

// The full stop after an address ends the sentence; a closing bracket belongs to it only when one was opened in it.
function withoutTail(url: string): string {
  let end = url.length;
  for (;;) {
    const last = url[end - 1]!;
    const open = last === ')' ? '(' : last === ']' ? '[' : null;
    const unopened =
      open !== null && count(url.slice(0, end), last) > count(url.slice(0, end), open);
    if (!unopened && !/[.,;:!?…*_~]/.test(last)) return url.slice(0, end);
    end--;
  }
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}
