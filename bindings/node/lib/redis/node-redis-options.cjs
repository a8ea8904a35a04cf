'use strict';

const { invalidArgument } = require('../errors.cjs');
const { refusePlaintext } = require('./plaintext.cjs');

/** Refuses the options of one client if its connection has no TLS. */
function checkClient({ url, socket } = {}, how) {
  if (url !== undefined) {
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'rediss:') refusePlaintext(hostname, how); // the URL has the last word, whatever `socket` says
  } else if (!socket?.tls && socket?.path === undefined) {
    refusePlaintext(socket?.host ?? 'localhost', how);
  }
}

const hostOf = ({ url, socket }) => (url === undefined ? socket?.host : new URL(url).hostname);

/** The options of a client or a pool, a cluster, or a sentinel, with these credentials. */
function withCredentials(options, credentialsProvider, how) {
  if (options === null || typeof options !== 'object') throw invalidArgument('The options of the client are needed.');
  if (options.rootNodes !== undefined) {
    const { rootNodes, defaults } = options;
    // A root node's own options are for finding the others, which have the defaults.
    for (const root of rootNodes) {
      checkClient({ ...root, socket: { ...defaults?.socket, ...root.socket } }, how);
      checkClient({ socket: { ...root.socket, host: hostOf(root), tls: defaults?.socket?.tls } }, how);
    }
    return { ...options, defaults: { ...defaults, credentialsProvider } };
  }
  if (options.sentinelRootNodes !== undefined) {
    // Where the sentinels send a client is seen by node-redis alone: any host may come.
    if (!options.nodeClientOptions?.socket?.tls) {
      for (const { host } of options.sentinelRootNodes) refusePlaintext(host, how);
    }
    return { ...options, nodeClientOptions: { ...options.nodeClientOptions, credentialsProvider } };
  }
  checkClient(options, how);
  return { ...options, credentialsProvider };
}

module.exports = { withCredentials };
