'use strict';

const { invalidArgument } = require('../../errors.cjs');
const { ForeignCredentials } = require('../foreign-credentials.cjs');
const { watchedSocket } = require('./refused-connects.cjs');
const { refusePlaintext } = require('../plaintext.cjs');

/** Refuses the options of one client if its connection has no TLS. */
function checkClient({ url, socket } = {}, how) {
  if (url !== undefined) {
    const { protocol, hostname } = new URL(url);
    // In node-redis the URL overrides the socket options.
    if (protocol !== 'rediss:' && protocol !== 'unix:') refusePlaintext(hostname, how);
  } else if (!socket?.tls && socket?.path === undefined) {
    refusePlaintext(socket?.host ?? 'localhost', how);
  }
}

const hostOf = ({ url, socket }) => (url === undefined ? socket?.host : new URL(url).hostname);

/** The options of one client without their credentials: those of a URL would silently replace ours. */
function bare(options = {}, where, foreign) {
  const { url, username, password, credentialsProvider, ...rest } = options;
  for (const [name, value] of Object.entries({ username, password, credentialsProvider })) {
    foreign.meet(`the option ${where}${name}`, value);
  }
  return url === undefined ? rest : { ...rest, url: foreign.takeFrom(url, `${where}url`) };
}

/** The options of one client, with these credentials; `refused` is called when one of its connects fails. */
function ofClient(options, where, { credentialsProvider, refused }, foreign) {
  const { socket, ...rest } = bare(options, where, foreign);
  return { ...rest, socket: watchedSocket(socket, refused), credentialsProvider };
}

function ofCluster(options, credentials, how, foreign) {
  const rootNodes = options.rootNodes.map((root, index) => bare(root, `rootNodes[${index}].`, foreign));
  const { defaults } = options;
  // A root node's own options are used for discovery only; connections to nodes use the defaults.
  for (const root of rootNodes) {
    checkClient({ ...root, socket: { ...defaults?.socket, ...root.socket } }, how);
    checkClient({ socket: { ...root.socket, host: hostOf(root), tls: defaults?.socket?.tls } }, how);
  }
  return { ...options, rootNodes, defaults: ofClient(defaults, 'defaults.', credentials, foreign) };
}

function ofSentinel(options, credentials, how, foreign) {
  // Only node-redis learns which server the sentinels name, so that may be any host.
  if (!options.nodeClientOptions?.socket?.tls) {
    for (const { host } of options.sentinelRootNodes) refusePlaintext(host, how);
  }
  return { ...options, nodeClientOptions: ofClient(options.nodeClientOptions, 'nodeClientOptions.', credentials, foreign) };
}

function ofAny(options, credentials, how, foreign) {
  if (options.rootNodes !== undefined) return ofCluster(options, credentials, how, foreign);
  if (options.sentinelRootNodes !== undefined) return ofSentinel(options, credentials, how, foreign);
  const made = ofClient(options, '', credentials, foreign);
  checkClient(made, how);
  return made;
}

/** The options of a client or a pool, a cluster, or a sentinel, with these credentials and no others. */
function withCredentials(options, credentials, how) {
  if (options === null || typeof options !== 'object') throw invalidArgument('The options of the client are needed.');
  const foreign = new ForeignCredentials();
  const made = ofAny(options, credentials, how, foreign);
  foreign.warn();
  return made;
}

module.exports = { withCredentials };
