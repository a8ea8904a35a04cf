// What a URL or an option brings along never replaces the token, and is named once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Provider } from 'entrakey';
import { attach, dnsLookup, natMap, servername } from 'entrakey/ioredis';
import { clientOptions, nodeAddressMap } from 'entrakey/node-redis';
import * as ioredis from 'ioredis';
import * as ioredis5 from 'ioredis-5';
import * as iovalkey from 'iovalkey';
import * as redis6 from 'redis';
import * as redis5 from 'redis-5';
import { patient, startEmulator } from './emulator.mjs';
import { until } from './support.mjs';

/** An emulator that takes its access keys too, one of them, and a provider. */
async function withKeys(t, options) {
  const emulator = await startEmulator(t, '1h', options);
  await emulator.control('PUT', '/emulator/redis/access_keys', { enabled: true });
  const { keys } = await emulator.control('GET', '/emulator/redis/access_keys');
  const provider = new Provider({ identity: 'managed_identity' });
  t.after(() => provider.close());
  const auths = async () => (await emulator.connections(emulator.environment.ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID)).auths;
  return { emulator, provider, key: keys[0], auths };
}

/** The warnings of this kind while `call` runs, and what it gave. */
async function warned(call) {
  const warnings = [];
  const note = (warning) => warning.code === 'ENTRAKEY_CREDENTIALS_IGNORED' && warnings.push(warning.message);
  process.on('warning', note);
  try {
    const value = await call();
    await new Promise(setImmediate); // warnings come in the next turn
    return { value, warnings };
  } finally {
    process.off('warning', note);
  }
}

function assertNames(warnings, key, ...names) {
  assert.equal(warnings.length, 1, warnings.join('\n'));
  for (const name of names) assert.ok(warnings[0].includes(name), `${name}: ${warnings[0]}`);
  assert.ok(!warnings[0].includes(key) && !warnings[0].includes(encodeURIComponent(key)), warnings[0]);
}

for (const [version, { createClient, createClientPool, createCluster }] of Object.entries({ 6: redis6, 5: redis5 })) {
  test(`node-redis ${version}: what comes from us wins over a URL and options`, async (t) => {
    const { emulator, provider, key, auths } = await withKeys(t);
    const password = encodeURIComponent(key);
    const at = `localhost:${emulator.port}`;
    const socket = { ca: emulator.ca };
    const foreign = { type: 'async-credentials-provider', credentials: async () => ({ password: key }) };
    const cases = [
      [{ url: `rediss://:${password}@${at}`, socket }, ['the user info of url']],
      [{ url: `rediss://default:${password}@${at}/0`, socket }, ['the user info of url']],
      [{ url: `rediss://me@${at}`, socket }, ['the user info of url']],
      [{ url: `rediss://${at}`, username: 'default', password: key, socket }, ['option username', 'option password']],
      [{ url: `rediss://${at}`, credentialsProvider: foreign, socket }, ['option credentialsProvider']],
    ];
    let expected = 0;
    for (const [options, names] of cases) {
      const before = structuredClone({ ...options, socket: undefined, credentialsProvider: undefined });
      const { value: client, warnings } = await warned(() => createClient(clientOptions({ ...options, socket: { ...socket } }, provider)));
      assertNames(warnings, key, ...names);
      client.on('error', () => {});
      await client.connect();
      assert.equal(await client.ping(), 'PONG');
      assert.equal(await auths(), ++expected, names.join());
      assert.equal(client.options.database, options.url.endsWith('/0') ? 0 : undefined);
      client.destroy();
      assert.equal(options.url, before.url, "the host's own options are as they were");
    }
    const { value: pool, warnings } = await warned(() =>
      createClientPool(clientOptions({ url: `rediss://:${password}@${at}`, socket: { ...socket } }, provider), { minimum: 2 }),
    );
    assertNames(warnings, key, 'the user info of url');
    await pool.connect();
    assert.equal(await pool.ping(), 'PONG');
    assert.equal(await auths(), expected + 2);
    pool.destroy();
  });

  test(`node-redis ${version}: in a cluster too`, async (t) => {
    const { emulator, provider, key, auths } = await withKeys(t, { clusterPolicy: 'oss', nodes: 3 });
    const tls = { tls: true, ca: emulator.ca, ...servername('localhost') };
    const options = {
      rootNodes: [{ url: `rediss://:${encodeURIComponent(key)}@localhost:${emulator.port}` }],
      defaults: { socket: tls, username: 'default', password: key },
      nodeAddressMap: nodeAddressMap('localhost'),
      RESP: 3,
    };
    const { value: cluster, warnings } = await warned(() => createCluster(clientOptions(options, provider)));
    assertNames(warnings, key, 'the user info of rootNodes[0].url', 'defaults.username', 'defaults.password');
    cluster.on('error', () => {});
    await cluster.connect();
    emulator.closeFirst(cluster);
    await Promise.all(Array.from({ length: 12 }, (_, number) => cluster.set(`key${number}`, 'x')));
    assert.equal(await auths(), 4, 'the one that asks for the nodes, and three nodes');
  });
}

test('node-redis: in a sentinel too, and never in its message', async () => {
  const provider = new Provider({ identity: 'managed_identity' });
  const nodeClientOptions = { socket: { tls: true }, username: 'me', password: 'secret' };
  const sentinelClientOptions = { password: "the sentinels' own" };
  const sentinel = { name: 'x', sentinelRootNodes: [{ host: 'localhost', port: 1 }], nodeClientOptions, sentinelClientOptions };
  const { value: made, warnings } = await warned(() => clientOptions(sentinel, provider));
  assertNames(warnings, 'secret', 'nodeClientOptions.username', 'nodeClientOptions.password');
  assert.deepEqual([made.nodeClientOptions.username, made.nodeClientOptions.password], [undefined, undefined]);
  assert.deepEqual(made.sentinelClientOptions, sentinelClientOptions);
  // Forms of URLs; 6 takes those of Unix sockets.
  for (const [url, without] of [
    ['unix://me:secret@/run/redis.sock', 'unix:///run/redis.sock'],
    ['rediss://me:p@secret@localhost/2', 'rediss://localhost/2'],
    ['REDISS://:secret@localhost', 'REDISS://localhost'],
  ]) {
    const { value, warnings } = await warned(() => clientOptions({ url }, provider));
    assertNames(warnings, 'secret', 'the user info of url');
    assert.equal(value.url, without);
  }
  const { warnings: none } = await warned(() => clientOptions({ url: 'rediss://localhost/?a=b@c', username: '', password: undefined }, provider));
  assert.deepEqual(none, []);
  assert.throws(() => clientOptions({ url: 'rediss://me:secret@local host' }, provider), (error) => !JSON.stringify({ ...error, message: error.message }).includes('secret'));
  provider.close();
});

for (const [name, { Cluster }] of Object.entries({ 'ioredis 6': ioredis, 'ioredis 5': ioredis5, iovalkey })) {
  test(`${name}: a second cluster with the same redisOptions brings no credentials along`, async (t) => {
    const { emulator, provider } = await withKeys(t);
    await provider.ready();
    const redisOptions = { tls: { ca: emulator.ca } };
    const made = () => new Cluster([{ host: 'localhost', port: emulator.port }], { redisOptions, lazyConnect: true });
    const { warnings } = await warned(() => [made(), made()].forEach((cluster) => attach(cluster, provider)));
    assert.deepEqual(warnings, []);
  });
}

for (const [name, { Redis, Cluster }] of Object.entries({ 'ioredis 6': ioredis, 'ioredis 5': ioredis5, iovalkey })) {
  test(`${name}: what comes from us wins over a URL, options and those of a duplicate`, async (t) => {
    const { emulator, provider, key, auths } = await withKeys(t);
    const tls = { ca: emulator.ca, ...servername('localhost') };
    const attached = async (client) => {
      client.on('error', () => {});
      t.after(() => client.disconnect());
      return warned(() => attach(client, provider));
    };
    const url = new Redis(`rediss://:${encodeURIComponent(key)}@127.0.0.1:${emulator.port}`, { tls });
    const { warnings: ofUrl } = await attached(url);
    assertNames(ofUrl, key, 'the password of the client');
    const options = new Redis({ host: '127.0.0.1', port: emulator.port, tls, username: 'default', password: key });
    const { warnings: ofOptions } = await attached(options);
    assertNames(ofOptions, key, 'the username of the client', 'the password of the client');
    for (const client of [url, options]) assert.equal(await client.ping(), 'PONG');
    await until('an AUTH of each', async () => (await auths()) === 2);
    const { value: copy, warnings: ofCopy } = await warned(() => url.duplicate({ password: key }));
    t.after(() => copy.disconnect());
    assertNames(ofCopy, key, 'the password of duplicate()');
    assert.equal(await copy.ping(), 'PONG');
    assert.equal(await auths(), 3);
    const { value: plain, warnings: none } = await warned(() => url.duplicate({ lazyConnect: true }));
    assert.deepEqual([none, plain.status], [[], 'wait']);
  });

  test(`${name}: in a cluster too`, async (t) => {
    const { emulator, provider, key, auths } = await withKeys(t, { clusterPolicy: 'oss', nodes: 3 });
    const tls = { ca: emulator.ca, ...servername('localhost') };
    const cluster = new Cluster([`rediss://:${encodeURIComponent(key)}@localhost:${emulator.port}`], {
      ...patient,
      natMap: natMap('localhost'),
      dnsLookup,
      redisOptions: { tls, username: 'default', password: key },
    });
    cluster.on('error', () => {});
    t.after(() => cluster.disconnect());
    const { warnings } = await warned(() => attach(cluster, provider));
    assertNames(warnings, key, 'the user info of start-up node 0', 'the username of redisOptions', 'the password of redisOptions');
    await Promise.all(Array.from({ length: 12 }, (_, number) => cluster.set(`key${number}`, 'x')));
    await cluster.subscribe('news');
    const { connections, auths: signedIn } = await emulator.connections(provider.current().username);
    assert.ok(signedIn >= 5, 'the one that asks for the nodes, three nodes and the subscriber');
    assert.equal(signedIn, await auths());
    const { redis } = await emulator.stats();
    assert.deepEqual(Object.keys(redis.by_object_id), [provider.current().username], `${connections} connections, none with a key`);
  });
}
