/** Cameras, microphones and screens, with their refusals in words. */

/** A capture device to choose from. */
export interface Device {
  id: string;
  label: string;
}

/** The devices there are now. */
export interface Devices {
  cameras: Device[];
  microphones: Device[];
}

/** Lists devices; labels are empty until a permission was given once. */
export async function listDevices(): Promise<Devices> {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind: MediaDeviceKind, name: string) =>
    all
      .filter((d) => d.kind === kind && d.deviceId && d.deviceId !== 'communications')
      .map((d, i) => ({ id: d.deviceId, label: d.label || `${name} ${i + 1}` }));
  return { cameras: of('videoinput', 'Camera'), microphones: of('audioinput', 'Microphone') };
}

/** Opens a microphone; the remembered one is a wish, not a condition. */
export async function openMicrophone(id: string | null): Promise<MediaStreamTrack> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: {
      ...(id ? { deviceId: { ideal: id } } : {}),
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    },
  });
  return first(stream.getAudioTracks());
}

/** Opens a camera at up to this height. */
export async function openCamera(id: string | null, height = 720): Promise<MediaStreamTrack> {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: {
      ...(id ? { deviceId: { ideal: id } } : {}),
      width: { ideal: Math.round((height * 16) / 9) },
      height: { ideal: height },
      frameRate: { ideal: 30, max: 30 },
    },
  });
  return first(stream.getVideoTracks());
}

/** A shared screen, window or tab, and its sound where it was given. */
export interface Screen {
  video: MediaStreamTrack;
  audio: MediaStreamTrack | null;
}

interface DisplayOptions extends DisplayMediaStreamOptions {
  controller?: unknown;
  selfBrowserSurface?: 'include' | 'exclude';
  surfaceSwitching?: 'include' | 'exclude';
  systemAudio?: 'include' | 'exclude';
  monitorTypeSurfaces?: 'include' | 'exclude';
}

/** Asks for a screen, window or tab of at most this height. */
export async function openScreen(maxHeight: number): Promise<Screen> {
  const options: DisplayOptions = {
    video: {
      frameRate: { ideal: 30, max: 30 },
      width: { max: Math.round((maxHeight * 16) / 9) },
      height: { max: maxHeight },
    },
    // Processing meant for voices ruins music and videos.
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    selfBrowserSurface: 'exclude',
    surfaceSwitching: 'include',
    systemAudio: 'include',
    monitorTypeSurfaces: 'include',
    ...stayHere(),
  };
  const stream = await navigator.mediaDevices.getDisplayMedia(options);
  const video = first(stream.getVideoTracks());
  // Tells the encoder to favour sharp text over smooth motion.
  video.contentHint = 'detail';
  return { video, audio: stream.getAudioTracks()[0] ?? null };
}

/** Chromium would jump to the shared tab at once; the person still has to press Start here. */
function stayHere(): { controller?: unknown } {
  const Controller = (
    globalThis as { CaptureController?: new () => { setFocusBehavior?: (b: string) => void } }
  ).CaptureController;
  if (!Controller) return {};
  const controller = new Controller();
  try {
    controller.setFocusBehavior?.('no-focus-change');
  } catch {
    // Only allowed before the choice and for tabs and windows; the default is fine elsewhere.
  }
  return { controller };
}

function first(tracks: MediaStreamTrack[]): MediaStreamTrack {
  const track = tracks[0];
  if (!track) throw new DOMException('The browser gave no track.', 'NotFoundError');
  return track;
}

/** Why a device did not open, for the person, with what to do about it. */
export function deviceTrouble(cause: unknown, what: 'screen' | 'camera' | 'microphone'): string {
  const name = cause instanceof DOMException || cause instanceof Error ? cause.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return what === 'screen'
        ? 'No screen was shared. Choose what to show in the browser’s dialog; on macOS the system settings must allow this browser to record the screen.'
        : `The browser was not allowed to use the ${what}. Allow it in the address bar (the icon left of the address), then try again.`;
    case 'NotFoundError':
    case 'OverconstrainedError':
      return `No ${what} was found. Plug one in, then try again.`;
    case 'NotReadableError':
    case 'AbortError':
      return `The ${what} is in use by another program, or the system refuses it. Close the other program, then try again.`;
    default:
      return `The ${what} could not be opened${name ? ` (${name})` : ''}.`;
  }
}
