'use strict';

const { Connection } = require('./connection.cjs');
const { liveCredentials } = require('./credentials.cjs');
const { warnOfForeignDuplicate } = require('./foreign-credentials.cjs');
const { refusePlaintextOfCluster } = require('./plaintext.cjs');

/**
 * All connections that came from one `attach()`: the client's, its duplicates', a cluster's nodes' and subscribers'. A
 * client is forgotten when it ends and remembered when it connects again.
 */
class Attachment {
  #provider;
  #how;
  #live = new Set();
  #subscription;
  /** Clients that were added, also those that have ended: they may connect again. */
  #known = new WeakSet();

  constructor(provider, how) {
    this.#provider = provider;
    this.#how = how;
  }

  add(client) {
    if (this.#known.has(client)) return;
    this.#known.add(client);
    if (typeof client.nodes === 'function') this.#addCluster(client);
    else this.#addClient(client);
    this.#patchDuplicate(client);
  }

  #addClient(redis) {
    const connection = new Connection(redis, this.#provider, this.#how, (version) => this.#opened(version));
    if (redis.status !== 'wait' && redis.status !== 'end') this.#remember(connection);
    listenAlways(redis, {
      connecting: () => this.#remember(connection),
      // A token that came during the handshake: the one after it would come too late for the one that the handshake
      // used.
      ready: () => void connection.renew(),
      close: () => connection.closed(),
      end: () => this.#forget(connection),
    });
  }

  #addCluster(cluster) {
    const { options } = cluster;
    refusePlaintextOfCluster(cluster, this.#how);
    options.redisOptions ??= {};
    liveCredentials(options.redisOptions, this.#provider);
    cluster.on('+node', (node) => this.add(node)); // ioredis tells of a node before the node connects
    for (const node of cluster.nodes('all')) this.add(node);
    this.#addSubscriber(cluster.subscriber);
    this.#addShardedSubscribers(cluster.shardedSubscribers);
  }

  /**
   * The cluster's own subscriber is none of its nodes. It is made with a copy of a node's credentials and connects at the
   * first SUBSCRIBE, which may be long after.
   */
  #addSubscriber(holder) {
    if (!holder || !('subscriber' in holder)) return; // this version of ioredis keeps its subscriber elsewhere
    let current = holder.subscriber;
    if (current) this.add(current);
    Object.defineProperty(holder, 'subscriber', {
      get: () => current,
      set: (redis) => {
        current = redis;
        if (redis) this.add(redis);
      },
      enumerable: true,
      configurable: true,
    });
  }

  /** With `shardedSubscribers: true` there is a subscriber for each shard. */
  #addShardedSubscribers(group) {
    const subscribers = group?.shardedSubscribers;
    if (!(subscribers instanceof Map)) return;
    const add = (subscriber) => subscriber.instance && this.add(subscriber.instance);
    for (const subscriber of subscribers.values()) add(subscriber);
    const set = subscribers.set;
    subscribers.set = (key, subscriber) => {
      add(subscriber);
      return set.call(subscribers, key, subscriber);
    };
  }

  /**
   * Adds the copies that duplicate() makes: ioredis copies the current token into their options, where it would stay.
   */
  #patchDuplicate(client) {
    const { duplicate } = client;
    client.duplicate = (...args) => {
      warnOfForeignDuplicate(...args);
      const copy = duplicate.apply(client, args);
      this.add(copy);
      return copy;
    };
  }

  #remember(connection) {
    this.#live.add(connection);
    this.#subscribe();
  }

  /** To be called before a connection asks for its token: a token that came between the two would be missed. */
  #subscribe() {
    try {
      this.#subscription ??= this.#provider.subscribe(() => this.#renew());
    } catch {
      // The provider is closed: the connection will say so when it asks for its token.
    }
  }

  #opened(version) {
    this.#subscribe(); // ioredis emits `connecting` after it has begun to connect
    return this.#subscription?.opened(version);
  }

  #renew() {
    for (const connection of this.#live) void connection.renew();
  }

  #forget(connection) {
    connection.closed();
    this.#live.delete(connection);
    if (this.#live.size > 0) return;
    void this.#subscription?.unsubscribe();
    this.#subscription = undefined; // without connections nothing here keeps the provider
  }
}

/** Listeners that stay: ioredis removes all listeners of a sharded subscriber before the subscriber has ended. */
function listenAlways(redis, listeners) {
  const listen = () => {
    for (const [name, listener] of Object.entries(listeners)) {
      if (!redis.listeners(name).includes(listener)) redis.on(name, listener);
    }
  };
  listen();
  const { removeAllListeners } = redis;
  redis.removeAllListeners = (...names) => {
    removeAllListeners.apply(redis, names);
    listen();
    return redis;
  };
}

module.exports = { Attachment };
