/** How a take begins: live where that was chosen or nothing else works, and the ordinary way else. */
import { videos } from '@/api/videos';
import type { Stage } from './capture/stage';
import { canKeep } from './environment';
import { videoBits } from './format';
import { createVideo, defaultTitle } from './server';
import type { Settings } from './settings';
import type { Takes } from './spool/takes';
import { Take } from './take';
import type { Taking } from './taking';
import { Dialing } from './whip/dialing';
import { LiveTake } from './whip/live-take';
import { noOtherWay, ordinaryWay } from './whip/words';

/** What a beginning needs of the recorder. */
export interface Host {
  settings: () => Settings;
  title: () => string;
  elapsed: () => number;
  onChange: () => void;
  onNotice: (text: string) => void;
  /** The take cannot go on; what there is of it is kept. */
  onEnded: (why?: string) => void;
  /** Whether a live connection is being made. */
  onConnecting: (connecting: boolean) => void;
}

/** Whether takes go live: by choice, or since this browser cannot record by itself. */
export function goesLive(settings: Settings): boolean {
  return settings.live || !canKeep();
}

/** See the file comment. */
export class Beginning {
  private readonly takes: Takes;
  private readonly host: Host;
  private dialing: Dialing | null = null;

  constructor(takes: Takes, host: Host) {
    this.takes = takes;
    this.host = host;
  }

  /** Makes the live connection, if there is to be one, while somebody counts down. */
  prepare(stage: Stage): void {
    if (this.dialing || !goesLive(this.host.settings())) return;
    const dialing = new Dialing({
      title: this.title(stage),
      videoBits: videoBits(stage.size, 'video/h264'),
      stream: () => stage.stream,
      look: (id) => videos.get(id),
      onChange: this.host.onChange,
      onEnded: () => this.host.onEnded(),
    });
    this.dialing = dialing;
    this.host.onConnecting(true);
    void dialing.outcome.then((outcome) => {
      if (this.dialing !== dialing) return;
      this.host.onConnecting(false);
      if (!(outcome instanceof LiveTake) && canKeep())
        this.host.onNotice(`${outcome.message} ${ordinaryWay}`);
    });
  }

  /** No take begins after all. */
  drop(): void {
    this.dialing?.drop();
    this.dialing = null;
    this.host.onConnecting(false);
  }

  /** A take that is ready to start; null when it was dropped meanwhile. Rejects with words. */
  async take(stage: Stage): Promise<Taking | null> {
    this.prepare(stage);
    const { dialing } = this;
    if (!dialing) return this.ordinary(stage);
    const outcome = await dialing.outcome;
    if (this.dialing !== dialing) return null;
    this.dialing = null;
    if (outcome instanceof LiveTake) return outcome;
    if (canKeep()) return this.ordinary(stage);
    throw new Error(`${outcome.message} ${noOtherWay}`, { cause: outcome });
  }

  private ordinary(stage: Stage): Promise<Take> {
    const { host } = this;
    return Take.begin({
      takes: this.takes,
      stream: stage.stream,
      size: stage.size,
      format: host.settings().format,
      title: this.title(stage),
      create: createVideo,
      elapsed: host.elapsed,
      onChange: host.onChange,
      onNotice: host.onNotice,
      onBound: () => host.onEnded(),
      onBroken: () =>
        host.onEnded('The browser’s recorder stopped by itself. Everything up to here is kept.'),
    });
  }

  private title(stage: Stage): string {
    return this.host.title().trim() || defaultTitle(stage.mode);
  }
}
