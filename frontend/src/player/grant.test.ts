import { describe, expect, it } from 'vitest';
import { grantOf, withGrant, withoutGrant } from './grant';

describe('grants', () => {
  it('reads and replaces the grant of a media address', () => {
    expect(grantOf('/media/G1/v1/master.m3u8')).toBe('G1');
    expect(withGrant('/media/G1/v1/o/ladder/a.mp4?x=1', 'G2')).toBe(
      '/media/G2/v1/o/ladder/a.mp4?x=1',
    );
    expect(withGrant('https://h.test/media/G1/v1/720p.m3u8', 'G2')).toBe(
      'https://h.test/media/G2/v1/720p.m3u8',
    );
  });
  it('takes a grant literally, whatever it holds', () => {
    expect(withGrant('/media/a/v/x', '$&$1')).toBe('/media/$&$1/v/x');
  });
  it('leaves other addresses alone', () => {
    const presigned = 'https://s3.test/bucket/v/1?X-Amz-Signature=/media/a/b';
    expect(withGrant(presigned, 'G2')).toBe(presigned);
    expect(grantOf(presigned)).toBeNull();
  });
  it('compares what two addresses name', () => {
    expect(withoutGrant('/media/G1/v/m')).toBe(withoutGrant('/media/G2/v/m'));
  });
});
