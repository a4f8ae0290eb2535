/** Making and dropping uploads on the server, by plain tus. */
import { errorFrom, offlineError } from '@/api/errors';
import { videos } from '@/api/videos';
import type { Target } from '@/record/uplink/uplink';
import { titleOf } from './kinds';

const endpoint = '/api/uploads';

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** Creates an upload of known length (tus creation), once for a key; the server makes the video by itself. */
export async function createUpload(file: File, key: string): Promise<Target> {
  const metadata = { filename: file.name, filetype: file.type, title: titleOf(file.name) };
  const pairs = Object.entries(metadata).filter(([, value]) => value);
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'Tus-Resumable': '1.0.0',
      'Idempotency-Key': `"${key}"`,
      'Upload-Length': String(file.size),
      'Upload-Metadata': pairs.map(([key, value]) => `${key} ${base64(value)}`).join(','),
    },
  }).catch(() => {
    throw offlineError();
  });
  if (!response.ok) throw await errorFrom(response);
  const uploadUrl = response.headers.get('Location') ?? '';
  return { uploadUrl, ...(await videoOf(uploadUrl)) };
}

/** tus knows no videos; the newest ones of the library tell which of them this upload belongs to. */
async function videoOf(uploadUrl: string): Promise<Omit<Target, 'uploadUrl'>> {
  const page = await videos.list({ filter: 'mine', limit: 20 }).catch(() => null);
  const mine = page?.items.find((v) => v.upload_url && uploadUrl.endsWith(v.upload_url));
  return { videoId: mine?.id ?? '', slug: mine?.slug ?? '', watchUrl: mine?.watch_url ?? '' };
}

/** Drops an upload (tus termination); what had arrived goes to the trash. */
export async function dropUpload(uploadUrl: string): Promise<void> {
  await fetch(new URL(uploadUrl, location.href).pathname, {
    method: 'DELETE',
    headers: { 'Tus-Resumable': '1.0.0' },
  });
}
