'use strict';

const { WHILE_CONNECTING } = require('./connecting.cjs');
const { NodeRedisListeners, isGone } = require('./node-redis-listeners.cjs');
const { watchConnect, watchConnects } = require('./node-redis-refusals.cjs');
const { explained, reportRejection } = require('./rejection.cjs');

/** What is behind a streaming credentials provider of node-redis: its listeners, each with a subscription of its own. */
class NodeRedisCredentials {
  #provider;
  #toCredentials;
  #listeners = new NodeRedisListeners();
  /** The version of the token that a connect was given last. */
  #given;
  /** Errors of connects that were looked at: some pass several places. */
  #seen = new WeakSet();

  constructor(provider, toCredentials) {
    this.#provider = provider;
    this.#toCredentials = toCredentials;
    watchConnects();
  }

  get size() {
    return this.#listeners.size;
  }

  /** The listeners themselves, to be told of what is no credentials. */
  listeners() {
    return this.#listeners.alive();
  }

  async subscribe(listener) {
    watchConnect(this);
    const provider = this.#provider;
    const toCredentials = this.#toCredentials;
    let told; // nothing before the connection has its first token: node-redis is in its handshake
    // First the subscription: a token that arrives during the wait below must not be missed.
    const disposable = this.#listeners.add(listener, (tell) => {
      const subscription = provider.subscribe((token) => {
        if (told === undefined || token.version <= told) return;
        told = token.version;
        tell(toCredentials(token));
      });
      return () => void subscription.unsubscribe();
    });
    try {
      const answer = await provider.getToken(WHILE_CONNECTING);
      const token = provider.current() ?? answer;
      this.#given = told = token.version;
      return [toCredentials(token), disposable];
    } catch (error) {
      disposable.dispose();
      throw error;
    }
  }

  /** A connect failed: if its token was refused, the provider is told and the error explained, once. */
  refused(error) {
    if (!(error instanceof Error) || this.#seen.has(error)) return;
    this.#seen.add(error);
    const explanation = reportRejection(this.#provider, this.#given, error);
    if (explanation !== undefined) explained(error, explanation);
  }

  /** What a host is to see of a failed re-authentication, with what it means; undefined if it is to see nothing. */
  explained(error) {
    if (this.#listeners.dropClosed(error)) return undefined;
    const explanation = reportRejection(this.#provider, this.#provider.version, error);
    if (explanation !== undefined) return explained(error, explanation);
    return isGone(error) ? undefined : error;
  }
}

module.exports = { NodeRedisCredentials };
