export * from './ioredis.js';
