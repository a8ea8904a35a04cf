'use strict';

const { invalidArgument } = require('./lib/errors.cjs');
const { dnsLookup, natMap, servername } = require('./lib/redis/addresses.cjs');
const { Attachment } = require('./lib/redis/ioredis/attachment.cjs');
const { warnOfForeignCredentials } = require('./lib/redis/ioredis/foreign-credentials.cjs');
const { refusePlaintextOf } = require('./lib/redis/ioredis/plaintext.cjs');
const { providerOf } = require('./lib/redis/provider-of.cjs');
const { reporterOf } = require('./lib/redis/re-authentication-errors.cjs');

/** Attachments by client, so that a second attach() of a client finds the first one's. */
const attached = new WeakMap();

const isCallable = (value) => typeof value === 'function' || typeof value?.then === 'function';

function check(client) {
  if (typeof client?.duplicate !== 'function' || typeof client.options !== 'object') {
    throw invalidArgument(
      'attach() takes an instance of Redis or Cluster of ioredis or iovalkey. For BullMQ, pass such an instance as its ' +
        'connection; options would be copied.',
    );
  }
  const options = client.options.redisOptions ?? client.options;
  if (isCallable(options.password) || isCallable(options.username)) {
    throw invalidArgument(
      'The option password is a function or a promise, which ioredis sends as text (the server says WRONGPASS): leave ' +
        'out username and password; attach() supplies them. See docs/node.md, "Troubleshooting".',
    );
  }
  if (attached.has(client)) {
    throw invalidArgument('This client has been attached already.');
  }
}

function attach(client, given, { onReAuthenticationError, allowPlaintext } = {}) {
  check(client);
  const provider = providerOf(given, 'attach() takes a client and');
  if (typeof client.nodes !== 'function') refusePlaintextOf(client.options, { allowPlaintext });
  warnOfForeignCredentials(client);
  const attachment = new Attachment(provider, { report: reporterOf(onReAuthenticationError), allowPlaintext });
  attachment.add(client);
  attached.set(client, attachment);
  return client;
}

module.exports = { attach, dnsLookup, natMap, servername };
