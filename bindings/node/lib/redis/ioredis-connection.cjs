'use strict';

const { Socket } = require('node:net');
const { WHILE_CONNECTING } = require('./connecting.cjs');
const { unprinted, withoutToken } = require('./discretion.cjs');
const { refusePlaintext } = require('./plaintext.cjs');
const { explained, reportRejection } = require('./rejection.cjs');

/** ioredis's commands on a connection that has subscribed and speaks RESP2. */
const isResp2Subscriber = (redis) => Boolean(redis.condition?.subscriber) && redis.condition.protocol !== 3;

/** One connection of ioredis whose credentials are the provider's of now, whenever it authenticates. */
class Connection {
  #provider;
  #how;
  /** The version of the token that the connection was given last. */
  #version;
  /** Ends the wait for the token of the connect that is under way. */
  #connect = new AbortController();

  constructor(redis, provider, how) {
    this.redis = redis;
    this.#provider = provider;
    this.#how = how;
    liveCredentials(redis.options, provider);
    this.#supplyConnector(redis.connector);
    for (const name of ['hello', 'auth']) this.#watch(name);
    this.#catchUp();
  }

  /** There is a newer token. Gives whether the server took it; undefined if that will be seen at the next connect. */
  async reauthenticate(token) {
    const { redis } = this;
    if (redis.status !== 'ready' || this.#version === token.version) return undefined;
    if (isResp2Subscriber(redis)) {
      redis.disconnect(true); // AUTH is not allowed there; it subscribes again by itself
      return undefined;
    }
    this.#version = token.version;
    try {
      await discreetly(redis, () => redis.call('AUTH', token.username, token.secret));
      if (this.#version === token.version) return true;
      // The connection was lost meanwhile: it came back with a newer token, and ioredis has sent this one once more.
      this.#version = undefined;
      return await this.reauthenticate(this.#provider.current() ?? token);
    } catch (error) {
      if (this.#version !== token.version) return undefined; // as above
      const explanation = reportRejection(this.#provider, token.version, error);
      if (explanation === undefined) return undefined; // the connection went away, and comes back with a new token
      void this.#how.report(explained(error, explanation));
      return false;
    }
  }

  /**
   * A token before each connect: ioredis takes what its options say at that moment, and cannot wait. What it does to the
   * connector of a connect that is under way (`disconnect()`, `quit()`, another subscriber is chosen) ends the wait too.
   */
  #supplyConnector(connector) {
    const { connect, disconnect } = connector;
    connector.connect = async (emit) => {
      const { signal } = (this.#connect = new AbortController());
      connector.stream = undefined; // the one before has closed; a disconnect() would wait for it to close again
      try {
        await this.#putToken(signal);
      } catch (error) {
        return failed(connector, signal.aborted ? undefined : error);
      }
      return signal.aborted ? failed(connector) : connect.call(connector, emit);
    };
    connector.disconnect = () => {
      disconnect.call(connector);
      this.#connect.abort();
    };
  }

  async #putToken(signal) {
    refusePlaintextOf(this.redis.options, this.#how);
    const answer = await this.#provider.getToken({ ...WHILE_CONNECTING, signal });
    this.#put(this.#provider.current() ?? answer);
  }

  #put(token) {
    if (!this.redis.condition) return;
    this.#version = token.version;
    this.redis.condition.auth = withoutToken([token.username, token.secret]);
  }

  /** What the server says in the handshake is feedback too, with the explanation in the error that hosts see. */
  #watch(name) {
    const { redis } = this;
    const command = redis[name];
    redis[name] = (...args) => {
      const version = this.#version;
      const sent = discreetly(redis, () => command.apply(redis, args));
      sent?.catch?.((error) => {
        const explanation = reportRejection(this.#provider, version, error);
        if (explanation !== undefined) explained(error, explanation);
      });
      return sent;
    };
  }

  /** A client that was not made with `lazyConnect` is on its way already, without credentials. */
  #catchUp() {
    const { redis } = this;
    const { stream } = redis.connector;
    if (redis.status === 'connecting' && stream && !stream.destroyed) {
      // Past the moment at which it can wait, before the one at which it says who it is.
      const token = this.#provider.current();
      if (token === undefined) stream.destroy();
      else this.#put(token);
    } else if (redis.status === 'connecting') {
      const { signal } = this.#connect;
      holdUp(redis.connector, () => this.#putToken(signal), signal);
    } else if (redis.status === 'connect') {
      redis.disconnect(true); // in its handshake, with nothing
    } else if (redis.status === 'ready') {
      const news = this.#provider.getToken(WHILE_CONNECTING).then((newest) => this.reauthenticate(newest));
      news.catch(() => {}); // the next token will do
    }
  }
}

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

/**
 * Sends a command that ends with the token. ioredis puts a command's arguments into the error that answers it, before
 * anybody here sees that; but every command passes `sendCommand`, before its method returns.
 */
function discreetly(redis, send) {
  const before = Object.getOwnPropertyDescriptor(redis, 'sendCommand');
  const { sendCommand } = redis;
  redis.sendCommand = (command, ...more) => {
    withoutToken(command.args);
    return sendCommand.call(redis, command, ...more);
  };
  try {
    return send();
  } finally {
    delete redis.sendCommand;
    if (before) Object.defineProperty(redis, 'sendCommand', before);
  }
}

/** `options.username` and `.password` that are read anew each time, and cannot be frozen by whoever writes them. */
function liveCredentials(options, provider) {
  const define = (name, get) =>
    Object.defineProperty(options, name, { get, set() {}, enumerable: true, configurable: true });
  define('username', () => provider.current()?.username);
  define('password', () => provider.current()?.secret);
  unprinted(options, 'password');
}

/**
 * What a connect gives that failed: from this ioredis goes on to its retryStrategy, from a rejection it would end. No
 * error if it was given up: then ioredis ends with its own, "Connection is closed.".
 */
function failed(connector, error) {
  const stream = new Socket();
  stream.destroy();
  connector.firstError = error;
  connector.stream = stream;
  return stream;
}

/**
 * Lets a connect that has begun wait for `ready()` too, until `signal`. ioredis resolves its promise with the connector's
 * `stream`: for once that is a thenable, which gives the stream later.
 */
function holdUp(connector, ready, signal) {
  const become = (stream) =>
    Object.defineProperty(connector, 'stream', { value: stream, writable: true, enumerable: true, configurable: true });
  const open = (opened) => {
    const waiting = {
      once(...args) {
        opened.once(...args);
        return waiting;
      },
      then(resolve) {
        become(opened);
        const fail = (error) => {
          opened.destroy();
          connector.firstError = signal.aborted ? undefined : error;
        };
        ready()
          .then(() => signal.throwIfAborted())
          .catch(fail)
          .then(() => resolve(opened));
      },
    };
    become(waiting);
  };
  Object.defineProperty(connector, 'stream', { get: () => undefined, set: open, enumerable: true, configurable: true });
}

module.exports = { Connection, liveCredentials, refusePlaintextOf };
