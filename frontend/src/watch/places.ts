/** The places of watch.html that React fills; the video element between them is not React's. */
export function place(id: 'top' | 'stage' | 'controls' | 'details' | 'talk'): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`watch.html has no #${id}`);
  return element;
}
