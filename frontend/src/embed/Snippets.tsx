import { useQuery } from '@tanstack/react-query';
import { Copy, Play } from 'lucide-react';
import { Tabs } from 'radix-ui';
import { embedOrigins, useSession, workspaceKeys, type Video } from '@/api';
import { Button, copyWithToast, Notice } from '@/ui';
import { iframeSnippet, mailSnippet, markdownSnippet, scriptSnippet, type Shown } from './snippets';

const kinds = [
  {
    id: 'iframe',
    label: 'Frame',
    hint: 'For a wiki, a blog or any page that takes HTML.',
    write: iframeSnippet,
    framed: true,
  },
  {
    id: 'script',
    label: 'Script',
    hint: 'The player is as wide as its place, and as tall as the picture.',
    write: scriptSnippet,
    framed: true,
  },
  {
    id: 'markdown',
    label: 'Markdown',
    hint: 'A picture that leads here: for GitHub, Notion and wherever frames are not taken.',
    write: markdownSnippet,
    framed: false,
  },
  {
    id: 'mail',
    label: 'E-mail',
    hint: 'A moving picture that leads here. Paste it as HTML.',
    write: mailSnippet,
    framed: false,
  },
];

interface Props {
  video: Video;
  /** The address to give away: the video's own, or that of a share link. */
  url?: string;
  /** The address lets everybody in, whatever the video's own does. */
  open?: boolean;
}

/** What other sites need in order to show a video, ready to be copied. */
export function Snippets({ video, url = video.watch_url, open }: Props) {
  const everybody = open ?? video.visibility === 'link';
  const shown: Shown = {
    title: video.title,
    url: new URL(url, location.origin).toString(),
    width: video.width,
    height: video.height,
    moving: video.playback.preview !== null,
  };
  return (
    <Tabs.Root defaultValue="iframe" className="min-w-0">
      <Tabs.List aria-label="Where it is to be shown" className="flex flex-wrap gap-1">
        {kinds.map(({ id, label }) => (
          <Tabs.Trigger
            key={id}
            value={id}
            className="h-9 rounded-lg px-3 text-sm font-medium text-muted hover:bg-sunken hover:text-ink data-[state=active]:bg-accent-soft data-[state=active]:text-accent-ink pointer-coarse:h-11"
          >
            {label}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {kinds.map(({ id, hint, write, framed }) => (
        <Tabs.Content key={id} value={id} className="mt-3 grid gap-3 outline-none">
          <p className="text-sm text-muted">{hint}</p>
          <Warnings video={video} everybody={everybody} framed={framed} />
          <Preview video={video} moving={id === 'mail'} />
          <Code text={write(shown)} />
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
}

function Code({ text }: { text: string }) {
  return (
    <div className="relative">
      <pre
        // A long line scrolls, which keyboards must be able to do, too.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        className="max-h-36 overflow-auto rounded-xl bg-sunken p-3 pr-24 text-[0.8125rem] whitespace-pre-wrap wrap-anywhere"
      >
        <code>{text}</code>
      </pre>
      <Button
        size="sm"
        className="absolute top-2 right-2"
        onClick={() => void copyWithToast(text, 'Copied')}
      >
        <Copy aria-hidden className="size-4" />
        Copy
      </Button>
    </div>
  );
}

/** What stands in the way of its being seen there. */
function Warnings(props: { video: Video; everybody: boolean; framed: boolean }) {
  const { video, everybody, framed } = props;
  const account = useSession().data?.account;
  const here = account?.workspace_id === video.workspace_id;
  const { data } = useQuery({
    queryKey: workspaceKeys.origins,
    queryFn: ({ signal }) => embedOrigins.get(signal),
    enabled: framed && here,
  });
  const mayList = account?.role === 'admin' || account?.role === 'owner';
  return (
    <>
      {!everybody && (
        <Notice tone="warn">
          {framed
            ? 'This video is not open to everybody. On other sites nobody is signed in here, so they show a card that leads here instead.'
            : 'This video is not open to everybody, so its picture stays empty elsewhere.'}
        </Notice>
      )}
      {framed && data?.origins.length === 0 && (
        <Notice tone="warn">
          No site may show videos of this workspace yet.{' '}
          {mayList ? (
            <a href="/settings#embed" className="font-medium underline underline-offset-2">
              List the sites that may
            </a>
          ) : (
            'An admin of the workspace can list the sites that may.'
          )}
        </Notice>
      )}
    </>
  );
}

/** How it will look, more or less. */
function Preview({ video, moving }: { video: Video; moving: boolean }) {
  const { poster, preview } = video.playback;
  const picture = (moving ? preview : null) ?? poster;
  return (
    <div className="relative aspect-video w-56 max-w-full overflow-hidden rounded-lg bg-black">
      {picture && <img src={picture} alt="" className="size-full object-contain" />}
      {!moving && (
        <span className="absolute inset-0 m-auto grid size-10 place-items-center rounded-full bg-[#0f766e]/90 text-white">
          <Play aria-hidden className="size-5 translate-x-px fill-current" />
        </span>
      )}
    </div>
  );
}
