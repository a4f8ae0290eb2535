import { describe, expect, it } from 'vitest';
import { attribute, fragment, inStereo, links, preferred, restarted } from './sdp';

const sdp = (...lines: string[]) => lines.map((line) => `${line}\r\n`).join('');

const answer = sdp(
  'v=0',
  'o=- 77 2 IN IP4 0.0.0.0',
  's=-',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:0',
  'a=ice-ufrag:old0',
  'a=ice-pwd:oldoldoldoldoldoldoldold',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10',
  'a=candidate:1 1 udp 1 192.0.2.1 8189 typ host',
  'a=end-of-candidates',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'a=mid:1',
  'a=ice-ufrag:old0',
  'a=ice-pwd:oldoldoldoldoldoldoldold',
);

describe('preferred', () => {
  const codec = (mimeType: string, sdpFmtpLine?: string) => ({
    mimeType,
    clockRate: 90_000,
    sdpFmtpLine,
  });

  it('puts H.264 first, then VP9, AV1 and VP8, and leaves out what no browser plays', () => {
    const found = preferred([
      codec('video/VP8'),
      codec('video/rtx', 'apt=96'),
      codec('video/VP9', 'profile-id=2'),
      codec('video/VP9', 'profile-id=0'),
      codec('video/AV1', 'profile=1'),
      codec('video/AV1', 'level-idx=5;profile=0'),
      codec('video/H264', 'packetization-mode=0;profile-level-id=42e01f'),
      codec('video/H264', 'packetization-mode=1;profile-level-id=42e01f'),
      codec('video/H264', 'packetization-mode=1;profile-level-id=f4001f'),
      codec('video/red'),
      codec('video/ulpfec'),
    ]);
    expect(found.map(({ mimeType }) => mimeType)).toEqual([
      'video/H264',
      'video/H264',
      'video/VP9',
      'video/AV1',
      'video/VP8',
      'video/rtx',
    ]);
    expect(found[0]?.sdpFmtpLine).toContain('packetization-mode=1');
  });
});

describe('fragment', () => {
  it('names whose candidates they are, once', () => {
    expect(fragment(answer, ['candidate:9 1 udp 1 10.0.0.1 5 typ host'])).toBe(
      sdp(
        'a=ice-ufrag:old0',
        'a=ice-pwd:oldoldoldoldoldoldoldold',
        'm=audio 9 UDP/TLS/RTP/SAVPF 111',
        'a=mid:0',
        'a=candidate:9 1 udp 1 10.0.0.1 5 typ host',
      ),
    );
  });

  it('carries a word about the session before its media', () => {
    expect(fragment(answer, [], ['a=inactive']).indexOf('a=inactive')).toBeLessThan(
      fragment(answer, [], ['a=inactive']).indexOf('m='),
    );
  });
});

it('a restarted answer has new credentials and candidates, and a higher version', () => {
  const change = sdp(
    'a=ice-ufrag:new1',
    'a=ice-pwd:newnewnewnewnewnewnewnew',
    'a=ice-lite',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=mid:0',
    'a=candidate:2 1 udp 1 192.0.2.9 8189 typ host',
    'a=end-of-candidates',
  );
  const next = restarted(answer, change);
  expect(next).toContain('o=- 77 3 IN IP4 0.0.0.0\r\n');
  expect(next).not.toContain('old');
  expect(next.match(/a=ice-ufrag:new1/g)).toHaveLength(2);
  expect(next.match(/a=candidate/g)).toEqual(['a=candidate']);
  expect(next).toContain('192.0.2.9');
  expect(next).toContain('a=fmtp:111 minptime=10');
  expect(attribute(next, 'ice-pwd')).toBe('newnewnewnewnewnewnewnew');
});

it('asks for stereo, with parameters of Opus or without', () => {
  expect(inStereo(answer, 128_000)).toContain(
    'a=fmtp:111 minptime=10;stereo=1;maxaveragebitrate=128000\r\n',
  );
  const bare = answer.replace('a=fmtp:111 minptime=10\r\n', '');
  expect(inStereo(bare, 96_000)).toContain(
    'a=rtpmap:111 opus/48000/2\r\na=fmtp:111 stereo=1;maxaveragebitrate=96000\r\n',
  );
  expect(inStereo('v=0\r\n', 1)).toBe('v=0\r\n');
});

it('reads Link headers, with commas in quotes and without parameters', () => {
  expect(
    links(
      '<turn:t.example?transport=udp>; rel="ice-server"; username="1:a,b"; credential="c\\"d"; credential-type=password, </v/x>; rel=alternate,<stun:s.example>',
    ),
  ).toEqual([
    {
      url: 'turn:t.example?transport=udp',
      parameters: {
        rel: 'ice-server',
        username: '1:a,b',
        credential: 'c"d',
        'credential-type': 'password',
      },
    },
    { url: '/v/x', parameters: { rel: 'alternate' } },
    { url: 'stun:s.example', parameters: {} },
  ]);
});
