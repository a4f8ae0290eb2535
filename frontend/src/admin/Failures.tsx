import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { admin, adminKeys, type AdminFailure, messageOf } from '@/api';
import { RowsPending } from '@/settings/rows';
import { Ago, Button, plural, toast } from '@/ui';
import { what } from './format';
import { Part } from './Part';

const again = 15_000;

function useFailures() {
  return useInfiniteQuery({
    queryKey: adminKeys.failures,
    queryFn: ({ pageParam, signal }) => admin.failures(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: again,
  });
}

/** Jobs that were given up: why, and once more. */
export function Failures() {
  const failures = useFailures();
  const items = failures.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Part id="failures" title="Failures" action={items.length > 1 && <RetryAll />}>
      {!failures.data && <RowsPending error={failures.error} />}
      {failures.data && items.length === 0 && (
        <p className="rounded-2xl border border-line bg-surface px-4 py-5 text-sm text-muted">
          Nothing was given up.
        </p>
      )}
      {items.length > 0 && (
        <ul
          aria-label="Failures"
          className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-surface"
        >
          {items.map((failure) => (
            <FailureRow key={failure.id} failure={failure} />
          ))}
        </ul>
      )}
      {failures.hasNextPage && (
        <Button
          size="sm"
          className="mt-3.5"
          busy={failures.isFetchingNextPage}
          onClick={() => void failures.fetchNextPage()}
        >
          Show older
        </Button>
      )}
    </Part>
  );
}

function FailureRow({ failure }: { failure: AdminFailure }) {
  const client = useQueryClient();
  const name = failure.title || what(failure.kind);
  const retry = useMutation({
    mutationFn: () => admin.retry(failure.id),
    onSuccess: () => toast.success(`“${name}” is tried again`),
    onError: (error) => toast.error(messageOf(error)),
    onSettled: () => client.invalidateQueries({ queryKey: adminKeys.all }),
  });
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2.5 px-4 py-3 text-sm">
      <div className="min-w-0 grow basis-64">
        <p className="font-medium wrap-anywhere">{name}</p>
        <p className="text-pretty wrap-anywhere">{failure.reason || 'No reason was noted.'}</p>
        <p className="mt-0.5 text-xs text-muted">
          {what(failure.kind)}
          {failure.workspace && ` · ${failure.workspace}`} · {plural(failure.attempts, 'attempt')} ·{' '}
          <Ago iso={failure.at} />
        </p>
      </div>
      <Button
        size="sm"
        busy={retry.isPending}
        aria-label={`Try again: ${name}`}
        onClick={() => retry.mutate()}
      >
        Try again
      </Button>
    </li>
  );
}

function RetryAll() {
  const client = useQueryClient();
  const retry = useMutation({
    mutationFn: admin.retryAll,
    onSuccess: ({ retried, more }) =>
      toast.success(`${plural(retried, 'job')} set going${more ? '; there are more' : ''}`),
    onError: (error) => toast.error(messageOf(error)),
    onSettled: () => client.invalidateQueries({ queryKey: adminKeys.all }),
  });
  return (
    <Button size="sm" busy={retry.isPending} onClick={() => retry.mutate()}>
      Try all again
    </Button>
  );
}
