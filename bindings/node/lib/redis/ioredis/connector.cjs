'use strict';

const { Socket } = require('node:net');

/**
 * Lets each connect of an ioredis connector wait for `ready(signal)`. A disconnect meanwhile ends the wait, and the connect
 * fails as ioredis's own does. Another failure is one of the connection: ioredis goes on to its retryStrategy.
 */
class ConnectorGate {
  #connector;
  #ready;
  /** Of the wait that is under way. */
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
    connector.connecting = true; // as connect() does: disconnect() takes it back
    connector.stream = undefined; // the one before has closed: a disconnect() would wait for it to close again
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
   * For a connect that began before this gate was there. ioredis resolves its promise with the connector's `stream`: for
   * once that is a thenable, which gives the stream later.
   */
  holdUp() {
    const connector = this.#connector;
    connector.connecting = true;
    const become = (stream) =>
      Object.defineProperty(connector, 'stream', { value: stream, writable: true, enumerable: true, configurable: true });
    const open = (opened) => {
      become(this.#thenable(opened));
      queueMicrotask(() => become(opened)); // ioredis has its promise: a disconnect ends the socket itself
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
 * What a connect gives that failed: from a rejection ioredis would end, from this it tries again. Without an error it was
 * given up, and ioredis ends with its own, "Connection is closed.".
 */
function failed(connector, error) {
  const stream = new Socket();
  stream.destroy();
  connector.firstError = error;
  connector.stream = stream;
  return stream;
}

module.exports = { ConnectorGate };
