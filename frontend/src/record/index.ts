/** The recorder: the page at /record and the banner for recordings that were interrupted. */
export { UnfinishedTakes } from './ui/UnfinishedTakes';
