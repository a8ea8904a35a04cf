'use strict';

const { refusePlaintext } = require('../plaintext.cjs');

/** Refuses a connection that has these options and would send the token in clear. */
function refusePlaintextOf({ tls, path, host, sentinels, enableTLSForSentinelMode }, how) {
  if (path) return;
  if (sentinels) {
    // Where the sentinels send a client is seen by ioredis alone: any host may come.
    if (!(tls && enableTLSForSentinelMode)) for (const one of sentinels) refusePlaintext(one.host ?? 'localhost', how);
  } else if (!tls) {
    refusePlaintext(host ?? 'localhost', how);
  }
}

/** The same for the nodes that a cluster starts from. */
function refusePlaintextOfCluster({ options, startupNodes }, how) {
  if (options.redisOptions?.tls) return;
  for (const node of startupNodes) refusePlaintext(startupHost(node), how);
}

/** ioredis takes a port, a URL, or an object. */
function startupHost(node) {
  if (typeof node === 'number') return 'localhost';
  if (typeof node === 'string') return new URL(node.includes('://') ? node : `redis://${node}`).hostname;
  return node.host ?? 'localhost';
}

module.exports = { refusePlaintextOf, refusePlaintextOfCluster };
