import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { format, inspect } from 'node:util';
import { Provider } from 'entrakey';
import { attach, dnsLookup, natMap, servername } from 'entrakey/ioredis';
import * as ioredis from 'ioredis';
import * as ioredis5 from 'ioredis-5';
import * as iovalkey from 'iovalkey';
import { LIFETIME, patient, startEmulator } from './emulator.mjs';
import { closedEndpoint, until } from './support.mjs';

const LIBRARIES = { 'ioredis 6': ioredis, 'ioredis 5': ioredis5, iovalkey };

const managedIdentity = (t, more) => {
  const provider = new Provider({ identity: 'managed_identity', reauthSpread: 0, ...more });
  t.after(() => provider.close());
  return provider;
};

// An address, as iovalkey turns to IPv6 for every second connect, and a name server may have none.
const address = ({ ca, port }) => ({ host: '127.0.0.1', port, tls: { ca, ...servername('localhost') } });

/** A client that is closed with the test, and the errors that it had. */
function opened(t, client) {
  const errors = [];
  client.on('error', (error) => errors.push(error));
  t.after(() => client.disconnect());
  return { client, errors };
}

for (const [name, { Redis, Cluster }] of Object.entries(LIBRARIES)) {
  test(`${name}: a client and its duplicate live through rotations and reconnects`, async (t) => {
    const emulator = await startEmulator(t, LIFETIME);
    const provider = managedIdentity(t);
    // Not lazy and without a token yet: it is on its way when it is attached.
    const { client, errors } = opened(t, attach(new Redis(address(emulator)), provider));
    assert.equal(await client.set('key', '0'), 'OK');
    const { client: copy, errors: more } = opened(t, client.duplicate());
    const start = provider.version;
    for (let round = 1; provider.version < start + 2; round++) {
      await client.set('key', String(round));
      assert.equal(await copy.get('key'), String(round));
      await sleep(10);
    }
    const of = async () => emulator.connections(provider.current().username);
    await until('two connections, three AUTHs each', async () => (await of()).auths >= 6);
    assert.equal((await of()).connections, 2, 'no connection was lost');
    client.disconnect(true); // the token of its first connect has expired by now
    assert.equal(await client.set('key', 'again'), 'OK');
    const { counters } = provider.status();
    assert.ok(counters.reauthsAccepted >= 2 && counters.reauthsRejected === 0);
    assert.deepEqual([...errors, ...more], []);
  });

  test(`${name}: a subscriber goes on, whatever it speaks`, async (t) => {
    const emulator = await startEmulator(t, LIFETIME);
    const provider = managedIdentity(t);
    const { client: publisher } = opened(t, attach(new Redis(address(emulator)), provider));
    const { client: subscriber, errors } = opened(t, publisher.duplicate());
    const received = new Set();
    subscriber.on('message', (_channel, message) => received.add(message));
    await subscriber.subscribe('news');
    for (let round = 0; provider.version < 4; round++) {
      await publisher.publish('news', `${provider.version}`);
      await sleep(20);
    }
    await until('news after three rotations', async () => (await publisher.publish('news', 'last'), received.has('last')));
    for (const version of [2, 3]) assert.ok(received.has(String(version)), `nothing came with token ${version}`);
    assert.deepEqual(errors, []);
  });

  test(`${name}: a cluster, its later nodes and its subscriber`, async (t) => {
    const emulator = await startEmulator(t, LIFETIME, { clusterPolicy: 'oss', nodes: 3 });
    const provider = managedIdentity(t);
    const cluster = new Cluster([{ host: 'localhost', port: emulator.port }], {
      ...patient,
      natMap: natMap('localhost'),
      dnsLookup,
      redisOptions: { tls: { ca: emulator.ca, ...servername('localhost') } },
    });
    const { client, errors } = opened(t, attach(cluster, provider));
    const received = new Set();
    client.on('message', (_channel, message) => received.add(message));
    await client.subscribe('news');
    for (let round = 0; provider.version < 4; round++) {
      await Promise.all(Array.from({ length: 12 }, (_, key) => client.set(`key${key}`, String(round))));
      await client.publish('news', String(provider.version));
      await sleep(20);
    }
    await until('news after three rotations', async () => (await client.publish('news', 'last'), received.has('last')));
    assert.equal(await client.get('key1') !== null, true);
    assert.deepEqual(errors, []);
    assert.equal(client.nodes('master').length, 3);
    // Its subscriber would come back by itself, after the server has closed it.
    assert.equal((await emulator.connections(provider.current().username)).expired, 0);
  });
}

test('ioredis 6: a connection that cannot have a token tries again by itself, and says why it waits', async (t) => {
  const emulator = await startEmulator(t);
  await emulator.control('POST', '/emulator/faults', { route: 'imds', answers: [{ status: 500, times: 1 }] });
  const provider = managedIdentity(t, { retryInitialMs: 100, retryMaxMs: 1500 });
  const { client, errors } = opened(t, attach(new ioredis.Redis({ ...address(emulator), lazyConnect: true }), provider));
  assert.equal(await client.ping(), 'PONG');
  assert.ok(errors.every((error) => error.code !== undefined), String(errors));
});

test('ioredis 6: a refusal is explained in the error that the client gives', async (t) => {
  const emulator = await startEmulator(t);
  const provider = managedIdentity(t, { scope: 'https://vault.azure.net/.default' });
  const { client, errors } = opened(t, attach(new ioredis.Redis({ ...address(emulator), retryStrategy: null }), provider));
  await assert.rejects(client.ping());
  await until('the refusal', () => provider.status().counters.authRejections.wrong_audience >= 1);
  const secret = provider.current()?.secret;
  await until('the error', () => errors.length > 0);
  assert.match(errors.map(String).join('\n'), /WRONGPASS[^]*scope to https:\/\/redis\.azure\.com/);
  assert.ok(!errors.map(String).join('\n').includes(secret));
});

/** What a log may make of a value. */
const shown = (value) => {
  const seen = new Set(); // a client refers to itself
  const once = (_, part) => {
    if (typeof part !== 'object' || part === null) return typeof part === 'bigint' ? String(part) : part;
    return seen.has(part) ? undefined : (seen.add(part), part);
  };
  return [inspect(value), inspect(value, { showHidden: true, depth: 20, getters: true }), format('%o', value), JSON.stringify(value, once)].join();
};

for (const [name, { Redis }] of Object.entries(LIBRARIES)) {
  test(`${name}: no error and no print of a client shows the token`, async (t) => {
    const emulator = await startEmulator(t);
    const provider = managedIdentity(t, { minRequestIntervalMs: 300 });
    const told = [];
    const onReAuthenticationError = (error) => told.push(error);
    const { client, errors } = opened(t, attach(new Redis({ ...address(emulator), retryStrategy: null }), provider, { onReAuthenticationError }));
    await client.ping();
    const secrets = [provider.current().secret];
    assert.equal(client.condition.auth[1], secrets[0], 'it is there');
    await emulator.control('POST', '/emulator/redis/faults', [{ on: 'auth', refuse: true }]);
    provider.refresh();
    await until('the refusal', () => told.length > 0);
    secrets.push(provider.current().secret);
    await emulator.control('POST', '/emulator/redis/faults', [{ on: 'auth', refuse: true, times: 9 }]);
    let atOnce; // what a listener sees that prints the error then and there
    client.on('error', (error) => (atOnce = shown(error)));
    client.disconnect();
    await until('the end', () => client.status === 'end');
    await assert.rejects(client.connect(), (error) => (told.push(error), true));
    await until('the error', () => errors.length > 0);
    for (const value of [...told, ...errors, client, client.options, client.condition, { atOnce }]) {
      for (const secret of secrets) assert.ok(!shown(value).includes(secret.slice(-20)), shown(value).slice(0, 2000));
    }
    assert.match(shown(errors), /WRONGPASS/);
    assert.match(atOnce, /WRONGPASS[^]*\[token\]/, 'what was sent beside it is shown');
  });
}

test('what will not work is refused where it is written', async (t) => {
  const provider = managedIdentity(t, { imdsEndpoint: await closedEndpoint() });
  const idle = (options) => opened(t, new ioredis.Redis({ lazyConnect: true, ...options })).client;
  assert.throws(() => attach(idle({ password: async () => 'x' }), provider), { code: 'INVALID_ARGUMENT', message: /Troubleshooting/ });
  assert.throws(() => attach({ host: 'localhost' }, provider), { code: 'INVALID_ARGUMENT', message: /BullMQ/ });
  assert.throws(() => attach(idle(), {}), { code: 'INVALID_ARGUMENT' });
  const client = attach(idle(), provider);
  assert.throws(() => attach(client, provider), { code: 'INVALID_ARGUMENT', message: /already/ });
  for (const options of [{ host: '192.0.2.1' }, { sentinels: [{ host: '192.0.2.1' }], name: 'x', tls: {} }]) {
    assert.throws(() => attach(idle(options), provider), { code: 'INVALID_CONFIG', message: /no TLS.*rediss:/ });
    attach(idle(options), provider, { allowPlaintext: true });
  }
  const cluster = (options) =>
    opened(t, new ioredis.Cluster([{ host: '192.0.2.1', port: 1 }], { lazyConnect: true, ...options })).client;
  assert.throws(() => attach(cluster(), provider), { code: 'INVALID_CONFIG', message: /no TLS.*rediss:/ });
  attach(cluster({ redisOptions: { tls: {} } }), provider);
  assert.throws(() => natMap('https://localhost'), { code: 'INVALID_ARGUMENT' });
});

test('a closed client is forgotten, and comes back when it connects again', async (t) => {
  const emulator = await startEmulator(t);
  const provider = managedIdentity(t);
  const { client } = opened(t, attach(new ioredis.Redis(address(emulator)), provider));
  await client.ping();
  assert.equal(provider.status().listeners.count, 1);
  client.disconnect();
  await once(client, 'end');
  assert.equal(provider.status().listeners.count, 0);
  await client.connect();
  assert.equal(provider.status().listeners.count, 1);
});

test('a token that comes during the handshake is not forgotten', async (t) => {
  const emulator = await startEmulator(t);
  const provider = managedIdentity(t, { minRequestIntervalMs: 300 });
  const first = await provider.getToken();
  provider.refresh();
  await until('a second token', () => provider.version === 2);
  let current = first;
  const slow = {
    getToken: async () => current,
    current: () => current,
    subscribe: (listener) => provider.subscribe(listener),
    reportRejected: (version, message) => provider.reportRejected(version, message),
  };
  const { client } = opened(t, attach(new ioredis.Redis({ ...address(emulator), lazyConnect: true }), slow));
  client.once('connect', () => (current = provider.current())); // the handshake has gone out with the first
  await client.ping();
  await until('an AUTH with each', async () => (await emulator.connections(first.username)).auths === 2);
  assert.deepEqual(provider.status().counters.authRejections, {}, 'nothing is refused');
});

test('an AUTH whose answer says nothing of the token is no failure, and is tried again', async (t) => {
  const emulator = await startEmulator(t);
  const provider = managedIdentity(t, { reauthSpread: 0, minRequestIntervalMs: 300 });
  const failed = [];
  const how = { onReAuthenticationError: (error) => failed.push(error) };
  const { client } = opened(t, attach(new ioredis.Redis(address(emulator)), provider, how));
  await client.ping();
  await emulator.control('POST', '/emulator/redis/faults', [{ on: 'auth', error: 'LOADING Redis is loading the dataset in memory' }]);
  provider.refresh();
  await until('the second try to succeed', () => provider.status().counters.reauthsAccepted === 1);
  assert.deepEqual([failed, provider.status().counters.authRejections], [[], {}]);
});

test('an onReAuthenticationError that throws harms nobody', async (t) => {
  const emulator = await startEmulator(t);
  const provider = managedIdentity(t, { minRequestIntervalMs: 300 });
  const onReAuthenticationError = () => {
    throw new Error('a bug of the host');
  };
  const { client } = opened(t, attach(new ioredis.Redis(address(emulator)), provider, { onReAuthenticationError }));
  await client.ping();
  await emulator.control('POST', '/emulator/redis/faults', [{ on: 'auth', refuse: true }]);
  const warned = once(process, 'warning', { signal: AbortSignal.timeout(20_000) });
  provider.refresh();
  assert.equal((await warned)[0].code, 'ENTRAKEY_LISTENER_FAILED');
  await until('the refusal to be counted', () => provider.status().counters.reauthsRejected === 1);
  assert.equal(await client.ping(), 'PONG');
});

test('ioredis 6: a cluster that subscribes in each shard, and leaves nothing behind', async (t) => {
  const emulator = await startEmulator(t, LIFETIME, { clusterPolicy: 'oss', nodes: 3 });
  const provider = managedIdentity(t);
  const cluster = new ioredis.Cluster([{ host: 'localhost', port: emulator.port }], {
    ...patient,
    natMap: natMap('localhost'),
    dnsLookup,
    shardedSubscribers: true,
    redisOptions: { tls: { ca: emulator.ca, ...servername('localhost') } },
  });
  const { client, errors } = opened(t, attach(cluster, provider));
  const received = new Set();
  client.on('smessage', (_channel, message) => received.add(message));
  await client.ssubscribe('news');
  while (provider.version < 4) {
    await client.spublish('news', String(provider.version));
    await sleep(20);
  }
  await until('news after three rotations', () => (client.spublish('news', 'last'), received.has('last')));
  assert.equal((await emulator.connections(provider.current().username)).expired, 0);
  assert.deepEqual(errors, []);
  client.disconnect();
  await until('all connections to be forgotten', () => provider.status().listeners.count === 0);
});
