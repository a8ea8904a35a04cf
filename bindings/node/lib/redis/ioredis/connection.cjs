'use strict';

const { WHILE_CONNECTING } = require('../connecting.cjs');
const { withoutToken } = require('../discretion.cjs');
const { explained, verdictOf } = require('../refusal.cjs');
const { tryAgain } = require('../try-again.cjs');
const { ConnectorGate } = require('./connector.cjs');
const { discreetly, liveCredentials } = require('./credentials.cjs');
const { refusePlaintextOf } = require('./plaintext.cjs');

/** ioredis's commands on a connection that has subscribed and speaks RESP2. */
const isResp2Subscriber = (redis) => Boolean(redis.condition?.subscriber) && redis.condition.protocol !== 3;

/** One client of ioredis whose credentials are the provider's of now, whenever it connects. */
class Connection {
  #provider;
  #how;
  #open;
  /** What the ledger knows of the connection that is open now. */
  #entry;
  /** The version of the token that was sent on it last. */
  #sent;

  /** `open(version)`: a connection is about to authenticate with that token; gives its entry in the ledger. */
  constructor(redis, provider, how, open) {
    this.redis = redis;
    this.#provider = provider;
    this.#how = how;
    this.#open = open;
    liveCredentials(redis.options, provider);
    const gate = new ConnectorGate(redis.connector, (signal) => this.#putToken(signal));
    for (const name of ['hello', 'auth']) this.#watch(name);
    this.#catchUp(gate);
  }

  /** There may be a newer token than the connection's. */
  async renew() {
    const { redis } = this;
    const token = this.#provider.current();
    if (token === undefined || redis.status !== 'ready' || !this.#entry?.isBehind(token.version)) return;
    if (isResp2Subscriber(redis)) {
      redis.disconnect(true); // AUTH is not allowed there; it subscribes again by itself
    } else if (this.#sent !== token.version) {
      await this.#authenticate(token);
    }
  }

  closed() {
    this.#entry?.closed();
    this.#entry = undefined;
  }

  async #authenticate({ version, username, secret }) {
    const { redis } = this;
    const entry = this.#entry;
    this.#sent = version;
    try {
      await discreetly(redis, () => redis.call('AUTH', username, secret));
    } catch (error) {
      if (this.#entry === entry) this.#failed(error, version);
      return;
    }
    // If the connection was lost meanwhile, ioredis has sent it once more on the next, which was on a newer token.
    if (this.#entry !== entry) this.#sent = version;
    this.#entry?.authenticated(version);
    await this.renew();
  }

  #failed(error, version) {
    const verdict = verdictOf(this.#entry, version, error);
    if (verdict !== undefined) {
      void this.#how.report(explained(error, verdict));
    } else {
      this.#sent = undefined;
      tryAgain(this, (connection) => connection.renew());
    }
  }

  async #putToken(signal) {
    refusePlaintextOf(this.redis.options, this.#how);
    const answer = await this.#provider.getToken({ ...WHILE_CONNECTING, signal });
    this.#put(this.#provider.current() ?? answer);
  }

  /** ioredis takes what its options say at the moment of a connect, and cannot wait. */
  #put({ version, username, secret }) {
    if (!this.redis.condition) return;
    this.closed();
    this.#entry = this.#open(version);
    this.#sent = version;
    this.redis.condition.auth = withoutToken([username, secret]);
  }

  /** What the server says in the handshake is feedback too, with the explanation in the error that hosts see. */
  #watch(name) {
    const { redis } = this;
    const command = redis[name];
    redis[name] = (...args) => {
      const [entry, version] = [this.#entry, this.#sent];
      const sent = discreetly(redis, () => command.apply(redis, args));
      sent?.then?.(
        () => entry?.authenticated(version),
        (error) => {
          const verdict = verdictOf(entry, version, error);
          if (verdict !== undefined) explained(error, verdict);
        },
      );
      return sent;
    };
  }

  /** A client that was not made with `lazyConnect` is on its way already, without credentials. */
  #catchUp(gate) {
    const { redis } = this;
    const { stream } = redis.connector;
    if (redis.status === 'connecting' && stream && !stream.destroyed) {
      // Past the moment at which it can wait, before the one at which it says who it is.
      const token = this.#provider.current();
      if (token === undefined) stream.destroy();
      else this.#put(token);
    } else if (redis.status === 'connecting') {
      gate.holdUp();
    } else if (redis.status === 'connect') {
      redis.disconnect(true); // in its handshake, with nothing
    } else if (redis.status === 'ready') {
      this.#entry = this.#open(0);
      const news = this.#provider.getToken(WHILE_CONNECTING).then(() => this.renew());
      news.catch(() => {}); // the next token will do
    }
  }
}

module.exports = { Connection };
