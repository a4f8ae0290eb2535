// How much script stands before the first frame of the watch page and of the page in frames, gzipped: what their HTML loads,
// what that imports, and hls.js, which only streams need. The application comes after the first frame and is listed for comparison.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT_KB = 150;
const dist = new URL('../dist/', import.meta.url);
const read = (path) => readFileSync(new URL(path, dist));
const zipped = (path) => gzipSync(read(path), { level: 6 }).length;
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);

function withImports(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  const code = read(path).toString();
  for (const [, name] of code.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) {
    withImports(`assets/${name}`, found);
  }
  return found;
}

const hls = readdirSync(new URL('assets/', dist)).find((name) => /^hls-.*\.js$/.test(name));
if (!hls) throw new Error('no hls.js chunk: has it been merged into another?');

function weigh(page) {
  const html = read(page).toString();
  const entries = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(
    ([, path]) => path,
  );
  const first = new Set([...entries, `assets/${hls}`].flatMap((path) => [...withImports(path)]));
  let total = 0;
  for (const path of first) {
    total += zipped(path);
    console.log(kb(zipped(path)), path);
  }
  console.log(kb(total), `before the first frame of ${page} (limit ${LIMIT_KB} kB)`);
  if (total > LIMIT_KB * 1000) process.exitCode = 1;
}

weigh('watch.html');
weigh('embed.html');
