export * from './node-redis.js';
