import { useState, type FormEvent } from 'react';
import { access, messageOf } from '@/api';
import { Button, Notice, TextArea } from '@/ui';

/** One click asks whoever owns it, if there is anything here. The answer is the same when there is not. */
export function AskAccess({ slug }: { slug: string }) {
  const [message, setMessage] = useState('');
  const [state, setState] = useState<'idle' | 'busy' | 'asked'>('idle');
  const [problem, setProblem] = useState('');
  const ask = async (event: FormEvent) => {
    event.preventDefault();
    setState('busy');
    setProblem('');
    try {
      await access.ask(slug, message);
      setState('asked');
    } catch (error) {
      setProblem(messageOf(error));
      setState('idle');
    }
  };
  if (state === 'asked') {
    return (
      <div className="max-w-md text-left">
        <Notice>
          Asked. If there is a video at this address, its owner knows now, and the answer comes to
          your inbox.
        </Notice>
      </div>
    );
  }
  return (
    <form
      onSubmit={(event) => void ask(event)}
      className="flex w-[min(24rem,calc(100vw-2rem))] flex-col gap-3 text-left"
    >
      <TextArea
        label="A word to the owner"
        hideLabel
        placeholder="A word to the owner, if you like"
        rows={2}
        maxLength={500}
        value={message}
        error={problem || undefined}
        onChange={(event) => setMessage(event.target.value)}
      />
      <Button tone="primary" type="submit" busy={state === 'busy'}>
        Ask for access
      </Button>
    </form>
  );
}
