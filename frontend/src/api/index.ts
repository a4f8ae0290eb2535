export * from './accounts';
export * from './errors';
export * from './events';
export * from './hooks';
export * from './links';
export * from './pass';
export * from './types';
export * from './videos';
