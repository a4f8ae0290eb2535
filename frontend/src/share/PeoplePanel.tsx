import { useQueryClient } from '@tanstack/react-query';
import {
  messageOf,
  shareKeys,
  sharing,
  useNamedPeople,
  videos,
  type NamedPerson,
  type Video,
} from '@/api';
import { Avatar, Badge, IconButton, Menu, MenuItem, MenuSeparator, Notice, toast } from '@/ui';
import { Check, Ellipsis, UserMinus } from 'lucide-react';
import { CheckPeople } from './CheckPeople';

interface Props {
  video: Video;
  onChange: (video: Video) => void;
}

/** Who was named, and the check of who could not open it. */
export function PeoplePanel({ video, onChange }: Props) {
  const client = useQueryClient();
  const people = useNamedPeople(video.id);
  const named = people.data?.items ?? [];
  const reread = async () => {
    await client.invalidateQueries({ queryKey: shareKeys.people(video.id) });
    onChange(await videos.get(video.id)); // naming somebody may have opened a private one
  };
  return (
    <div className="grid grid-cols-1 gap-6">
      <CheckPeople video={video} mail={people.data?.mail ?? false} onNamed={reread} />
      {people.error && <Notice tone="danger">{messageOf(people.error)}</Notice>}
      {named.length > 0 && (
        <section aria-label="Named people">
          <h3 className="mb-2 text-sm font-medium">Named people</h3>
          {video.visibility === 'private' && (
            <div className="mb-3">
              <Notice>They cannot watch while the video is private.</Notice>
            </div>
          )}
          <ul className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface">
            {named.map((person) => (
              <Person key={person.id} video={video} person={person} onChanged={reread} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

type RowProps = { video: Video; person: NamedPerson; onChanged: () => Promise<void> };

function Person({ video, person, onChanged }: RowProps) {
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      toast.error(messageOf(error));
    }
    await onChanged();
  };
  const change = (body: { may_comment?: boolean; may_download?: boolean }) =>
    void attempt(() => sharing.changePerson(video.id, person.id, body));
  const name = person.name ?? person.email;
  return (
    <li className="flex min-h-14 items-center gap-3 py-2 pr-2 pl-3.5">
      <Avatar name={name} id={person.account_id} />
      <div className="min-w-0 grow">
        <p className="truncate text-sm font-medium">{name}</p>
        <p className="truncate text-xs text-muted">
          {person.pending ? 'Opens it once signed in with this address' : person.email}
        </p>
      </div>
      {!person.may_comment && <Badge className="max-sm:hidden">Watch only</Badge>}
      <Menu
        trigger={
          <IconButton label={`What ${name} may do`} size="sm">
            <Ellipsis aria-hidden className="size-5" />
          </IconButton>
        }
      >
        <Toggle
          label="May comment"
          on={person.may_comment}
          onSelect={() => change({ may_comment: !person.may_comment })}
        />
        <Toggle
          label="May download"
          on={person.may_download}
          onSelect={() => change({ may_download: !person.may_download })}
        />
        <MenuSeparator />
        <MenuItem
          danger
          icon={<UserMinus aria-hidden />}
          onSelect={() => void attempt(() => sharing.unname(video.id, person.id))}
        >
          Remove
        </MenuItem>
      </Menu>
    </li>
  );
}

function Toggle(props: { label: string; on: boolean; onSelect: () => void }) {
  return (
    <MenuItem
      role="menuitemcheckbox"
      aria-checked={props.on}
      icon={props.on ? <Check aria-hidden className="text-accent-ink" /> : <span />}
      onSelect={props.onSelect}
    >
      {props.label}
    </MenuItem>
  );
}
