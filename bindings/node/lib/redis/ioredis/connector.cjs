'use strict';

const { Socket } = require('node:net');

/**
 * Lets each connect of an ioredis connector wait for `ready(signal)`. A disconnect during the wait ends it, and the
 * connect fails as ioredis's own does. If `ready` fails, the connection counts as failed: ioredis asks its
 * retryStrategy.
 */
class ConnectorGate {
  #connector;
  #ready;
  /** The AbortController of the wait that is under way. */
  #wait;

  constructor(connector, ready) {
    this.#connector = connector;
    this.#ready = ready;
    const connect = connector.connect.bind(connector);
    const disconnect = connector.disconnect.bind(connector);
    connector.connect = (emit) => this.#connect(connect, emit);
    connector.disconnect = () => {
      this.#wait?.abort();
      return disconnect();
    };
  }

  async #connect(connect, emit) {
    const connector = this.#connector;
    connector.connecting = true; // connect() sets it too; disconnect() clears it
    connector.stream = undefined; // a disconnect() would wait for the old stream to close, which it has done already
    try {
      await this.#pass();
    } catch (error) {
      return failed(connector, connector.connecting ? error : undefined);
    }
    return connector.connecting ? connect(emit) : failed(connector);
  }

  async #pass() {
    const wait = (this.#wait = new AbortController());
    try {
      await this.#ready(wait.signal);
    } finally {
      if (this.#wait === wait) this.#wait = undefined;
    }
  }

  /**
   * Holds up a connect that began before this gate was there. ioredis resolves its promise with the connector's
   * `stream`: here that is a thenable for once, which gives the stream after the wait.
   */
  holdUp() {
    const connector = this.#connector;
    connector.connecting = true;
    const become = (stream) =>
      Object.defineProperty(connector, 'stream', { value: stream, writable: true, enumerable: true, configurable: true });
    const open = (opened) => {
      become(this.#thenable(opened));
      // ioredis has resolved its promise by now; a disconnect() needs the socket itself.
      queueMicrotask(() => become(opened));
    };
    Object.defineProperty(connector, 'stream', { get: () => undefined, set: open, enumerable: true, configurable: true });
  }

  #thenable(opened) {
    const fail = (error) => {
      opened.destroy();
      this.#connector.firstError = this.#connector.connecting ? error : undefined;
    };
    const waiting = {
      once(...args) {
        opened.once(...args);
        return waiting;
      },
      then: (resolve) => {
        this.#pass()
          .then(() => this.#connector.connecting || opened.destroy())
          .catch(fail)
          .then(() => resolve(opened));
      },
    };
    return waiting;
  }
}

/**
 * The result of a connect that failed. After a rejection ioredis would end; after a destroyed stream it tries again.
 * Without an `error` the client was disconnected, and ioredis ends with its own error, "Connection is closed.".
 */
function failed(connector, error) {
  const stream = new Socket();
  stream.destroy();
  connector.firstError = error;
  connector.stream = stream;
  return stream;
}

module.exports = { ConnectorGate };
