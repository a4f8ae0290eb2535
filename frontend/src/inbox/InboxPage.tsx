import { useTitle } from '@/app/title';
import { Notices } from './Notices';

export function InboxPage() {
  useTitle('Inbox');
  return (
    <div className="mx-auto max-w-2xl px-4 pt-7 pb-24 sm:px-6 sm:pt-10">
      <h1 className="mb-6 text-2xl font-semibold">Inbox</h1>
      <div className="overflow-hidden rounded-2xl border border-line bg-surface">
        <Notices />
      </div>
    </div>
  );
}
