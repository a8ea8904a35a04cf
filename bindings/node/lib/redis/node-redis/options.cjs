'use strict';

const { invalidArgument } = require('../../errors.cjs');
const { warnOfOwnCredentials } = require('../own-credentials.cjs');
const { refusePlaintext } = require('../plaintext.cjs');

/** Refuses the options of one client if its connection has no TLS. */
function checkClient({ url, socket } = {}, how) {
  if (url !== undefined) {
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'rediss:' && protocol !== 'unix:') refusePlaintext(hostname, how); // the URL has the last word, whatever `socket` says
  } else if (!socket?.tls && socket?.path === undefined) {
    refusePlaintext(socket?.host ?? 'localhost', how);
  }
}

const hostOf = ({ url, socket }) => (url === undefined ? socket?.host : new URL(url).hostname);

/** The options without a user name and a password: to node-redis those of a URL count more than any provider. */
function withoutOwnCredentials({ username, password, ...options }) {
  if (username || password) warnOfOwnCredentials("node-redis's options username and password");
  if (options.url === undefined) return options;
  const url = options.url.replace(/^(\w+:\/\/)[^/@]*@/, '$1');
  if (url !== options.url) warnOfOwnCredentials("the URL's user name and password");
  return { ...options, url };
}

/** node-redis's own strategy, for whoever sets none: it cannot be called from outside. */
function ownStrategy(retries, cause) {
  if (cause.message.startsWith('Socket timeout')) return false;
  return Math.min(2 ** retries * 50, 2000) + Math.floor(Math.random() * 200);
}

/** A strategy that does what this one does, and is told of each error first: node-redis says nowhere else why a connect failed. */
function watched(strategy, refused) {
  const decide = typeof strategy === 'function' ? strategy : strategy === undefined ? ownStrategy : () => strategy;
  return (retries, cause) => {
    refused(cause);
    return decide(retries, cause);
  };
}

/** The options of one client, or those that the clients of a cluster or of a sentinel have in common. */
function ofClient(options = {}, credentialsProvider, refused) {
  const { socket, ...more } = withoutOwnCredentials(options);
  const reconnectStrategy = watched(socket?.reconnectStrategy, refused);
  return { ...more, socket: { ...socket, reconnectStrategy }, credentialsProvider };
}

/** The options of a client or a pool, a cluster, or a sentinel, with these credentials. `refused(error)`: see `watched`. */
function withCredentials(options, credentialsProvider, refused, how) {
  if (options === null || typeof options !== 'object') throw invalidArgument('The options of the client are needed.');
  if (options.rootNodes !== undefined) {
    const { rootNodes, defaults } = options;
    // A root node's own options are for finding the others, which have the defaults.
    for (const root of rootNodes) {
      checkClient({ ...root, socket: { ...defaults?.socket, ...root.socket } }, how);
      checkClient({ socket: { ...root.socket, host: hostOf(root), tls: defaults?.socket?.tls } }, how);
    }
    return {
      ...options,
      rootNodes: rootNodes.map(withoutOwnCredentials),
      defaults: ofClient(defaults, credentialsProvider, refused),
    };
  }
  if (options.sentinelRootNodes !== undefined) {
    // Where the sentinels send a client is seen by node-redis alone: any host may come.
    if (!options.nodeClientOptions?.socket?.tls) {
      for (const { host } of options.sentinelRootNodes) refusePlaintext(host, how);
    }
    return { ...options, nodeClientOptions: ofClient(options.nodeClientOptions, credentialsProvider, refused) };
  }
  checkClient(options, how);
  return ofClient(options, credentialsProvider, refused);
}

module.exports = { withCredentials };
