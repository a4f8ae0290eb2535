/**
 * Uploads of ordinary files, for the whole application: two at a time, each for as long as the line needs. No
 * framework: subscribe and read snapshots.
 */
import { randomId } from '@/record/id';
import { holdTake } from '@/record/spool/locks';
import { Uplink, type Target, type UplinkView } from '@/record/uplink/uplink';
import { fingerprint, refusal } from './kinds';
import { Ledger, type Entry } from './ledger';
import { createUpload, dropUpload } from './server';

/** One upload as the page shows it. */
export interface UploadItem {
  id: string;
  name: string;
  size: number;
  /** Bytes the server has acknowledged. */
  sent: number;
  /** file-needed: left by an earlier visit, waits for the same file · failed: for good, see message. */
  state: 'queued' | 'sending' | 'paused' | 'file-needed' | 'done' | 'failed';
  message: string | null;
  slug: string | null;
  /** The browser can open the file again by itself, after asking. */
  reopenable: boolean;
}

interface Job {
  entry: Entry;
  file: File | null;
  uplink: Uplink | null;
  release: (() => void) | null;
}

const atOnce = 2;
const pieceBytes = 8 * 1024 * 1024;

/** See the file comment. */
export class UploadStore {
  private readonly ledger: Ledger;
  private readonly listeners = new Set<() => void>();
  private readonly jobs = new Map<string, Job>();
  private readonly handles = new Map<string, FileSystemFileHandle>();
  private items: UploadItem[] = [];

  constructor(ledger: Ledger = new Ledger()) {
    this.ledger = ledger;
  }

  /** All uploads of this page, in the order they came; a new array after every change. */
  snapshot = (): UploadItem[] => this.items;

  /** Calls back after every change, until the returned function is called. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Whether leaving the page would interrupt something. */
  get busy(): boolean {
    return this.items.some((i) => i.state === 'sending' || i.state === 'queued');
  }

  /** Takes over what earlier visits left unfinished, save what another tab is sending. */
  async recall(): Promise<void> {
    for (const entry of await this.ledger.all().catch(() => [])) {
      if (this.jobs.has(entry.id)) continue;
      const release = await holdTake(`upload-${entry.id}`);
      if (release) this.enter({ entry, file: null, uplink: null, release }, 'file-needed');
    }
  }

  /** A dropped file's handle, so that it can be opened again after a reload. */
  async offerHandle(handle: FileSystemFileHandle): Promise<void> {
    const file = await handle.getFile();
    this.handles.set(fingerprint(file), handle);
    const job = [...this.jobs.values()].find((j) => j.entry.fingerprint === fingerprint(file));
    if (job) await this.note(job, { handle });
  }

  /** Sends these files; one that is known and unfinished goes on where it was. */
  add = (files: File[]): void => {
    for (const file of files) {
      const known = [...this.jobs.values()].find((j) => j.entry.fingerprint === fingerprint(file));
      const state = known && this.items.find((i) => i.id === known.entry.id)?.state;
      if (known && state !== 'done' && state !== 'failed') this.goOn(known, file);
      else void this.begin(file);
    }
  };

  /** Stops sending one upload for now. */
  pause = (id: string): void => {
    const job = this.jobs.get(id);
    this.show(id, { state: 'paused', message: null });
    void job?.uplink?.stop();
    this.next();
  };

  /** Goes on with one: after a pause, or by opening its file again after a reload. */
  resume = async (id: string): Promise<void> => {
    const job = this.jobs.get(id);
    if (!job) return;
    const file = job.file ?? (await reopen(job.entry));
    if (file) this.goOn(job, file);
    else this.show(id, { message: `Choose “${job.entry.name}” again to go on where it stopped.` });
  };

  /** Goes on with the file the person chose for it; another file is refused, its bytes would not fit. */
  resumeWith = (id: string, file: File): void => {
    const job = this.jobs.get(id);
    if (job?.entry.fingerprint === fingerprint(file)) this.goOn(job, file);
    else if (job)
      this.show(id, {
        message: `That is another file than the “${job.entry.name}” this upload began with.`,
      });
  };

  /** Ends one; what the server had of it goes to the trash. */
  cancel = async (id: string): Promise<void> => {
    const job = this.jobs.get(id);
    this.dismiss(id);
    await job?.uplink?.stop();
    await this.ledger.remove(id).catch(() => undefined);
    if (job?.entry.uploadUrl) await dropUpload(job.entry.uploadUrl).catch(() => undefined);
  };

  /** Puts a finished or failed one out of sight. */
  dismiss = (id: string): void => {
    void this.ledger.remove(id).catch(() => undefined);
    this.jobs.get(id)?.release?.();
    this.jobs.delete(id);
    this.items = this.items.filter((i) => i.id !== id);
    this.tell();
    this.next();
  };

  private async begin(file: File): Promise<void> {
    const id = randomId();
    const entry: Entry = {
      id,
      fingerprint: fingerprint(file),
      name: file.name,
      size: file.size,
      type: file.type,
      startedAt: Date.now(),
      uploadUrl: null,
      videoId: null,
      slug: null,
      handle: this.handles.get(fingerprint(file)) ?? null,
    };
    const refused = refusal(file);
    const job: Job = { entry, file, uplink: null, release: null };
    this.enter(job, refused ? 'failed' : 'queued', refused);
    if (refused) return;
    job.release = await holdTake(`upload-${id}`);
    await this.ledger.put(entry).catch(() => undefined);
    this.next();
  }

  private goOn(job: Job, file: File): void {
    job.file = file;
    this.show(job.entry.id, { state: 'queued', message: null });
    this.next();
  }

  /** Starts queued uploads while fewer than two run. */
  private next(): void {
    let running = this.items.filter((i) => i.state === 'sending').length;
    for (const item of this.items) {
      const job = this.jobs.get(item.id);
      if (running >= atOnce) return;
      if (item.state !== 'queued' || !job?.file) continue;
      running++;
      this.show(item.id, { state: 'sending' });
      void this.send(job, job.file);
    }
  }

  private async send(job: Job, file: File): Promise<void> {
    const { id } = job.entry;
    const uplink = new Uplink({
      bytes: { size: file.size, read: (start, end) => Promise.resolve(file.slice(start, end)) },
      target: targetOf(job.entry),
      known: true,
      pieceBytes,
      create: (key) => createUpload(file, key),
      onChange: (view) => this.follow(job, view),
    });
    job.uplink = uplink;
    uplink.source.finish();
    const whole = await uplink.run();
    // Paused, cancelled or taken up again meanwhile: somebody else speaks for this job now.
    if (job.uplink !== uplink || this.jobs.get(id) !== job) return;
    const paused = this.items.find((i) => i.id === id)?.state === 'paused';
    if (whole) await this.finish(job);
    else if (!paused)
      this.show(id, { state: 'failed', message: uplink.view.trouble?.message ?? null });
    this.next();
  }

  private async finish(job: Job): Promise<void> {
    this.show(job.entry.id, { state: 'done', sent: job.entry.size, message: null });
    job.release?.();
    await this.ledger.remove(job.entry.id).catch(() => undefined);
  }

  private follow(job: Job, { target, acked, trouble }: UplinkView): void {
    if (target && target.uploadUrl !== job.entry.uploadUrl) {
      void this.note(job, {
        uploadUrl: target.uploadUrl,
        videoId: target.videoId,
        slug: target.slug,
      });
    }
    const sent = acked || (this.items.find((i) => i.id === job.entry.id)?.sent ?? 0);
    this.show(job.entry.id, {
      sent,
      slug: target?.slug || null,
      message: trouble?.message ?? null,
    });
  }

  private async note(job: Job, change: Partial<Entry>): Promise<void> {
    Object.assign(job.entry, change);
    await this.ledger.put(job.entry).catch(() => undefined);
  }

  private enter(job: Job, state: UploadItem['state'], message: string | null = null): void {
    const { id, name, size, slug, handle } = job.entry;
    this.jobs.set(id, job);
    this.items = [
      ...this.items,
      { id, name, size, sent: 0, state, message, slug, reopenable: handle !== null },
    ];
    this.tell();
  }

  private show(id: string, change: Partial<UploadItem>): void {
    this.items = this.items.map((item) => (item.id === id ? { ...item, ...change } : item));
    this.tell();
  }

  private tell(): void {
    this.listeners.forEach((listener) => listener());
  }
}

function targetOf({ uploadUrl, videoId, slug }: Entry): Target | null {
  return uploadUrl ? { uploadUrl, videoId: videoId ?? '', slug: slug ?? '', watchUrl: '' } : null;
}

/** Opens the file behind a kept handle; null where there is none, the person says no or the file has changed. */
async function reopen({ handle, fingerprint: known }: Entry): Promise<File | null> {
  if (!handle) return null;
  try {
    const asking = handle as FileSystemFileHandle & {
      requestPermission?: (options: { mode: 'read' }) => Promise<PermissionState>;
    };
    if ((await asking.requestPermission?.({ mode: 'read' })) === 'denied') return null;
    const file = await handle.getFile();
    return fingerprint(file) === known ? file : null;
  } catch {
    return null;
  }
}
