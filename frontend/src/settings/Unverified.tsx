import { useMutation } from '@tanstack/react-query';
import { entrance, messageOf, useSession } from '@/api';
import { Button, Notice, toast } from '@/ui';

/** Asks whoever came by an open invitation to prove the address: what was shared with it opens then. */
export function Unverified() {
  const session = useSession().data;
  const email = session?.account?.email ?? '';
  const mail = useMutation({
    mutationFn: () => entrance.mailLink({ email, next: '/settings' }),
    onError: (error) => toast.error(messageOf(error)),
  });
  if (!session?.account || session.account.verified || !session.sign_in.link) return null;
  if (mail.isSuccess) {
    return <Notice>A link is on its way to {email}. Open it in this browser.</Notice>;
  }
  return (
    <Notice
      tone="warn"
      action={
        <Button size="sm" busy={mail.isPending} onClick={() => mail.mutate()}>
          Mail me a link
        </Button>
      }
    >
      Confirm that {email} is yours, to see what is shared with it.
    </Notice>
  );
}
