/** Which files are worth sending; the server looks at their content anyway. */

const extensions = new Set(
  'mp4 m4v mov qt webm mkv avi mpg mpeg m2ts mts ts 3gp flv wmv ogv mp3 m4a aac wav flac ogg oga opus weba aiff'.split(
    ' ',
  ),
);

/** Why a file is not sent, or null. */
export function refusal(file: Pick<File, 'name' | 'type' | 'size'>): string | null {
  if (file.size === 0) return 'This file is empty.';
  if (/^(video|audio)\//.test(file.type)) return null;
  const extension = file.name.toLowerCase().split('.').pop() ?? '';
  if (extensions.has(extension)) return null;
  return 'This does not look like video or sound. MP4, MOV, WebM, MKV, AVI and audio files can be uploaded.';
}

/** The file's name without its extension, as a title. */
export function titleOf(name: string): string {
  return name.replace(/\.[^.]{1,5}$/, '').trim() || name;
}

/** Tells the same file again after a reload: browsers give neither path nor content hash. */
export function fingerprint(file: Pick<File, 'name' | 'size' | 'lastModified'>): string {
  return `${file.name}:${file.size}:${file.lastModified}`;
}
