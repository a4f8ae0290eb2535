import { useBlocker } from '@tanstack/react-router';
import { Confirm } from '@/ui';
import { isBusy } from '../machine';
import { useRecorder, useSnapshot } from './recorder-context';

/** Asks before a click on another page of the application ends a take. Closing the tab is guarded by the recorder. */
export function LeaveGuard() {
  const recorder = useRecorder();
  const { live } = useSnapshot();
  const blocker = useBlocker({
    shouldBlockFn: () => isBusy(recorder.snapshot().state),
    enableBeforeUnload: false,
    withResolver: true,
  });
  return (
    <Confirm
      open={blocker.status === 'blocked'}
      onOpenChange={(open) => !open && blocker.reset?.()}
      title="Leave while recording?"
      verb="Leave"
      onConfirm={() => blocker.proceed?.()}
    >
      {live
        ? 'The recording ends here. What was sent so far is a video in your library.'
        : 'The recording ends here. What you have so far stays in this browser; the library offers to finish it.'}
    </Confirm>
  );
}
