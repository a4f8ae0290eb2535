import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const source = fileURLToPath(new URL('../src/embed/embed.js', import.meta.url));

/** Puts the script that other sites load beside the pages, as it is, at an address that stays: /embed.js. */
export function embedScript(): Plugin {
  return {
    name: 'embed-script',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'embed.js', source: readFileSync(source, 'utf8') });
    },
  };
}
