import { Download } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/ui';
import { DeleteAccount } from './DeleteAccount';
import { Proof } from './Proof';

/** Takes everything along, or away. */
export function Data() {
  const [leaving, setLeaving] = useState(false);
  return (
    <Proof>
      <div className="grid gap-4">
        <p className="text-pretty">
          The export is one file with your profile, what is known of your videos, your comments, and
          what you have watched. Recordings are loaded from their own pages.
        </p>
        <div className="flex flex-wrap gap-3">
          <Button asChild>
            <a href="/api/account/export" download="meanwhile-account.json">
              <Download aria-hidden className="size-4.5" />
              Export my data
            </a>
          </Button>
          <Button tone="ghost" onClick={() => setLeaving(true)}>
            Delete my account
          </Button>
        </div>
        {leaving && <DeleteAccount onCancel={() => setLeaving(false)} />}
      </div>
    </Proof>
  );
}
