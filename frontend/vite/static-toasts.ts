import type { Plugin } from 'vite';

const INSERTION = /\n__insertCSS\(".*"\);?\n/;

/**
 * Takes out of sonner the call that writes its styles into the page when it is loaded: the content security policy
 * takes no style without the page's nonce. Toaster.tsx imports them as a file.
 */
export function staticToasts(): Plugin {
  return {
    name: 'static-toasts',
    apply: 'build',
    transform(code, id) {
      if (!/sonner\/dist\/index\.mjs$/.test(id.split('?')[0]!)) return null;
      if (!INSERTION.test(code))
        throw new Error('static-toasts: sonner inserts its styles otherwise');
      return { code: code.replace(INSERTION, '\n'), map: null };
    },
  };
}
