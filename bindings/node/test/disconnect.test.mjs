// A client that is given up while it waits for its token ends as it would without us, and leaves nothing behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Provider } from 'entrakey';
import { attach, dnsLookup, natMap, servername } from 'entrakey/ioredis';
import { clientOptions } from 'entrakey/node-redis';
import * as ioredis from 'ioredis';
import * as ioredis5 from 'ioredis-5';
import * as iovalkey from 'iovalkey';
import * as redis6 from 'redis';
import * as redis5 from 'redis-5';
import { patient, startEmulator } from './emulator.mjs';
import { runProgram, until } from './support.mjs';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const LIBRARIES = { 'ioredis 6': ioredis, 'ioredis 5': ioredis5, iovalkey };

/** An emulator, and a provider whose first token comes when `give()` is called. */
async function slowToken(t, options) {
  const emulator = await startEmulator(t, '1h', options);
  const source = new Provider({ identity: 'managed_identity' });
  const { secret: token, expiresOn: expiresOnTimestamp, username } = await source.getToken();
  source.close();
  let give;
  const given = new Promise((resolve) => (give = resolve));
  const provider = new Provider({ tokenCallback: () => given.then(() => ({ token, expiresOnTimestamp })) });
  t.after(() => provider.close());
  return { emulator, provider, give, connected: async () => (await emulator.connections(username)).connections };
}

// An address, as iovalkey turns to IPv6 for every second connect, and a name server may have none.
const address = ({ ca, port }) => ({ host: '127.0.0.1', port, tls: { ca, ...servername('localhost') } });

for (const [name, { Redis, Cluster }] of Object.entries(LIBRARIES)) {
  for (const giveUp of ['disconnect', 'quit', 'end']) {
    test(`${name}: ${giveUp}() while the token is awaited fails the connect as without us`, async (t) => {
      const { emulator, provider, give, connected } = await slowToken(t);
      const errors = [];
      const lazy = attach(new Redis({ ...address(emulator), lazyConnect: true }), provider);
      const onItsWay = attach(new Redis(address(emulator)), provider);
      await new Promise(setImmediate); // its socket is there, held up
      for (const client of [lazy, onItsWay]) client.on('error', (error) => errors.push(error));
      t.after(() => [lazy, onItsWay].forEach((client) => client.disconnect()));
      const connecting = lazy.connect();
      for (const client of [lazy, onItsWay]) client[giveUp]();
      await assert.rejects(connecting, { message: 'Connection is closed.' });
      await until('the end of both', () => lazy.status === 'end' && onItsWay.status === 'end');
      give();
      await provider.ready();
      await new Promise(setImmediate);
      assert.deepEqual([lazy.status, onItsWay.status, await connected()], ['end', 'end', 0]);
      assert.deepEqual(errors, []);
      await lazy.connect(); // as good as new
      assert.equal(await lazy.ping(), 'PONG');
    });
  }

  test(`${name}: disconnect() of a cluster while the token is awaited`, async (t) => {
    const { emulator, provider, give } = await slowToken(t, { clusterPolicy: 'oss', nodes: 3 });
    const cluster = new Cluster([{ host: 'localhost', port: emulator.port }], {
      ...patient,
      natMap: natMap('localhost'),
      dnsLookup,
      redisOptions: { tls: { ca: emulator.ca, ...servername('localhost') } },
    });
    attach(cluster, provider);
    cluster.on('error', () => {});
    t.after(() => cluster.disconnect());
    await until('its first connection waits', () => provider.status().listeners.count > 0);
    cluster.disconnect();
    await until('the end', () => cluster.status === 'end');
    give();
    const { username } = await provider.getToken();
    // The connection that asks for the slots is the cluster's own affair: it is closed when it was answered.
    await until('no connection is known', () => provider.status().listeners.count === 0);
    await until('no socket is left', async () => (await emulator.connections(username)).connected === 0);
    assert.equal(cluster.status, 'end');
  });

  test(`${name}: attached after its socket was opened it has the token, and can be given up`, async (t) => {
    const { emulator, provider, give, connected } = await slowToken(t);
    const opening = () => {
      const client = new Redis({ ...address(emulator), enableReadyCheck: true });
      client.on('error', () => {});
      t.after(() => client.disconnect());
      return new Promise((resolve) => setImmediate(() => resolve(attach(client, provider))));
    };
    const givenUp = await opening();
    givenUp.disconnect();
    await until('the end', () => givenUp.status === 'end');
    give();
    await provider.ready();
    assert.equal(await (await opening()).ping(), 'PONG');
    assert.equal(await connected(), 1);
  });

  test(`${name}: after fail-overs of all nodes a cluster's subscriber has each message once`, async (t) => {
    const emulator = await startEmulator(t, '1h', { clusterPolicy: 'oss', nodes: 3 });
    const provider = new Provider({ identity: 'managed_identity' });
    t.after(() => provider.close());
    const cluster = new Cluster([{ host: 'localhost', port: emulator.port }], {
      ...patient,
      natMap: natMap('localhost'),
      dnsLookup,
      redisOptions: { tls: { ca: emulator.ca, ...servername('localhost') } },
    });
    attach(cluster, provider);
    cluster.on('error', () => {});
    t.after(() => cluster.disconnect());
    const received = [];
    cluster.on('message', (_channel, message) => received.push(message));
    await cluster.subscribe('news');
    const publish = (message) => cluster.publish('news', message).catch(() => {});
    for (let round = 0; round < 3; round++) {
      const failOver = (node) => emulator.control('POST', '/emulator/redis/failover', { node, down_ms: 50 });
      await Promise.all([0, 1, 2].map(failOver));
      await until('news again', async () => (await publish(`again ${round}`), received.includes(`again ${round}`)));
    }
    const numbers = Array.from({ length: 20 }, (_, number) => `number ${number}`);
    for (const number of numbers) await publish(number);
    await until('the last', async () => (await publish('last'), received.includes('last')));
    for (const number of numbers) assert.equal(received.filter((one) => one === number).length, 1, number);
    cluster.disconnect();
    const { username } = provider.current();
    await until('no socket is left', async () => (await emulator.connections(username)).connected === 0);
    await until('no connection is known', () => provider.status().listeners.count === 0);
  });
}

test('a program that disconnects while it waits for its token ends', async (t) => {
  const emulator = await startEmulator(t);
  await emulator.control('POST', '/emulator/faults', { route: 'imds', answers: [{ delay_ms: 300, times: 1 }] });
  const program = `
    const { Redis } = require('ioredis');
    const { Provider } = require('entrakey');
    const { attach } = require('entrakey/ioredis');
    const tls = { ca: require('node:fs').readFileSync(process.env.REDIS_CA_FILE), servername: 'localhost' };
    const client = attach(
      new Redis({ host: '127.0.0.1', port: process.env.REDIS_PORT, tls, lazyConnect: true }),
      new Provider({ identity: 'managed_identity' }),
    );
    client.connect().catch((error) => console.log(error.message));
    client.disconnect();`;
  const { code, stdout, stderr } = await runProgram(program);
  assert.deepEqual([code, stdout, stderr], [0, 'Connection is closed.\n', '']);
});

for (const [version, { createClient, createClientPool }] of Object.entries({ 6: redis6, 5: redis5 })) {
  test(`node-redis ${version}: destroy() while the token is awaited leaves nothing behind`, async (t) => {
    const { emulator, provider, give } = await slowToken(t);
    const told = [];
    const onReAuthenticationError = (error) => told.push(error);
    const socket = { host: 'localhost', port: emulator.port, tls: true, ca: emulator.ca };
    const options = clientOptions({ socket, RESP: 3 }, provider, { onReAuthenticationError });
    const listeners = () => provider.status().listeners.count;
    const outcome = await (async () => {
      const client = createClient(options);
      client.on('error', () => {});
      const connecting = client.connect().then(() => 'connected', () => 'failed');
      await until('the token is awaited', () => listeners() === 1);
      client.destroy();
      return Promise.race([connecting, new Promise(setImmediate).then(() => new Promise(setImmediate))]);
    })();
    assert.notEqual(outcome, 'connected');
    give();
    const { username } = await provider.getToken();
    await until('no listener is left', () => (collectGarbage(), listeners() === 0));
    assert.deepEqual([(await emulator.connections(username)).auths, told], [0, []]);
    const pool = createClientPool(options, { minimum: 1 });
    await pool.connect();
    pool.destroy();
    assert.equal(listeners(), 0);
  });
}
