import { useSearch } from '@tanstack/react-router';
import { messageOf, useMyWorkspace, useVideoList } from '@/api';
import { useTitle } from '@/app/title';
import { UnfinishedTakes } from '@/record';
import { Button, Notice } from '@/ui';
import { useUploads } from '@/upload';
import { DropZone } from './DropZone';
import { EmptyLibrary } from './EmptyLibrary';
import { Filters } from './Filters';
import { More } from './More';
import { flatten } from './pages';
import { PickFiles } from './PickFiles';
import { GridSkeleton, VideoGrid } from './VideoGrid';

const names = { all: 'Library', mine: 'My videos', shared: 'Shared with me', trash: 'Trash' };

export function LibraryPage() {
  const { id: workspace, mayRecord } = useMyWorkspace();
  // Who belongs to no workspace has only what others share.
  const { show = workspace ? 'all' : 'shared', q = '' } = useSearch({ from: '/member/' });
  const list = useVideoList(show, q);
  const uploads = useUploads();
  useTitle(q ? `“${q}”` : names[show]);

  const found = flatten(list.data);
  return (
    <div className="mx-auto max-w-340 px-4 pt-7 pb-24 sm:px-6 sm:pt-10 lg:px-8">
      <div className="mb-7 flex flex-wrap items-center gap-x-6 gap-y-4 sm:mb-9">
        <h1 className="grow text-2xl font-semibold break-words">
          {q ? <>Results for “{q}”</> : names[show]}
        </h1>
        {mayRecord && <PickFiles onPick={uploads.add} />}
        {workspace && <Filters show={show} q={q} />}
      </div>

      <UnfinishedTakes className="mb-8" />
      {list.error && (
        <div className="mb-8">
          <Notice
            tone="danger"
            action={
              <Button size="sm" onClick={() => void list.refetch()}>
                Try again
              </Button>
            }
          >
            {messageOf(list.error)}
          </Notice>
        </div>
      )}

      {list.isPending && !list.error && <GridSkeleton />}
      {found.length > 0 && <VideoGrid videos={found} />}
      {list.isSuccess && found.length === 0 && !list.hasNextPage && (
        <EmptyLibrary show={show} q={q} onPick={uploads.add} />
      )}
      <More list={list} />
      {show !== 'trash' && mayRecord && <DropZone onDrop={uploads.add} />}
    </div>
  );
}
