import adapter from './node-redis.cjs';

export const { credentialsProvider } = adapter;
