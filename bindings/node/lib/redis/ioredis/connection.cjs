'use strict';

const { WHILE_CONNECTING } = require('../connecting.cjs');
const { withoutToken } = require('../discretion.cjs');
const { explained, verdictOf } = require('../refusal.cjs');
const { tryAgain } = require('../try-again.cjs');
const { ConnectorGate } = require('./connector.cjs');
const { discreetly, liveCredentials } = require('./credentials.cjs');
const { refusePlaintextOf } = require('./plaintext.cjs');

/** Whether the connection has subscribed with RESP2, and so accepts no AUTH. */
const isResp2Subscriber = (redis) => Boolean(redis.condition?.subscriber) && redis.condition.protocol !== 3;

/** One client of ioredis. Whenever it connects, it authenticates with the provider's current token. */
class Connection {
  #provider;
  #how;
  #open;
  /** The ledger's entry for the connection that is open now. */
  #entry;
  /** The version of the token that was sent last. */
  #sent;

  /**
   * `open(version)` reports a connection that is about to authenticate with that token, and returns its ledger entry.
   */
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

  /** Authenticates with the provider's token, if that is newer than the connection's. */
  async renew() {
    const { redis } = this;
    const token = this.#provider.current();
    if (token === undefined || redis.status !== 'ready' || !this.#entry?.isBehind(token.version)) return;
    if (isResp2Subscriber(redis)) {
      redis.disconnect(true); // RESP2 allows no AUTH here: ioredis reconnects and subscribes again by itself
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
    // If the connection was lost meanwhile, ioredis has sent this AUTH again on the next connection, over its newer
    // token.
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

  /** ioredis copies the credentials into `condition.auth` when a connect begins; from then on only that copy counts. */
  #put({ version, username, secret }) {
    if (!this.redis.condition) return;
    this.closed();
    this.#entry = this.#open(version);
    this.#sent = version;
    this.redis.condition.auth = withoutToken([username, secret]);
  }

  /** Reports the server's answer in the handshake to the ledger; the host's error gets the explanation. */
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

  /** A client that was made without `lazyConnect` is connecting already, without credentials. */
  #catchUp(gate) {
    const { redis } = this;
    const { stream } = redis.connector;
    if (redis.status === 'connecting' && stream && !stream.destroyed) {
      // Too late to make the connect wait, but the client has not authenticated yet.
      const token = this.#provider.current();
      if (token === undefined) stream.destroy();
      else this.#put(token);
    } else if (redis.status === 'connecting') {
      gate.holdUp();
    } else if (redis.status === 'connect') {
      redis.disconnect(true); // the handshake has begun without credentials: connect anew
    } else if (redis.status === 'ready') {
      this.#entry = this.#open(0);
      const news = this.#provider.getToken(WHILE_CONNECTING).then(() => this.renew());
      news.catch(() => {}); // without a token now, the next token renews the connection
    }
  }
}

module.exports = { Connection };
