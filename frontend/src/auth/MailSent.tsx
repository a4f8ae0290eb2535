import { MailCheck } from 'lucide-react';
import { Button } from '@/ui';
import { AuthLayout } from './AuthLayout';

/** The same for every address: who has an account here is nobody's business. */
export function MailSent({ email, onBack }: { email: string; onBack: () => void }) {
  return (
    <AuthLayout title="Look into your mail">
      <div role="status" className="grid gap-4 text-pretty text-muted">
        <MailCheck aria-hidden className="size-10 text-accent" />
        <p>
          If <strong className="font-medium break-words text-ink">{email}</strong> can sign in here,
          a link is on its way. It works once, for 30 minutes, and only the newest one does.
        </p>
        <p>Nothing there after some minutes? Look among the junk mail, or check the address.</p>
      </div>
      <Button onClick={onBack} className="mt-7">
        Back
      </Button>
    </AuthLayout>
  );
}
