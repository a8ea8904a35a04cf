import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { format, inspect } from 'node:util';
import { Provider } from 'entrakey';
import { clientOptions, credentialsProvider, nodeAddressMap, servername } from 'entrakey/node-redis';
import * as redis6 from 'redis';
import * as redis5 from 'redis-5';
import { LIFETIME, startEmulator } from './emulator.mjs';
import { closedEndpoint, relayTo, until } from './support.mjs';

const { createClient } = redis6;

function connectTo({ REDIS_HOST, REDIS_PORT, REDIS_CA_FILE }, options) {
  const socket = {
    host: REDIS_HOST,
    port: Number(REDIS_PORT),
    tls: true,
    ca: readFileSync(REDIS_CA_FILE),
    servername: 'localhost',
    reconnectStrategy: false,
  };
  return createClient({ socket, disableOfflineQueue: true, ...options }).connect();
}

for (const [version, redis] of Object.entries({ 6: redis6, 5: redis5 })) {
  test(`node-redis ${version}: a client that has connected anew is one connection, and sends one AUTH for a token`, async (t) => {
    const emulator = await startEmulator(t, '1h');
    const provider = new Provider({ identity: 'managed_identity', minRequestIntervalMs: 300, reauthSpread: 0 });
    t.after(() => provider.close());
    const { port, cut } = await relayTo(t, emulator.port);
    const socket = { host: 'localhost', port, tls: true, ca: emulator.ca, reconnectStrategy: () => 10 };
    const client = redis.createClient(clientOptions({ socket, RESP: 3 }, provider));
    client.on('error', () => {});
    await client.connect();
    for (let time = 0; time < 3; time++) {
      const ready = new Promise((resolve) => client.once('ready', resolve)); // once() ends at an error
      cut();
      await ready;
    }
    assert.equal(provider.status().listeners.connections, 1);
    provider.refresh();
    await until('a re-authentication', () => provider.status().counters.reauthsAccepted > 0);
    await client.ping(); // what is sent before it is answered before it
    assert.equal(provider.status().counters.reauthsAccepted, 1);
    client.destroy();
    assert.deepEqual([provider.status().listeners.connections, provider.status().listeners.count], [0, 0]);
  });
}

const nobody = { onNext() {}, onError() {} };

for (const RESP of [2, 3]) {
  test(`one connection lives through rotations (RESP${RESP})`, async (t) => {
    const emulator = await startEmulator(t, LIFETIME);
    const provider = new Provider({ identity: 'managed_identity' });
    t.after(() => provider.close());
    const failed = [];
    const onReAuthenticationError = (error) => failed.push(error);
    const live = credentialsProvider(provider, { onReAuthenticationError });
    const client = await connectTo(emulator.environment, { RESP, credentialsProvider: live });
    client.on('error', (error) => failed.push(error));
    const end = Date.now() + 60_000;
    for (let round = 0; provider.status().counters.reauthsAccepted < 2 && Date.now() < end; round++) {
      await client.set('key', String(round));
      assert.equal(await client.get('key'), String(round));
      await sleep(10);
    }
    const { connections, auths } = await emulator.connections(provider.current().username);
    client.destroy();
    assert.deepEqual(failed, []);
    assert.equal(connections, 1);
    assert.ok(auths >= 3, `${auths} AUTHs`);
  });
}

test('each subscriber is told of each token until it disposes, and one that throws harms nobody', async (t) => {
  await startEmulator(t, LIFETIME);
  // Everybody is told at once: whoever is told at all has been told when the last one has.
  const provider = new Provider({ identity: 'managed_identity', reauthSpread: 0 });
  t.after(() => provider.close());
  const live = credentialsProvider(provider);
  assert.equal(live.type, 'streaming-credentials-provider');
  const told = [[], []];
  let inside = true;
  const listeners = told.map((news) => ({
    onNext(credentials) {
      assert.ok(!inside);
      news.push(credentials.password);
    },
    onError() {},
  }));
  const broken = {
    onNext() {
      throw new Error('a broken listener');
    },
    onError() {},
  };
  const subscriptions = await Promise.all([...listeners, broken].map((listener) => live.subscribe(listener)));
  inside = false;
  const [{ username, password }, disposable] = subscriptions[0];
  const token = provider.current();
  assert.deepEqual([username, password], [token.username, token.secret]);
  await until('two rotations, told to both', () => told.every((news) => news.length >= 2));
  assert.equal(new Set([password, ...told[0]]).size, told[0].length + 1);
  disposable.dispose();
  disposable.dispose();
  const [before, others] = told.map((news) => news.length);
  // Two: what came for the first of them may have been on its way.
  await until('two more rotations', () => told[1].length >= others + 2);
  assert.equal(told[0].length, before);
});

test('a subscribe that fails leaves no subscription behind', async () => {
  const subscriptions = new Set();
  const outage = new Error('no token');
  const provider = {
    getToken: () => Promise.reject(outage),
    subscribe() {
      const subscription = { unsubscribe: () => subscriptions.delete(subscription) };
      subscriptions.add(subscription);
      return subscription;
    },
  };
  await assert.rejects(credentialsProvider(provider).subscribe(nobody), outage);
  assert.equal(subscriptions.size, 0);
});

test('when no token can be had, each subscribe rejects, soon', async () => {
  const provider = new Provider({ identity: 'managed_identity', imdsEndpoint: await closedEndpoint() });
  const live = credentialsProvider(provider);
  const outcomes = await Promise.allSettled([live.subscribe(nobody), live.subscribe(nobody), live.subscribe(nobody)]);
  assert.deepEqual(outcomes.map((outcome) => outcome.reason?.code), ['NETWORK', 'NETWORK', 'NETWORK']);
  const started = performance.now();
  await assert.rejects(live.subscribe(nobody), { code: 'NETWORK' });
  assert.ok(performance.now() - started < 4500, 'an outage that is known is not waited for');
  provider.close();
  await assert.rejects(live.subscribe(nobody), { code: 'CLOSED' });
});

test('without a provider the environment says whose tokens these are, once for all', async (t) => {
  const emulator = await startEmulator(t);
  const subscribed = async (credentials) => (await credentials.subscribe({ onNext() {}, onError() {} }))[0];
  const [one, other] = [await subscribed(credentialsProvider()), await subscribed(clientOptions({}).credentialsProvider)];
  assert.match(one.username, /^[0-9a-f-]{36}$/);
  assert.equal(one.password, other.password);
  assert.equal((await emulator.control('GET', '/emulator/stats')).token_requests.total, 1);
});

test('no print, JSON or format of credentials shows the token', async (t) => {
  await startEmulator(t);
  const provider = new Provider({ identity: 'managed_identity' });
  t.after(() => provider.close());
  const { secret } = await provider.getToken();
  const [credentials] = await credentialsProvider(provider).subscribe({ onNext() {}, onError() {} });
  assert.deepEqual(credentials, { username: credentials.username, password: secret });
  const all = { credentials, provider, token: provider.current(), options: clientOptions({}, provider) };
  const deep = { showHidden: true, depth: 20 };
  const shown = [inspect(all, deep), format('%o %O %j %s', all, all, all, credentials), JSON.stringify(all)];
  for (const text of shown) assert.ok(text.includes(credentials.username) && !text.includes(secret.slice(-20)), text);
});

test('only a provider will do', () => {
  assert.throws(() => credentialsProvider({}), { code: 'INVALID_ARGUMENT' });
});

test('a connection in clear to another machine is refused, one that is known to be safe is not', () => {
  const provider = new Provider({ identity: 'managed_identity' });
  const inClear = [
    { url: 'redis://192.0.2.1:6379' },
    { socket: { host: 'cache.example' } },
    { rootNodes: [{ url: 'redis://192.0.2.1' }], defaults: { socket: { tls: true } } },
    { rootNodes: [{ url: 'rediss://192.0.2.1' }] }, // the nodes that are found later have the defaults
    { sentinelRootNodes: [{ host: '192.0.2.1', port: 26379 }], name: 'x' },
  ];
  for (const options of inClear) {
    assert.throws(() => clientOptions(options, provider), { code: 'INVALID_CONFIG', message: /no TLS.*rediss:/ });
    clientOptions(options, provider, { allowPlaintext: true });
  }
  const safe = [
    [{ url: 'rediss://192.0.2.1' }, (made) => made.credentialsProvider],
    [{ url: 'redis://127.0.0.1' }, (made) => made.credentialsProvider],
    [{ socket: { path: '/run/redis.sock' } }, (made) => made.credentialsProvider],
    [{}, (made) => made.credentialsProvider],
    [{ socket: { host: '192.0.2.1', tls: true } }, (made) => made.credentialsProvider],
    [{ rootNodes: [{ url: 'rediss://192.0.2.1' }], defaults: { socket: { tls: true } } }, (made) => made.defaults.credentialsProvider],
    [
      { sentinelRootNodes: [{ host: '192.0.2.1', port: 1 }], nodeClientOptions: { socket: { tls: true } } },
      (made) => made.nodeClientOptions.credentialsProvider,
    ],
  ];
  for (const [options, find] of safe) {
    assert.equal(find(clientOptions(options, provider)).type, 'streaming-credentials-provider');
  }
  provider.close();
});

for (const [version, { createClient, createClientPool, createCluster }] of Object.entries({ 6: redis6, 5: redis5 })) {
  test(`node-redis ${version}: duplicates, a pool and pub/sub stay on the newest token`, async (t) => {
    const emulator = await startEmulator(t, LIFETIME);
    const provider = new Provider({ identity: 'managed_identity', reauthSpread: 0 });
    t.after(() => provider.close());
    const failed = [];
    const socket = { host: 'localhost', port: emulator.port, tls: true, ca: emulator.ca };
    const how = { onReAuthenticationError: (error) => failed.push(error) };
    const options = clientOptions({ socket, RESP: 3 }, provider, how);
    const client = createClient(options);
    const clients = [client, client.duplicate(), client.duplicate()];
    for (const each of clients) each.on('error', (error) => failed.push(error));
    await Promise.all(clients.map((each) => each.connect()));
    const pool = createClientPool(options, { minimum: 4, maximum: 4 });
    await pool.connect();
    emulator.closeFirst(pool, ...clients);
    pool.on('error', (error) => failed.push(error));
    const received = new Set();
    await clients[1].subscribe('news', (message) => received.add(message));
    for (let round = 0; provider.version < 4; round++) {
      await clients[2].publish('news', `${provider.version}`);
      await Promise.all(Array.from({ length: 8 }, (_, key) => pool.set(`key${key}`, String(round))));
      await sleep(20);
    }
    assert.deepEqual(failed, []);
    for (const version of ['2', '3']) assert.ok(received.has(version), `nothing came with token ${version}`);
    const { connections } = (await emulator.stats()).redis.by_object_id[provider.current().username];
    assert.equal(connections, 7);
  });

  test(`node-redis ${version}: a cluster`, async (t) => {
    const emulator = await startEmulator(t, LIFETIME, { clusterPolicy: 'oss', nodes: 3 });
    const provider = new Provider({ identity: 'managed_identity', reauthSpread: 0 });
    t.after(() => provider.close());
    const failed = [];
    const socket = { tls: true, ca: emulator.ca, ...servername('localhost') };
    const options = {
      rootNodes: [{ socket: { host: 'localhost', port: emulator.port } }],
      defaults: { socket },
      nodeAddressMap: nodeAddressMap('localhost'),
      RESP: 3,
    };
    const how = { onReAuthenticationError: (error) => failed.push(error) };
    const cluster = createCluster(clientOptions(options, provider, how));
    cluster.on('error', (error) => failed.push(error));
    await cluster.connect();
    emulator.closeFirst(cluster);
    for (let round = 0; provider.version < 3; round++) {
      await Promise.all(Array.from({ length: 12 }, (_, key) => cluster.set(`key${key}`, String(round))));
      await sleep(20);
    }
    assert.deepEqual(failed, []);
    assert.equal(cluster.masters.length, 3);
  });

  test(`node-redis ${version}: what it leaks on a reconnect is not told any more, and a closed client is no error`, async (t) => {
    const emulator = await startEmulator(t, LIFETIME);
    const provider = new Provider({ identity: 'managed_identity', reauthSpread: 0 });
    t.after(() => provider.close());
    const failed = [];
    const how = { onReAuthenticationError: (error) => failed.push(error) };
    const relay = await relayTo(t, emulator.port);
    const socket = { host: 'localhost', port: relay.port, tls: true, ca: emulator.ca };
    const client = createClient(clientOptions({ socket, RESP: 3 }, provider, how));
    client.on('error', () => {}); // the connections that are about to be cut
    await client.connect();
    await client.ping();
    const connections = () => provider.status().listeners.connections;
    for (let round = 0; round < 3; round++) {
      const ready = new Promise((resolve) => client.once('ready', resolve)); // events.once() would end at an error
      relay.cut();
      await ready;
      await client.ping();
    }
    assert.equal(connections(), 1, 'only the living one is left');
    await client.ping();
    client.destroy();
    assert.equal(connections(), 0);
    assert.deepEqual(failed, []);
  });
}

for (const [version, { createClient, createCluster }] of Object.entries({ 6: redis6, 5: redis5 })) {
  test(`node-redis ${version}: a connection that has gone is no failure of its re-authentication`, async (t) => {
    const emulator = await startEmulator(t, '1h', { clusterPolicy: 'oss', nodes: 3 });
    const provider = new Provider({ identity: 'managed_identity', reauthSpread: 0, minRequestIntervalMs: 250 });
    t.after(() => provider.close());
    const failed = [];
    const how = { onReAuthenticationError: (error) => failed.push(error.message) };
    const socket = { tls: true, ca: emulator.ca, ...servername('localhost') };
    const at = { host: 'localhost', port: emulator.port };
    const client = createClient(clientOptions({ socket: { ...at, ...socket }, RESP: 3 }, provider, how));
    const defaults = { socket };
    const cluster = createCluster(
      clientOptions({ rootNodes: [{ socket: at }], defaults, nodeAddressMap: nodeAddressMap('localhost'), RESP: 3 }, provider, how),
    );
    for (const each of [client, cluster]) {
      each.on('error', () => {});
      await each.connect();
    }
    const renew = async () => {
      const { version } = provider;
      provider.refresh();
      await until('another token', () => provider.version > version);
    };
    for (let round = 0; round < 2; round++) {
      await Promise.all([0, 1, 2].map((node) => emulator.control('POST', '/emulator/redis/failover', { node, down_ms: 50 })));
      await renew();
    }
    await emulator.control('POST', '/emulator/redis/stop');
    await renew(); // each connection has an AUTH to send when it is back, and never is
    await renew();
    for (const each of [client, cluster]) each.destroy();
    await new Promise(setImmediate);
    assert.deepEqual(failed, []);
    assert.equal(provider.status().counters.reauthsRejected, 0);
  });
}

for (const [version, { createCluster }] of Object.entries({ 6: redis6, 5: redis5 })) {
  test(`node-redis ${version}: RESP3 of a cluster is what its own options say, not its defaults`, async (t) => {
    const emulator = await startEmulator(t, '1h', { clusterPolicy: 'oss', nodes: 3 });
    const provider = new Provider({ identity: 'managed_identity' });
    t.after(() => provider.close());
    const socket = { tls: true, ca: emulator.ca, ...servername('localhost') };
    const rootNodes = [{ socket: { host: 'localhost', port: emulator.port } }];
    const speaks = async (options, RESP) => {
      const given = { rootNodes, nodeAddressMap: nodeAddressMap('localhost'), ...options };
      const cluster = createCluster(clientOptions({ ...given, defaults: { socket, ...RESP } }, provider));
      cluster.on('error', () => {});
      await cluster.connect();
      try {
        const node = await cluster.nodeClient(cluster.masters[0]);
        return node.options.RESP ?? 'its default';
      } finally {
        cluster.destroy();
      }
    };
    assert.equal(await speaks({ RESP: 3 }, {}), 3);
    assert.equal(await speaks({}, { RESP: version === '6' ? 2 : 3 }), 'its default');
  });
}

test('an AUTH whose answer says nothing of the token is no failure, and is tried again', async (t) => {
  const emulator = await startEmulator(t);
  const provider = new Provider({ identity: 'managed_identity', reauthSpread: 0, minRequestIntervalMs: 300 });
  t.after(() => provider.close());
  const failed = [];
  const how = { onReAuthenticationError: (error) => failed.push(error) };
  const socket = { host: 'localhost', port: emulator.port, tls: true, ca: emulator.ca };
  const client = await createClient(clientOptions({ socket, RESP: 3 }, provider, how)).connect();
  await emulator.control('POST', '/emulator/redis/faults', [{ on: 'auth', error: 'LOADING Redis is loading the dataset in memory' }]);
  provider.refresh();
  await until('the second try to succeed', () => provider.status().counters.reauthsAccepted === 1);
  assert.deepEqual([failed, provider.status().counters.authRejections], [[], {}]);
  assert.equal(await client.ping(), 'PONG');
  client.destroy();
});

test('an onReAuthenticationError that throws or rejects harms nobody', async (t) => {
  const provider = new Provider({ identity: 'managed_identity' });
  t.after(() => provider.close());
  const bugs = [() => assert.fail('a bug'), () => Promise.reject(new Error('a bug'))];
  for (const onReAuthenticationError of bugs) {
    const warned = once(process, 'warning', { signal: AbortSignal.timeout(20_000) });
    credentialsProvider(provider, { onReAuthenticationError }).onReAuthenticationError(new Error('refused'));
    assert.equal((await warned)[0].code, 'ENTRAKEY_LISTENER_FAILED');
  }
});
