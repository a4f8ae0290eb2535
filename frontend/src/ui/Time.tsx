import { useEffect, useState } from 'react';
import { ago } from './format';

/** A moment as "5 minutes ago", kept right while the page is open; the exact one on hover. */
export function Ago({ iso, className }: { iso: string; className?: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 60_000);
    return () => clearInterval(timer);
  }, []);
  const exact = new Date(iso);
  return (
    <time dateTime={iso} title={exact.toLocaleString()} className={className}>
      {ago(iso, Math.max(now, exact.getTime()))}
    </time>
  );
}
