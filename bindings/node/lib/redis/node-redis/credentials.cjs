'use strict';

const { WHILE_CONNECTING } = require('../connecting.cjs');
const { explained, verdictFor, verdictOf } = require('../refusal.cjs');
const { tryAgain } = require('../try-again.cjs');
const { Listeners } = require('./listeners.cjs');
const { reAuthenticate } = require('./re-authenticate.cjs');
const { watchConnect, watchConnects } = require('./refused-connects.cjs');

/** Whether node-redis failed a command because its client was closed. */
const isClosed = (error) => /\bclosed?\b/i.test(error instanceof Error ? error.message : String(error));

/**
 * The inside of a streaming credentials provider of node-redis: its listeners, and one subscription for all of them.
 */
class NodeRedisCredentials {
  #provider;
  #toCredentials;
  #subscription;
  #listeners = new Listeners(() => this.#unsubscribe());
  /** The version of the token that a client last got for a connect. */
  #given = 0;
  /** Errors of connects that were handled already: some arrive by several ways. */
  #seen = new WeakSet();
  /** The registration, version and error of a failed AUTH, while node-redis's handler for it runs. */
  #failing;

  constructor(provider, toCredentials) {
    this.#provider = provider;
    this.#toCredentials = toCredentials;
    watchConnects();
  }

  get size() {
    return this.#listeners.size;
  }

  /** The listeners themselves, for telling them of errors. */
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

  /** Ends the registration of the connection before: a client that connects anew does not dispose of it. */
  #replaced(connect, registration) {
    if (connect === undefined || !registration.isConnection) return;
    const before = connect.registration?.deref();
    if (before !== undefined) this.#listeners.end(before);
    connect.registration = new WeakRef(registration);
  }

  /**
   * Counts the connection as authenticated: only the failure of node-redis's handshake can be seen
   * (`refusedAtConnect`).
   */
  #opened(registration, version) {
    this.#given = registration.told = version;
    if (!registration.isConnection) return;
    registration.entry = this.#subscription?.opened(version);
    registration.entry?.authenticated(version);
  }

  /**
   * The error of a failed re-authentication that the host is told of, explained; undefined if there is nothing to tell.
   */
  explained(error) {
    const failing = this.#failing;
    const verdict =
      failing === undefined
        ? verdictFor(this.#provider, this.#provider.version, error)
        : verdictOf(failing.registration.entry, failing.version, failing.error);
    if (verdict !== undefined) return explained(error, verdict);
    return failing === undefined ? error : undefined; // a lost connection is no failure of the re-authentication
  }

  /** A client could not connect. If the server refused the token, the error's message gets the explanation. */
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
    // The server has refused this token on this connection: do not send it again.
    if (!registration.entry?.isBehind(version)) return;
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
