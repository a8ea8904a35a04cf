// Stock node-redis and ioredis in a cluster: keys in every stretch of slots on every node.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCluster } from '@redis/client';
import { EntraIdCredentialsProviderFactory } from '@redis/entraid';
import { ManagedIdentityApplication } from '@azure/msal-node';
import calculateSlot from 'cluster-key-slot';
import { Emulator } from 'entrakey/emulator';
import { Cluster } from 'ioredis';
import { IDENTITIES, redisOptions, RESOURCE, TOKEN_MANAGER_CONFIG } from './support.mjs';

const NODES = 3;
const SLOTS = 16384;
const SLOTS_PER_KEY = 32;
const ENOUGH_AUTHS = 5; // of each connection: the first and four more
const LIMIT_MS = 60_000; // 13 s on an idle machine

/** A key in every 32 slots, and one in the first and in the last. */
function spread() {
  const found = new Map();
  for (let index = 0; found.size < SLOTS / SLOTS_PER_KEY + 2; index++) {
    const key = `peers:cluster:${index}`;
    const slot = calculateSlot(key);
    const stretch = Math.floor(slot / SLOTS_PER_KEY);
    if (!found.has(stretch)) found.set(stretch, key);
    if (slot === 0 || slot === SLOTS - 1) found.set(`slot ${slot}`, key);
  }
  return [...found.values()];
}
const KEYS = spread();

const oss = { clusterPolicy: 'oss', nodes: NODES };
const emulator = await Emulator.start({ ...oss, tokenLifetime: '6s', identities: IDENTITIES });
after(() => emulator.stop());
await emulator.use('imds');
const environment = emulator.environment;
const { host, port, ca, servername } = redisOptions(environment).socket;

/** The nodes announce addresses that nobody reaches; their ports are right. */
const toLocalhost = (address) => ({ host: 'localhost', port: Number(address.split(':').at(-1)) });

async function tokenOf(userAssignedObjectId) {
  const app = new ManagedIdentityApplication({ managedIdentityIdParams: { userAssignedObjectId } });
  return (await app.acquireToken({ resource: RESOURCE })).accessToken;
}

const counts = (name) => emulator.connections(environment[`ENTRAKEY_EMULATOR_${name}_OBJECT_ID`]);

test('node-redis reads and writes across all slots, and outlives its tokens', async (t) => {
  const failed = [];
  const credentialsProvider = EntraIdCredentialsProviderFactory.createForSystemAssignedManagedIdentity({
    clientId: '',
    tokenManagerConfig: TOKEN_MANAGER_CONFIG,
    onReAuthenticationError: (error) => failed.push(error),
  });
  const cluster = createCluster({
    rootNodes: [{ socket: { host, port } }],
    defaults: { credentialsProvider, socket: { tls: true, ca, servername } },
    nodeAddressMap: toLocalhost,
  });
  cluster.on('error', (error) => failed.push(error));
  await cluster.connect();
  t.after(() => cluster.destroy());
  const write = () => Promise.all(KEYS.map((key) => cluster.set(key, `of ${key}`)));
  const read = () => Promise.all(KEYS.map((key) => cluster.get(key)));
  const written = KEYS.map((key) => `of ${key}`);

  assert.equal(cluster.masters.length, NODES);
  await write();
  assert.deepEqual(await read(), written);
  const sizes = await Promise.all(cluster.masters.map(async (node) => (await cluster.nodeClient(node)).dbSize()));
  assert.ok(Math.min(...sizes) > KEYS.length / (2 * NODES), `keys by node: ${sizes}`);

  const some = KEYS.filter((_, index) => index % 32 === 0);
  const settled = await counts('SYSTEM');
  const end = performance.now() + LIMIT_MS;
  let now = settled;
  while (now.auths < settled.auths + NODES * (ENOUGH_AUTHS - 1)) {
    assert.ok(performance.now() < end, `too few AUTHs in time: ${now.auths}`);
    for (const key of some) {
      await cluster.set(key, `of ${key}`);
      assert.equal(await cluster.get(key), `of ${key}`);
    }
    await sleep(20);
    now = await counts('SYSTEM');
  }
  assert.deepEqual([now.connections, now.expired], [settled.connections, 0]);
  assert.deepEqual(failed, []);
});

test('ioredis reads and writes across all slots', async (t) => {
  const userAssignedObjectId = environment.ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID;
  const password = await tokenOf(userAssignedObjectId);
  const cluster = new Cluster([{ host, port }], {
    natMap: (address) => toLocalhost(address),
    redisOptions: { username: userAssignedObjectId, password, tls: { ca, servername } },
  });
  t.after(() => cluster.disconnect());
  await Promise.all(KEYS.map((key) => cluster.set(key, `of ${key}`)));
  assert.deepEqual(await Promise.all(KEYS.map((key) => cluster.get(key))), KEYS.map((key) => `of ${key}`));
  assert.equal(cluster.nodes('master').length, NODES);
  const seen = await counts('USER_ASSIGNED');
  assert.ok(seen.commands >= 2 * KEYS.length, `${seen.commands} commands`);
});

test('without a map of addresses the nodes cannot be had', async () => {
  const username = environment.ENTRAKEY_EMULATOR_SECOND_USER_ASSIGNED_OBJECT_ID;
  const cluster = createCluster({
    rootNodes: [{ socket: { host, port } }],
    // Without a servername each node's certificate is compared with what the node calls itself.
    defaults: { username, password: await tokenOf(username), socket: { tls: true, ca, reconnectStrategy: false } },
  });
  cluster.on('error', () => {});
  await assert.rejects(cluster.connect(), /root nodes are unavailable/);
  const { connections, commands } = await counts('SECOND_USER_ASSIGNED');
  assert.ok(connections > 0 && commands > 0, 'the first node was there, and said where the others are');
});
