import adapter from './ioredis.cjs';

export const { attach, dnsLookup, natMap, servername } = adapter;
