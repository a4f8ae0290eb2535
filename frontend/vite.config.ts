import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { embedScript } from './vite/embed-script';
import { leanHls } from './vite/lean-hls';
import { pageBoot } from './vite/page-boot.ts';
import { staticToasts } from './vite/static-toasts.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Where `npm run dev` finds the Go server.
const server = process.env.MEANWHILE_SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/',
  plugins: [react(), tailwindcss(), pageBoot(), embedScript(), leanHls(), staticToasts()],
  // The server puts each answer's nonce in its place (server/site).
  html: { cspNonce: 'meanwhile-nonce' },
  resolve: { alias: { '@': here('./src') } },
  build: {
    // Everything is a file of its own: data: URLs would have to be allowed in the content security policy.
    assetsInlineLimit: 0,
    assetsDir: 'assets',
    // Three pages: the application, and two whose player must not wait for it: the watch page, and the player in frames.
    rollupOptions: {
      input: {
        index: here('./index.html'),
        watch: here('./watch.html'),
        embed: here('./embed.html'),
      },
    },
  },
  worker: { format: 'es' },
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: false },
      '/media': { target: server, changeOrigin: false },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
    // Only what hangs meets these, not a machine that stands still for a while.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 120_000 } },
  },
});
