// Every client at once, on tokens of eight seconds, for forty: no failed command, no lost connection, no lost job.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { Provider } from 'entrakey';
import { attach, dnsLookup, natMap, servername } from 'entrakey/ioredis';
import { clientOptions, nodeAddressMap } from 'entrakey/node-redis';
import { Cluster, Redis } from 'ioredis';
import { createClient, createClientPool, createCluster } from 'redis';
import { LIFETIME, patient, startEmulator } from './emulator.mjs';
import { startRedisServer } from './redis-server.mjs';
import { until } from './support.mjs';

const DURATION_MS = 40_000;

/** What a client must not have: an error, a second connection, a token too old. */
class Trouble {
  all = [];

  watch(name, ...clients) {
    for (const client of clients) {
      client.on('error', (error) => this.all.push(`${name}: ${error.message}`));
      client.on('reconnecting', () => this.all.push(`${name}: reconnecting`));
    }
    return clients[0];
  }

  options(name) {
    return { onReAuthenticationError: (error) => this.all.push(`${name}: ${error.message}`) };
  }

  /** Works until the end; each failure is trouble. */
  async load(name, end, work) {
    let done = 0;
    while (Date.now() < end) {
      await work(done).then(() => done++, (error) => this.all.push(`${name}: ${error.message}`));
      await sleep(25);
    }
    assert.ok(done > 100, `${name}: only ${done} rounds`);
  }
}

/** The connections of the provider's identity, as the emulator counts them. */
const connectionsOf = (emulator, provider) => emulator.connections(provider.current().username);

/** After another rotation, as many AUTHs more as there are connections: each is on the newest token. */
async function assertAllNewest(emulator, provider, expected) {
  const before = await connectionsOf(emulator, provider);
  const { version } = provider;
  await until('another rotation', () => provider.version > version);
  await until('an AUTH of each', async () => (await connectionsOf(emulator, provider)).auths >= before.auths + expected);
  const after = await connectionsOf(emulator, provider);
  assert.deepEqual([after.connected, after.connections, after.expired], [expected, expected, 0]);
}

async function standalone(t, trouble) {
  const emulator = await startEmulator(t, LIFETIME);
  const provider = new Provider({ identity: 'managed_identity' });
  const socket = { host: 'localhost', port: emulator.port, tls: true, ca: emulator.ca };
  const options = clientOptions({ socket, RESP: 3, disableOfflineQueue: true }, provider, trouble.options('node-redis'));
  const client = trouble.watch('client', createClient(options));
  const subscriber = trouble.watch('subscriber', client.duplicate());
  const pool = trouble.watch('pool', createClientPool(options, { minimum: 10, maximum: 10 }));
  const address = { host: 'localhost', port: emulator.port, tls: { ca: emulator.ca } };
  const redis = trouble.watch('ioredis', attach(new Redis(address), provider, trouble.options('ioredis')));
  const listener = trouble.watch('ioredis subscriber', redis.duplicate());
  await Promise.all([client.connect(), subscriber.connect(), pool.connect(), redis.ping()]);
  const received = [0, 0];
  await subscriber.subscribe('news', () => received[0]++);
  await listener.subscribe('news');
  listener.on('message', () => received[1]++);
  let published = 0;
  const run = async (end) => {
    await Promise.all([
      trouble.load('client', end, async (round) => {
        await client.set('client', String(round));
        assert.equal(await client.get('client'), String(round));
        await client.publish('news', String(round));
        published++;
      }),
      trouble.load('pool', end, (round) => Promise.all(Array.from({ length: 10 }, (_, key) => pool.set(`pool${key}`, String(round))))),
      trouble.load('ioredis', end, async (round) => {
        await redis.set('ioredis', String(round));
        assert.equal(await redis.get('ioredis'), String(round));
      }),
    ]);
    await until('all news', () => received.every((count) => count === published));
    await assertAllNewest(emulator, provider, 14);
  };
  const close = () => {
    for (const each of [client, subscriber, pool]) each.destroy();
    for (const each of [redis, listener]) each.disconnect();
    provider.close();
  };
  return { run, close };
}

async function clustered(t, trouble) {
  const emulator = await startEmulator(t, LIFETIME, { clusterPolicy: 'oss', nodes: 3 });
  const provider = new Provider({ identity: 'managed_identity' });
  const tls = { ca: emulator.ca, ...servername('localhost') };
  const cluster = trouble.watch(
    'cluster',
    createCluster(
      clientOptions(
        {
          rootNodes: [{ socket: { host: 'localhost', port: emulator.port } }],
          defaults: { socket: { tls: true, ...tls } },
          nodeAddressMap: nodeAddressMap('localhost'),
        },
        provider,
        trouble.options('cluster'),
      ),
    ),
  );
  const options = { ...patient, natMap: natMap('localhost'), dnsLookup, redisOptions: { tls } };
  const ioCluster = new Cluster([{ host: 'localhost', port: emulator.port }], options);
  trouble.watch('ioredis cluster', attach(ioCluster, provider, trouble.options('ioredis cluster')));
  await cluster.connect();
  let received = 0;
  let published = 0;
  ioCluster.on('message', () => received++);
  await ioCluster.subscribe('news');
  const keys = Array.from({ length: 12 }, (_, key) => `key${key}`);
  const run = async (end) => {
    await Promise.all([
      trouble.load('cluster', end, (round) => Promise.all(keys.map((key) => cluster.set(key, String(round))))),
      trouble.load('ioredis cluster', end, async (round) => {
        await Promise.all(keys.map((key) => ioCluster.set(`io${key}`, String(round))));
        await ioCluster.publish('news', String(round));
        published++;
      }),
    ]);
    await until('all news', () => received === published);
    const { expired } = await connectionsOf(emulator, provider);
    assert.equal(expired, 0);
  };
  const close = () => {
    cluster.destroy();
    ioCluster.disconnect();
    provider.close();
  };
  return { run, close };
}

/** Two BullMQ queues on a real Redis, one on ioredis and one on node-redis, with workers that block while idle. */
async function queues(t, trouble) {
  const emulator = await startEmulator(t, LIFETIME, { proxy: await startRedisServer(t) });
  const provider = new Provider({ identity: 'managed_identity' });
  const tls = { ca: emulator.ca };
  const ioredis = attach(
    new Redis({ host: 'localhost', port: emulator.port, tls, maxRetriesPerRequest: null }),
    provider,
    trouble.options('bullmq'),
  );
  const socket = { host: 'localhost', port: emulator.port, tls: true, ca: emulator.ca };
  const nodeRedis = createClient(clientOptions({ socket }, provider, trouble.options('bullmq')));
  await nodeRedis.connect();
  const closing = [];
  const kinds = { ioredis, 'node-redis': nodeRedis };
  for (const [name, client] of Object.entries(kinds)) trouble.watch(`bullmq ${name}`, client);
  const made = Object.entries(kinds).map(([name, connection]) => {
    const done = new Set();
    const queue = trouble.watch(name, new Queue(name, { connection, skipVersionCheck: true }));
    // Blocked for a second at most: a connection re-authenticates between two blocking commands.
    const worker = new Worker(name, async (job) => job.data.round, { connection, drainDelay: 1, concurrency: 4 });
    const events = new QueueEvents(name, { connection, blockingTimeout: 1000 });
    trouble.watch(`${name} worker`, worker);
    trouble.watch(`${name} events`, events);
    events.on('completed', ({ jobId }) => done.add(jobId));
    worker.on('failed', (_job, error) => trouble.all.push(`${name} job: ${error.message}`));
    closing.push(worker, events, queue);
    return { name, queue, worker, events, done };
  });
  await Promise.all(made.flatMap(({ worker, events }) => [worker.waitUntilReady(), events.waitUntilReady()]));
  const run = async (end) => {
    await Promise.all(
      made.map(async ({ name, queue, done }) => {
        const added = new Set();
        await trouble.load(name, end, async (round) => {
          const job = await queue.add('job', { round });
          added.add(job.id);
          if (round % 100 === 99) await sleep(1500); // the worker runs dry and blocks
        });
        await until(`${name}: all jobs`, () => done.size >= added.size);
        assert.deepEqual([...added].filter((id) => !done.has(id)), []);
      }),
    );
    assert.equal((await connectionsOf(emulator, provider)).expired, 0);
  };
  const close = async () => {
    await Promise.all(closing.map((each) => each.close()));
    ioredis.disconnect();
    nodeRedis.destroy();
    provider.close();
  };
  return { run, close };
}

test('every client lives through five lifetimes of its token', { timeout: 110_000 }, async (t) => {
  const trouble = new Trouble();
  const scenes = [];
  for (const scene of [standalone, clustered, queues]) scenes.push(await scene(t, trouble)); // the environment is one
  try {
    const end = Date.now() + DURATION_MS;
    await Promise.all(scenes.map(({ run }) => run(end)));
    assert.deepEqual(trouble.all, []);
  } finally {
    await Promise.allSettled(scenes.map(({ close }) => close())); // where there was trouble, the trouble is what is to be seen
  }
});
