import adapter from './node-redis.cjs';

export const { clientOptions, credentialsProvider, nodeAddressMap, servername } = adapter;
