import { Check } from 'lucide-react';
import { RadioGroup } from 'radix-ui';
import { useId, useState } from 'react';
import { messageOf, sharing, videos, type Audience, type Video, type Visibility } from '@/api';
import { Button, Notice, Switch, toast } from '@/ui';
import { sentence, takes, VISIBILITIES, VISIBILITY } from './audience';

interface Props {
  video: Video;
  onChange: (video: Video) => void;
}

/** Who may watch without having been named. What takes nothing from anybody is done at once; the rest is asked first. */
export function GeneralAccess({ video, onChange }: Props) {
  const [asked, setAsked] = useState<{ to: Visibility; change: Audience } | null>(null);
  const [said, setSaid] = useState('');
  const heading = useId();

  const apply = async (visibility: Visibility, change: Audience) => {
    setAsked(null);
    try {
      onChange(await videos.update(video.id, { visibility }));
      setSaid(sentence(change) || 'Nobody gains or loses by this.');
    } catch (error) {
      toast.error(messageOf(error));
    }
  };
  const choose = async (to: Visibility) => {
    setSaid('');
    try {
      const change = await sharing.preview(video.id, to);
      if (takes(change)) setAsked({ to, change });
      else await apply(to, change);
    } catch (error) {
      toast.error(messageOf(error));
    }
  };

  return (
    <section aria-labelledby={heading} className="mt-6">
      <h3 id={heading} className="mb-2 text-sm font-medium">
        Who may watch
      </h3>
      <RadioGroup.Root
        aria-labelledby={heading}
        value={asked?.to ?? video.visibility}
        onValueChange={(to) => void choose(to as Visibility)}
        className="grid overflow-hidden rounded-xl border border-line bg-surface sm:grid-cols-2"
      >
        {VISIBILITIES.map((value) => (
          <Option key={value} value={value} />
        ))}
      </RadioGroup.Root>
      <div className="mt-3 empty:hidden" aria-live="polite">
        {asked && (
          <Notice tone="warn">
            <p>{sentence(asked.change)}</p>
            <div className="mt-3 flex flex-wrap gap-2">
              <Button size="sm" onClick={() => setAsked(null)}>
                Leave it
              </Button>
              <Button size="sm" onClick={() => void apply(asked.to, asked.change)}>
                Change to “{VISIBILITY[asked.to].label}”
              </Button>
            </div>
          </Notice>
        )}
        {!asked && said && <Notice>{said}</Notice>}
      </div>
      {video.visibility === 'link' && <Guests video={video} onChange={onChange} />}
    </section>
  );
}

function Option({ value }: { value: Visibility }) {
  const { label, hint, Icon } = VISIBILITY[value];
  const id = useId();
  return (
    <RadioGroup.Item
      value={value}
      aria-labelledby={`${id}-l`}
      aria-describedby={`${id}-h`}
      className="group flex min-h-14 items-center gap-3 border-line px-3.5 py-2 text-left outline-none not-last:border-b hover:bg-sunken focus-visible:bg-sunken focus-visible:ring-2 focus-visible:ring-focus focus-visible:ring-inset data-[state=checked]:bg-accent-soft sm:odd:border-r sm:nth-3:border-b-0"
    >
      <Icon
        aria-hidden
        className="size-4.5 shrink-0 text-muted group-data-[state=checked]:text-accent-ink"
      />
      <span className="min-w-0 grow">
        <span id={`${id}-l`} className="block text-sm font-medium">
          {label}
        </span>
        <span id={`${id}-h`} className="block text-xs text-pretty text-muted">
          {hint}
        </span>
      </span>
      <span className="size-4.5 shrink-0">
        <RadioGroup.Indicator>
          <Check aria-hidden className="size-4.5 text-accent-ink" />
        </RadioGroup.Indicator>
      </span>
    </RadioGroup.Item>
  );
}

// What somebody without an account may do who has the video's own link.
function Guests({ video, onChange }: Props) {
  const update = async (body: { guests_may_comment?: boolean; guests_may_download?: boolean }) => {
    try {
      onChange(await videos.update(video.id, body));
    } catch (error) {
      toast.error(messageOf(error));
    }
  };
  return (
    <div className="mt-3 grid gap-x-6 sm:grid-cols-2">
      <Switch
        label="Guests may comment"
        hint="They give a name first"
        checked={video.guests_may_comment}
        onChange={(guests_may_comment) => void update({ guests_may_comment })}
      />
      <Switch
        label="Guests may download"
        checked={video.guests_may_download}
        onChange={(guests_may_download) => void update({ guests_may_download })}
      />
    </div>
  );
}
