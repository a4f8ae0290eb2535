import { toast } from 'sonner';

/**
 * Puts text on the clipboard. Pages on plain http have no clipboard API, so the old way is the second try. Resolves to
 * whether it worked.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Copies and says so. */
export async function copyWithToast(text: string, said = 'Link copied'): Promise<void> {
  if (await copyText(text)) toast.success(said);
  else toast.error('The browser does not let this page copy.', { description: text });
}

function copyBySelection(text: string): boolean {
  const box = document.createElement('textarea');
  box.value = text;
  box.setAttribute('readonly', '');
  box.style.position = 'fixed';
  box.style.opacity = '0';
  // Inside an open dialog the focus trap would win over a box in the body.
  const host = document.activeElement?.closest('[role="dialog"]') ?? document.body;
  host.append(box);
  box.select();
  try {
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    box.remove();
  }
}
