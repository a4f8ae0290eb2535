import { useCallback, useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { ControlBar, Elapsed } from './ControlBar';
import { SavedBadge } from './SavedBadge';

type Pip = { requestWindow: (size: { width: number; height: number }) => Promise<Window> };

const api = () => (window as { documentPictureInPicture?: Pip }).documentPictureInPicture;

/** A small window above all others (Document Picture-in-Picture, Chromium); `open` is missing elsewhere. */
export function useFloatingWindow() {
  const [floating, setFloating] = useState<Window | null>(null);
  const open = useCallback(async () => {
    const opened = await api()
      ?.requestWindow({ width: 330, height: 132 })
      .catch(() => null);
    if (!opened) return;
    dress(opened.document);
    opened.addEventListener('pagehide', () => setFloating(null));
    setFloating(opened);
  }, []);
  useEffect(() => () => floating?.close(), [floating]);
  return { floating, open: api() ? open : undefined };
}

/** The page's look: same sheets, same theme. */
function dress(doc: Document): void {
  doc.documentElement.lang = document.documentElement.lang;
  Object.assign(doc.documentElement.dataset, { ...document.documentElement.dataset });
  doc.title = 'Recording';
  for (const sheet of document.querySelectorAll('link[rel="stylesheet"], style')) {
    doc.head.append(sheet.cloneNode(true));
  }
}

/** The controls inside the small window. */
export function Floating({ into, onCancel }: { into: Window; onCancel: () => void }) {
  return createPortal(
    <div className="space-y-3 p-3.5">
      <div className="flex items-center justify-between gap-3">
        <Elapsed />
        <SavedBadge className="min-w-0 truncate" />
      </div>
      <ControlBar
        onCancel={() => {
          window.focus();
          onCancel();
        }}
      />
    </div>,
    into.document.body,
  );
}
