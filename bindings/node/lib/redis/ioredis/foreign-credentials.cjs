'use strict';

const { ForeignCredentials } = require('../foreign-credentials.cjs');

/**
 * Whether we made the property: ioredis keeps the redisOptions object that it is given, and two clusters may share one.
 */
const isLive = (options, name) => options != null && Object.getOwnPropertyDescriptor(options, name)?.get !== undefined;

/** The credentials in one connection's options, where ioredis has also put those of its URL. */
function meetOptions(foreign, options, where) {
  for (const name of ['username', 'password']) {
    if (!isLive(options, name)) foreign.meet(`the ${name} of ${where}`, options?.[name]);
  }
}

/** Warns of credentials that a client was made with: its options, its URL, or a cluster's start-up nodes. */
function warnOfForeignCredentials(client) {
  const foreign = new ForeignCredentials();
  if (typeof client.nodes === 'function') {
    meetOptions(foreign, client.options.redisOptions, 'redisOptions');
    client.startupNodes.forEach((node, index) => {
      const where = `start-up node ${index}`;
      if (typeof node === 'string') foreign.takeFrom(node, where);
      else meetOptions(foreign, node, where);
    });
  } else {
    meetOptions(foreign, client.options, "the client's options or URL");
  }
  foreign.warn();
}

/** Warns of credentials among the arguments of a `duplicate()`, a client's or a cluster's. */
function warnOfForeignDuplicate(...overrides) {
  const foreign = new ForeignCredentials();
  for (const override of overrides.flat()) {
    meetOptions(foreign, override, 'duplicate()');
    meetOptions(foreign, override?.redisOptions, "duplicate()'s redisOptions");
  }
  foreign.warn();
}

module.exports = { warnOfForeignCredentials, warnOfForeignDuplicate };
