'use strict';

const { WHILE_CONNECTING } = require('../connecting.cjs');
const { explained, verdictFor, verdictOf } = require('../refusal.cjs');
const { tryAgain } = require('../try-again.cjs');
const { Listeners } = require('./listeners.cjs');
const { reAuthenticate } = require('./re-authenticate.cjs');
const { watchConnect, watchConnects } = require('./refused-connects.cjs');

/** What node-redis's commands say when their client has been closed. */
const isClosed = (error) => /\bclosed?\b/i.test(error instanceof Error ? error.message : String(error));

/** What is behind a streaming credentials provider of node-redis: its listeners, and one subscription for all of them. */
class NodeRedisCredentials {
  #provider;
  #toCredentials;
  #subscription;
  #listeners = new Listeners(() => this.#unsubscribe());
  /** The version that a client was given last to connect with. */
  #given = 0;
  /** Errors of connects that were looked at: some pass several places. */
  #seen = new WeakSet();
  /** The registration and the version whose AUTH has failed, while node-redis says so. */
  #failing;

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
    return this.#listeners.alive().map(({ listener }) => listener);
  }

  async subscribe(listener) {
    const connect = watchConnect(this);
    // First the subscription: a token that arrives during the wait below must not be missed.
    this.#subscription ??= this.#provider.subscribe(() => this.#renew());
    const [registration, disposable] = this.#listeners.add(listener);
    this.#replaced(connect, registration);
    try {
      const answer = await this.#provider.getToken(WHILE_CONNECTING);
      const token = this.#provider.current() ?? answer;
      this.#opened(registration, token.version);
      return [this.#toCredentials(token), disposable];
    } catch (error) {
      disposable.dispose();
      throw error;
    }
  }

  /** A client that connects anew has a new connection in the place of the one before, which it does not dispose of. */
  #replaced(connect, registration) {
    if (connect === undefined || !registration.isConnection) return;
    const before = connect.registration?.deref();
    if (before !== undefined) this.#listeners.end(before);
    connect.registration = new WeakRef(registration);
  }

  /** Of node-redis's handshake nothing is to be seen but its failure: see `refusedAtConnect`. */
  #opened(registration, version) {
    this.#given = registration.told = version;
    if (!registration.isConnection) return;
    registration.entry = this.#subscription?.opened(version);
    registration.entry?.authenticated(version);
  }

  /** What a host is to see of a failed re-authentication, with what it means; undefined if it is to see nothing. */
  explained(error) {
    const failing = this.#failing;
    const verdict =
      failing === undefined
        ? verdictFor(this.#provider, this.#provider.version, error)
        : verdictOf(failing.registration.entry, failing.version, failing.error);
    if (verdict !== undefined) return explained(error, verdict);
    return failing === undefined ? error : undefined; // a connection that has gone is no failure
  }

  /** A client could not connect, for whatever reason: if its token was refused, the error goes on with what that means. */
  refusedAtConnect(error) {
    if (!(error instanceof Error) || this.#seen.has(error)) return;
    this.#seen.add(error);
    const verdict = verdictFor(this.#provider, this.#given, error);
    if (verdict !== undefined) explained(error, verdict);
  }

  #renew() {
    for (const registration of this.#listeners.alive()) this.#tell(registration);
  }

  #tell(registration) {
    const token = this.#provider.current();
    const { listener } = registration;
    if (token === undefined || listener === undefined || !registration.awaits(token.version)) return;
    registration.told = token.version;
    const credentials = this.#toCredentials(token);
    if (!registration.isConnection) return void listener.onNext(credentials);
    reAuthenticate(listener, credentials, {
      accepted: () => registration.entry?.authenticated(token.version),
      unsent: () => this.#tellAgain(registration),
      unknown: () => registration.uncounted(),
      failing: (error, tell) => this.#failed({ registration, version: token.version, error }, tell),
    });
  }

  #failed(failing, tell) {
    const { registration, version, error } = failing;
    this.#failing = failing;
    try {
      tell();
    } finally {
      this.#failing = undefined;
    }
    if (!registration.entry?.isBehind(version)) return; // that was a verdict
    if (isClosed(error)) this.#listeners.end(registration);
    else this.#tellAgain(registration);
  }

  #tellAgain(registration) {
    registration.told = 0;
    tryAgain(registration, () => this.#tell(registration));
  }

  #unsubscribe() {
    void this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }
}

module.exports = { NodeRedisCredentials };
