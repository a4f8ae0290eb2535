import { type FormEvent, useState } from 'react';
import { messageOf, type WebhookEvent } from '@/api';
import { Field, Notice } from '@/ui';
import { events } from './events';

export type WebhookValues = { url: string; events: WebhookEvent[] };

type Props = {
  id: string;
  before?: WebhookValues;
  error: Error | null;
  onSubmit: (values: WebhookValues) => void;
};

/** Where messages go, and of what. */
export function WebhookForm({ id, before, error, onSubmit }: Props) {
  const [url, setUrl] = useState(before?.url ?? '');
  const [chosen, setChosen] = useState<WebhookEvent[]>(
    before?.events ?? events.map(({ value }) => value),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit({ url: url.trim(), events: chosen });
  };
  const choose = (value: WebhookEvent, on: boolean) =>
    setChosen(on ? [...chosen, value] : chosen.filter((other) => other !== value));
  return (
    <form id={id} onSubmit={submit} noValidate className="grid gap-5">
      {error && <Notice tone="danger">{messageOf(error)}</Notice>}
      <Field
        label="Address"
        type="url"
        inputMode="url"
        placeholder="https://hooks.example.org/meanwhile"
        autoComplete="off"
        spellCheck={false}
        maxLength={2000}
        value={url}
        onChange={(event) => setUrl(event.target.value)}
      />
      <fieldset>
        <legend className="mb-1 text-sm font-medium">Tell it when</legend>
        {events.map(({ value, label }) => (
          <label key={value} className="flex min-h-9 items-center gap-3 pointer-coarse:min-h-11">
            <input
              type="checkbox"
              className="size-4.5 shrink-0 accent-accent"
              checked={chosen.includes(value)}
              onChange={(event) => choose(value, event.target.checked)}
            />
            <span className="grow text-sm">{label}</span>
          </label>
        ))}
      </fieldset>
    </form>
  );
}
