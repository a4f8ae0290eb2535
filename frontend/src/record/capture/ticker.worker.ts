/// <reference lib="webworker" />
/** A timer that hidden tabs do not slow down: workers keep their rate where the page is held to one tick a second. */

setInterval(() => self.postMessage(null), 1000 / 30);
