import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { openSharedTab } from '../support/browser.ts';
import { loudness, probe } from '../support/media.ts';
import { play, playerState } from '../support/player.ts';
import { expect, test } from '../support/test.ts';

/** What a page needs to publish: the dozen lines of docs/recording-with-obs.md. */
async function publish(what: 'camera' | 'screen'): Promise<string> {
  const devices = navigator.mediaDevices;
  const stream =
    what === 'camera'
      ? await devices.getUserMedia({ video: { width: 1280, height: 720 }, audio: true })
      : await devices.getDisplayMedia({ video: true });
  if (what === 'screen') {
    const voice = await devices.getUserMedia({ audio: true });
    for (const track of voice.getAudioTracks()) stream.addTrack(track);
  }
  const peer = new RTCPeerConnection();
  for (const track of stream.getTracks()) {
    peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
  }
  await peer.setLocalDescription();
  const answer = await fetch('/api/whip?title=Live', {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: peer.localDescription?.sdp,
  });
  if (answer.status !== 201) throw new Error(await answer.text());
  await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
  return answer.headers.get('location') ?? '';
}

for (const what of ['camera', 'screen'] as const) {
  test(`${what} over WebRTC: watched while it is recorded, and at its end`, async ({
    owners,
    api,
    members,
    folder,
  }) => {
    if (what === 'screen') await openSharedTab(owners);
    const page = await owners.newPage();
    await page.goto('/record');
    const location = await page.evaluate(publish, what);
    await expect.poll(async () => (await api.videos())[0]?.saved_ms ?? 0).toBeGreaterThan(3000);
    const [live] = await api.videos();
    expect(live).toMatchObject({ title: 'Live', state: 'recording' });

    const early = await members.newPage();
    await early.goto(`/v/${live?.slug}`);
    await play(early);

    const ended = await page.evaluate(
      async (session) => (await fetch(session, { method: 'DELETE' })).status,
      location,
    );
    expect(ended).toBe(200);
    const video = await api.video(live?.id ?? '');
    expect(video.state).not.toBe('recording');
    expect(video.playback.hls).not.toBeNull();
    const viewer = await members.newPage();
    await viewer.goto(`/v/${video.slug}`);
    await play(viewer);
    expect((await playerState(viewer)).duration).toBeGreaterThan(3);

    const source = await api.request('GET', (video.playback.hls ?? '').replace(/[^/]+$/, 'source'));
    const file = path.join(folder, 'source.mp4');
    writeFileSync(file, Buffer.from(await source.arrayBuffer()));
    const found = probe(file);
    expect(found.video?.codec).toBe('h264');
    expect(found.video?.frames).toBeGreaterThan(what === 'camera' ? 60 : 3);
    expect(found.audio?.frames).toBeGreaterThan(100);
    expect(loudness(file, 440)).toBeGreaterThan(-45);
  });
}
