import { Lock } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { messageOf, openLink, type Video } from '@/api';
import { Button } from '@/ui/Button';
import { Field } from '@/ui/Field';
import type { EmbedData } from '../player/page-data';
import { Middle } from './Card';

/** A share link that asks for something first. What it gives is kept in memory: a frame has no cookies. */
export function Locked({ embed, onOpen }: { embed: EmbedData; onOpen: (video: Video) => void }) {
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      onOpen(await openLink(embed.slug, embed.password ? password : ''));
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <Middle>
      <Lock aria-hidden className="size-6 text-accent-ink [@media(max-height:16rem)]:hidden" />
      <h1 className="text-base font-semibold">
        {embed.password ? 'This link has a password' : 'This link lets in a few people'}
      </h1>
      <form
        onSubmit={(event) => void submit(event)}
        className="flex w-72 max-w-full flex-col gap-2.5"
      >
        {embed.password && (
          <Field
            label="Password"
            hideLabel
            type="password"
            autoComplete="off"
            placeholder="Password"
            value={password}
            error={problem || undefined}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
        {!embed.password && problem && (
          <p role="alert" className="text-sm text-danger">
            {problem}
          </p>
        )}
        <Button tone="primary" size="sm" type="submit" busy={busy}>
          Watch
        </Button>
      </form>
    </Middle>
  );
}
