'use strict';

const { refusePlaintext } = require('../plaintext.cjs');

/** Refuses a connection that has these options and would send the token in clear. */
function refusePlaintextOf({ tls, path, host, sentinels, enableTLSForSentinelMode }, how) {
  if (path) return;
  if (sentinels) {
    // Only ioredis learns which server the sentinels name, so that may be any host.
    if (!(tls && enableTLSForSentinelMode)) for (const one of sentinels) refusePlaintext(one.host ?? 'localhost', how);
  } else if (!tls) {
    refusePlaintext(host ?? 'localhost', how);
  }
}

/** Refuses a cluster whose start-up nodes would get the token in clear. */
function refusePlaintextOfCluster({ options, startupNodes }, how) {
  if (options.redisOptions?.tls) return;
  for (const node of startupNodes) refusePlaintext(startupHost(node), how);
}

/** The host of a start-up node, which ioredis takes as a port, a URL, or an object. */
function startupHost(node) {
  if (typeof node === 'number') return 'localhost';
  if (typeof node === 'string') return new URL(node.includes('://') ? node : `redis://${node}`).hostname;
  return node.host ?? 'localhost';
}

module.exports = { refusePlaintextOf, refusePlaintextOfCluster };
