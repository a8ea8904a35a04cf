export * from './redis-entraid.js';
