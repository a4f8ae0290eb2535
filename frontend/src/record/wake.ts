/** Keeps the screen on during a take: a laptop that falls asleep ends it. */

/** Asks for the screen to stay on until the returned function is called; nothing happens where it is not granted. */
export function stayAwake(): () => void {
  let lock: Promise<WakeLockSentinel | null> | null = null;
  // The browser takes the lock away whenever the page is hidden.
  const ask = () => {
    if (document.visibilityState === 'visible') {
      lock = navigator.wakeLock?.request('screen').catch(() => null) ?? null;
    }
  };
  document.addEventListener('visibilitychange', ask);
  ask();
  return () => {
    document.removeEventListener('visibilitychange', ask);
    void lock?.then((held) => held?.release()).catch(() => undefined);
  };
}
