/** Whether this browser, at this address, can record; and if not, why and what to do. */
import { pickType } from './format';

/** Why recording is impossible here. */
export interface Obstacle {
  kind: 'insecure' | 'unsupported';
  title: string;
  why: string;
  /** What to do, one step each. */
  steps: string[];
}

/** The few facts that decide; read from the browser by `look`. */
export interface Surroundings {
  secure: boolean;
  address: string;
  port: string;
  devices: boolean;
  /** It can record into a file of its own. */
  recorder: boolean;
  /** It can send live. */
  peer: boolean;
  display: boolean;
}

/** Reads the facts from the running page. */
export function look(): Surroundings {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  return {
    secure: isSecureContext,
    address: location.origin,
    port: location.port,
    devices: Boolean(devices?.getUserMedia),
    recorder: canKeep(),
    peer: typeof RTCPeerConnection !== 'undefined',
    display: Boolean(devices && 'getDisplayMedia' in devices),
  };
}

/** Whether the browser can record by itself; where it cannot, a recording goes live to the server. */
export function canKeep(): boolean {
  return (
    typeof MediaRecorder !== 'undefined' &&
    pickType('auto', { width: 1280, height: 720 }, (type) =>
      MediaRecorder.isTypeSupported(type),
    ) !== null
  );
}

/** The obstacle, or null where recording works. */
export function obstacle(here: Surroundings): Obstacle | null {
  if (!here.secure) return insecure(here);
  if (here.devices && (here.recorder || here.peer)) return null;
  return {
    kind: 'unsupported',
    title: 'This browser cannot record',
    why: 'It lacks the recording interfaces (getUserMedia, and MediaRecorder or WebRTC) that Meanwhile builds on.',
    steps: [
      'Use a current Chrome, Edge, Firefox or Safari.',
      'Or record with another program and upload the file in your library: it plays the same way.',
    ],
  };
}

function insecure(here: Surroundings): Obstacle {
  const port = here.port ? `:${here.port}` : '';
  return {
    kind: 'insecure',
    title: 'This address is not secure, so the browser will not record',
    why: `Browsers hand out screen, camera and microphone only over https, or on the same machine. This page was opened at ${here.address}, where anyone on the way could read along.`,
    steps: [
      `On the machine that runs Meanwhile, open http://localhost${port} instead.`,
      'For everyone else, put Meanwhile behind https: a reverse proxy such as Caddy gets a certificate by itself; set MEANWHILE_BASE_URL to the https address.',
      'Watching, commenting and uploading files work here all the same.',
    ],
  };
}

/** Whether screens can be shared here (phones cannot). */
export function canShareScreen(here: Surroundings): boolean {
  return here.display;
}
