import { type AdminMissing, useAdminMissing } from '@/api';
import { Ago, plural } from '@/ui';
import { Part } from './Part';

/** Videos of which the store has lost media, and what to do. Usually there are none, and nothing is shown. */
export function Missing() {
  const missing = useAdminMissing();
  if (!missing.data?.total) return null;
  const { items, total } = missing.data;
  return (
    <Part id="missing" title={`Media missing: ${plural(total, 'video')}`}>
      <p className="mb-3.5 max-w-3xl text-sm text-pretty text-muted">
        The store does not have what the records name. On the server,{' '}
        <Code>meanwhile doctor --objects</Code> names everything that is missing: bring it back from
        a backup under the same names, and the video leaves this list by itself. What cannot be
        brought back is lost; delete the video then.
      </p>
      <ul
        aria-label="Videos with missing media"
        className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-surface"
      >
        {items.map((video) => (
          <MissingRow key={video.video_id} video={video} />
        ))}
      </ul>
      {total > items.length && (
        <p className="mt-2.5 text-sm text-muted">
          These are the last {items.length} of {total}.
        </p>
      )}
    </Part>
  );
}

function MissingRow({ video }: { video: AdminMissing }) {
  return (
    <li className="px-4 py-3 text-sm">
      <p className="font-medium wrap-anywhere">{video.title || 'Untitled'}</p>
      <p className="mt-0.5 text-xs text-muted">
        {video.workspace && `${video.workspace} · `}noticed <Ago iso={video.noticed_at} />
      </p>
      <p className="mt-1 wrap-anywhere">
        <Code>{video.object}</Code>
      </p>
    </li>
  );
}

function Code({ children }: { children: string }) {
  return <code className="font-mono text-xs wrap-anywhere text-ink">{children}</code>;
}
