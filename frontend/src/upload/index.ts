/** Uploads of ordinary files: the store behind them and the panel that shows them on every page. */
export { UploadPanel } from './UploadPanel';
export { uploadStore, useUploads } from './useUploads';
export type { UploadItem } from './store';
