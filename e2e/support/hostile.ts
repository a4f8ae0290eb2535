import { readFileSync } from 'node:fs';

import { made } from './clips.ts';

/** Writes one MP4 box. */
function box(type: string, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

/** A small MP4 as any camera app writes it: the index stands at the end. */
export function ordinaryMP4(): Buffer {
  return readFileSync(
    made(
      'ordinary.mp4',
      ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=6'],
      ...['-f', 'lavfi', '-i', 'sine=f=440:d=6', '-c:v', 'libx264', '-preset', 'ultrafast'],
      ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest'],
    ),
  );
}

/** The same as a browser's recorder writes it, in fragments of two seconds. */
export function fragmentedMP4(): Buffer {
  return readFileSync(
    made(
      'fragmented.mp4',
      ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=12'],
      ...['-f', 'lavfi', '-i', 'sine=f=440:d=12', '-c:v', 'libx264', '-preset', 'ultrafast'],
      ...['-pix_fmt', 'yuv420p', '-g', '50', '-sc_threshold', '0', '-c:a', 'aac', '-shortest'],
      ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
    ),
  );
}

/** A picture larger and faster than any screen. */
export function hugeMP4(): Buffer {
  return readFileSync(
    made(
      'huge.mp4',
      ...['-f', 'lavfi', '-i', 'color=red:s=7680x4320:r=240:d=0.05', '-c:v', 'libx264'],
      ...['-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
      ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
    ),
  );
}

/** Twelve hours in which nothing happens. */
export function endlessMP4(): Buffer {
  return readFileSync(
    made(
      'endless.mp4',
      ...['-f', 'lavfi', '-i', 'color=black:s=64x36:r=1/10:d=43200', '-c:v', 'libx264'],
      ...['-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '60'],
    ),
  );
}

/** An MP4 whose index claims ten thousand tracks. */
export function manyTracks(): Buffer {
  const ftyp = box('ftyp', Buffer.from('isom\0\0\0\0isom', 'latin1'));
  const mvhd = box('mvhd', Buffer.alloc(100));
  const tracks = Array.from({ length: 10_000 }, (_, i) => {
    const tkhd = Buffer.alloc(84);
    tkhd.writeUInt32BE(i + 1, 12);
    return box('trak', box('tkhd', tkhd));
  });
  return Buffer.concat([ftyp, box('moov', mvhd, ...tracks), box('mdat', Buffer.alloc(64))]);
}

/** A playlist that would read a file of the machine. */
export function playlist(): Buffer {
  return Buffer.from(
    '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n',
  );
}
