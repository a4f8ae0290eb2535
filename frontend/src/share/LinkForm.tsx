import { useState, type FormEvent } from 'react';
import { ApiError, messageOf, sharing, type LinkTerms, type ShareLink, type Video } from '@/api';
import { Button, copyWithToast, Field, Switch } from '@/ui';
import { fromLocalInput, localInput } from './terms';

interface Props {
  video: Video;
  /** The one to change; none makes a new one. */
  link?: ShareLink;
  onDone: () => void;
}

/** The terms of a share link. A new one is copied as soon as it exists. */
export function LinkForm({ video, link, onDone }: Props) {
  const [name, setName] = useState(link?.name ?? '');
  const [locked, setLocked] = useState(link?.has_password ?? false);
  const [password, setPassword] = useState('');
  const [until, setUntil] = useState(localInput(link?.expires_at ?? null));
  const [views, setViews] = useState(link?.max_views ? String(link.max_views) : '');
  const [comment, setComment] = useState(link?.may_comment ?? true);
  const [download, setDownload] = useState(link?.may_download ?? false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const fields = problem instanceof ApiError ? problem.fields : {};

  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    const body: LinkTerms = {
      name,
      may_comment: comment,
      may_download: download,
      max_views: views === '' ? 0 : Number(views),
    };
    // What was not touched is not sent: a moment that has passed could not be set again.
    if (until !== localInput(link?.expires_at ?? null)) body.expires_at = fromLocalInput(until);
    if (!locked) body.password = '';
    else if (password !== '') body.password = password;
    try {
      if (link) await sharing.changeLink(link.id, body);
      else await copyWithToast((await sharing.addLink(video.id, body)).url, 'Share link copied');
      onDone();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <form
      aria-label={link ? 'Change the share link' : 'New share link'}
      onSubmit={(event) => void save(event)}
      className="grid grid-cols-1 gap-4"
    >
      <Field
        label="Name"
        hint="Only for you, to know it again by"
        maxLength={100}
        value={name}
        error={fields.name}
        onChange={(event) => setName(event.target.value)}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label="Ends"
          type="datetime-local"
          value={until}
          error={fields.expires_at}
          onChange={(event) => setUntil(event.target.value)}
        />
        <Field
          label="Lets in, browsers"
          type="number"
          min={1}
          max={100_000}
          placeholder="Any number"
          value={views}
          error={fields.max_views}
          onChange={(event) => setViews(event.target.value)}
        />
      </div>
      <div>
        <Switch label="Ask for a password" checked={locked} onChange={setLocked} />
        {locked && (
          <Field
            label={link?.has_password ? 'New password' : 'Password'}
            hint={
              link?.has_password
                ? 'Leave it empty to keep the old one. A new one puts out everybody who is in.'
                : 'At least 8 characters. Tell it to them by another way than the link.'
            }
            type="password"
            autoComplete="new-password"
            required={!link?.has_password}
            value={password}
            error={fields.password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
        <Switch label="May comment" checked={comment} onChange={setComment} />
        <Switch label="May download" checked={download} onChange={setDownload} />
      </div>
      {problem !== null && Object.keys(fields).length === 0 && (
        <p role="alert" className="text-sm text-danger">
          {messageOf(problem)}
        </p>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        <Button size="sm" onClick={onDone}>
          Cancel
        </Button>
        <Button tone="primary" size="sm" type="submit" busy={busy}>
          {link ? 'Save' : 'Make and copy the link'}
        </Button>
      </div>
    </form>
  );
}
