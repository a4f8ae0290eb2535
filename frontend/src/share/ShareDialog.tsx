import { Link2 } from 'lucide-react';
import { Tabs } from 'radix-ui';
import { useState, type ReactNode } from 'react';
import type { Video } from '@/api';
import { Button, copyWithToast, Dialog } from '@/ui';
import { EmbedPanel, hasEmbed } from './EmbedPanel';
import { GeneralAccess } from './GeneralAccess';
import { LinksPanel } from './LinksPanel';
import { PeoplePanel } from './PeoplePanel';

interface Props {
  video: Video;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Takes the video as the server answered it. */
  onChange: (video: Video) => void;
}

/** Who may watch a video, and how they come to. The link is on top: most people want nothing else. */
export function ShareDialog({ video, open, onOpenChange, onChange }: Props) {
  const url = new URL(`/v/${video.slug}`, location.origin).href;
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={`Share “${short(video.title)}”`} wide>
      <div className="flex items-center gap-2 rounded-xl border border-line bg-surface py-1.5 pr-1.5 pl-3.5">
        <span className="min-w-0 grow truncate text-sm text-muted" title={url}>
          {url.replace(/^https?:\/\//, '')}
        </span>
        <Button tone="primary" size="sm" onClick={() => void copyWithToast(url)}>
          <Link2 aria-hidden className="size-4.5" />
          Copy link
        </Button>
      </div>
      <GeneralAccess video={video} onChange={onChange} />
      <Panels video={video} onChange={onChange} />
    </Dialog>
  );
}

function Panels({ video, onChange }: Pick<Props, 'video' | 'onChange'>) {
  const [shown, setShown] = useState('people');
  return (
    <Tabs.Root value={shown} onValueChange={setShown} className="mt-6">
      <Tabs.List aria-label="Ways to share" className="flex gap-1 rounded-xl bg-sunken p-1">
        <Tab value="people">People</Tab>
        <Tab value="links">Share links</Tab>
        {hasEmbed && <Tab value="embed">Embed</Tab>}
      </Tabs.List>
      <Panel value="people">
        <PeoplePanel video={video} onChange={onChange} />
      </Panel>
      <Panel value="links">
        <LinksPanel video={video} />
      </Panel>
      {hasEmbed && (
        <Panel value="embed">
          <EmbedPanel video={video} />
        </Panel>
      )}
    </Tabs.Root>
  );
}

function Tab({ value, children }: { value: string; children: ReactNode }) {
  return (
    <Tabs.Trigger
      value={value}
      className="h-9 grow rounded-lg px-3 text-sm font-medium text-muted hover:text-ink data-[state=active]:bg-surface data-[state=active]:text-ink data-[state=active]:shadow-card pointer-coarse:h-11"
    >
      {children}
    </Tabs.Trigger>
  );
}

function Panel({ value, children }: { value: string; children: ReactNode }) {
  return (
    <Tabs.Content value={value} className="rounded-xl pt-5">
      {children}
    </Tabs.Content>
  );
}

function short(title: string): string {
  const all = Array.from(title);
  return all.length > 60 ? `${all.slice(0, 59).join('')}…` : title;
}
