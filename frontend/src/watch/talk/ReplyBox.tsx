import { useState } from 'react';
import { Button } from '@/ui';
import type { Entry } from './entries';
import { GuestName } from './GuestName';
import type { Context } from './ThreadList';
import { useGuest } from './useGuest';
import { Words } from './Words';

interface Props {
  root: Entry;
  context: Context;
  onDone: () => void;
}

/** Answers a comment, at the same second. */
export function ReplyBox({ root, context, onDone }: Props) {
  const [text, setText] = useState('');
  const guest = useGuest(context.account);
  const send = () => {
    const body = text.trim();
    if (body === '' || !guest.settle()) return;
    context.talk.send({
      at_ms: root.at_ms,
      body,
      parent_id: root.id,
      guest_name: guest.needed ? guest.name.trim() : null,
    });
    onDone();
  };
  return (
    <div className="space-y-2">
      <Words
        label={`Reply to ${root.author.name}`}
        placeholder={`Reply to ${root.author.name}`}
        value={text}
        eager
        onChange={(event) => setText(event.target.value)}
        onSubmit={send}
        onEscape={onDone}
      />
      <GuestName guest={guest} />
      <div className="flex justify-end gap-2">
        <Button size="sm" tone="ghost" onClick={onDone}>
          Cancel
        </Button>
        <Button size="sm" tone="primary" disabled={text.trim() === ''} onClick={send}>
          Reply
        </Button>
      </div>
    </div>
  );
}
