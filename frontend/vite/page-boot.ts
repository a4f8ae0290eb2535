import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const source = fileURLToPath(new URL('../src/ui/page-boot.js', import.meta.url));

/**
 * Puts the tiny script that prepares a page in front of its first paint. It is a blocking file and not an inline
 * script, so that the content security policy needs no exception for it.
 */
export function pageBoot(): Plugin {
  const code = readFileSync(source, 'utf8');
  const hash = createHash('sha256').update(code).digest('base64url').slice(0, 8);
  let href = '/src/ui/page-boot.js';
  return {
    name: 'page-boot',
    configResolved(config) {
      if (config.command === 'build') href = `/assets/page-boot-${hash}.js`;
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: href.slice(1), source: code });
    },
    transformIndexHtml(html, { filename }) {
      if (!/(index|watch|embed)\.html$/.test(filename)) return html;
      return [{ tag: 'script', attrs: { src: href }, injectTo: 'head' }];
    },
  };
}
