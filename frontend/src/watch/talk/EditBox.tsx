import { useState } from 'react';
import { Button } from '@/ui';
import { Words } from './Words';

interface Props {
  body: string;
  onSave: (body: string) => void;
  onCancel: () => void;
}

/** Changes the words of a comment in place. */
export function EditBox({ body, onSave, onCancel }: Props) {
  const [text, setText] = useState(body);
  const save = () => {
    const words = text.trim();
    if (words === '' || words === body) onCancel();
    else onSave(words);
  };
  return (
    <div className="space-y-2">
      <Words
        label="Edit comment"
        value={text}
        eager
        onChange={(event) => setText(event.target.value)}
        onSubmit={save}
        onEscape={onCancel}
      />
      <div className="flex justify-end gap-2">
        <Button size="sm" tone="ghost" onClick={onCancel}>
          Cancel
        </Button>
        <Button size="sm" tone="primary" onClick={save}>
          Save
        </Button>
      </div>
    </div>
  );
}
