'use strict';

const { invalidArgument } = require('../../errors.cjs');
const { ForeignCredentials } = require('../foreign-credentials.cjs');
const { watchedSocket } = require('./refused-connects.cjs');
const { refusePlaintext } = require('../plaintext.cjs');

/** Refuses the options of one client if its connection has no TLS. */
function checkClient({ url, socket } = {}, how) {
  if (url !== undefined) {
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'rediss:' && protocol !== 'unix:') refusePlaintext(hostname, how); // the URL has the last word
  } else if (!socket?.tls && socket?.path === undefined) {
    refusePlaintext(socket?.host ?? 'localhost', how);
  }
}

const hostOf = ({ url, socket }) => (url === undefined ? socket?.host : new URL(url).hostname);

/** The options of one client without the credentials in them: those of its URL would replace ours, and unseen. */
function bare(options = {}, where, foreign) {
  const { url, username, password, credentialsProvider, ...rest } = options;
  for (const [name, value] of Object.entries({ username, password, credentialsProvider })) {
    foreign.meet(`the option ${where}${name}`, value);
  }
  return url === undefined ? rest : { ...rest, url: foreign.takeFrom(url, `${where}url`) };
}

/** The options of one client, with these credentials; a refusal of its connects is told to `refused`. */
function ofClient(options, where, { credentialsProvider, refused }, foreign) {
  const { socket, ...rest } = bare(options, where, foreign);
  return { ...rest, socket: watchedSocket(socket, refused), credentialsProvider };
}

function ofCluster(options, credentials, how, foreign) {
  const rootNodes = options.rootNodes.map((root, index) => bare(root, `rootNodes[${index}].`, foreign));
  const { defaults } = options;
  // A root node's own options are for finding the others, which have the defaults.
  for (const root of rootNodes) {
    checkClient({ ...root, socket: { ...defaults?.socket, ...root.socket } }, how);
    checkClient({ socket: { ...root.socket, host: hostOf(root), tls: defaults?.socket?.tls } }, how);
  }
  return { ...options, rootNodes, defaults: ofClient(defaults, 'defaults.', credentials, foreign) };
}

function ofSentinel(options, credentials, how, foreign) {
  // Where the sentinels send a client is seen by node-redis alone: any host may come.
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
