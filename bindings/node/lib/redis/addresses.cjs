'use strict';

const { invalidArgument } = require('../errors.cjs');

/**
 * With the OSS cluster policy, Azure's nodes announce internal addresses that no certificate names. All are reached at
 * the cache's own host name, each at a port of its own.
 */
function portOf(address) {
  const port = Number(/:(\d+)$/.exec(address)?.[1]);
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

function hostOf(host) {
  if (typeof host === 'string' && host !== '' && !/[:/]/.test(host)) return host;
  throw invalidArgument('The host name of the cache is needed, without scheme and port: NAME.REGION.redis.azure.net.');
}

function nodeAddressMap(host) {
  const name = hostOf(host);
  return (address) => {
    const port = portOf(address);
    return port === undefined ? undefined : { host: name, port };
  };
}

function natMap(host) {
  const map = nodeAddressMap(host);
  return (key) => map(key) ?? null;
}

/** ioredis looks host names up by itself and connects to the address, which no certificate names. */
const dnsLookup = (address, callback) => callback(null, address);

const servername = (host) => ({ servername: hostOf(host) });

module.exports = { dnsLookup, natMap, nodeAddressMap, servername };
