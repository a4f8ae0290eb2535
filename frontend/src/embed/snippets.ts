/** What is needed to write down how another site shows a video. */
export interface Shown {
  title: string;
  /** The address of the watch page. */
  url: string;
  width: number;
  height: number;
  /** There is an animated picture. */
  moving: boolean;
}

const parts = (url: string) => {
  const at = /^(.*)\/v\/([\w-]+)$/.exec(url);
  return { base: at?.[1] ?? '', slug: at?.[2] ?? '' };
};

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const html = (text: string) => text.replace(/[&<>"']/g, (sign) => escapes[sign]!);

// Signs that mean something in Markdown, and line breaks, which would end the text.
const markdown = (text: string) =>
  text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>()#!|&~]/g, (sign) => `\\${sign}`);

/** How large a frame is: as wide as others on the web, as tall as the picture needs. */
export function frameSize({ width, height }: Shown): { width: number; height: number } {
  if (width <= 0 || height <= 0) return { width: 640, height: 360 };
  const tall = Math.round((640 * height) / width);
  if (tall <= 640) return { width: 640, height: tall };
  return { width: Math.round((640 * width) / height), height: 640 };
}

/** A frame; server/site/oembed.go writes the same one. */
export function iframeSnippet(video: Shown): string {
  const { base, slug } = parts(video.url);
  const { width, height } = frameSize(video);
  return (
    `<iframe src="${html(`${base}/embed/${slug}`)}" title="${html(video.title)}" width="${width}" height="${height}" ` +
    `style="border:0" loading="lazy" referrerpolicy="strict-origin-when-cross-origin" ` +
    `allow="autoplay; fullscreen; picture-in-picture" allowfullscreen></iframe>`
  );
}

/** An element that becomes a frame as wide as its place. */
export function scriptSnippet(video: Shown): string {
  const { base } = parts(video.url);
  return (
    `<div data-meanwhile="${html(video.url)}" data-title="${html(video.title)}"></div>\n` +
    `<script async src="${html(base)}/embed.js"></script>`
  );
}

/** A picture that leads to the video, where no frames are: GitHub, issues, READMEs. */
export function markdownSnippet(video: Shown): string {
  return `[![${markdown(video.title)}](${video.url}/poster.jpg)](${video.url})`;
}

/** The same for a letter, with the picture that moves if there is one. */
export function mailSnippet(video: Shown): string {
  const picture = `${video.url}/${video.moving ? 'preview.webp' : 'poster.jpg'}`;
  return (
    `<p><a href="${html(video.url)}"><img src="${html(picture)}" alt="${html(video.title)}" width="480" ` +
    `style="max-width:100%;height:auto;border:0;border-radius:8px"></a><br>` +
    `<a href="${html(video.url)}">▶ ${html(video.title)}</a></p>`
  );
}
