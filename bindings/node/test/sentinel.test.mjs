// Sentinels name a Redis; the gate in front of it wants tokens. Theirs are plain connections on this machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Provider } from 'entrakey';
import { attach } from 'entrakey/ioredis';
import { clientOptions } from 'entrakey/node-redis';
import { Redis } from 'ioredis';
import { createSentinel } from 'redis';
import { LIFETIME, startEmulator } from './emulator.mjs';
import { startRedisServer, startSentinel } from './redis-server.mjs';

test('node-redis and ioredis find their Redis through a sentinel', async (t) => {
  const server = await startRedisServer(t);
  const emulator = await startEmulator(t, LIFETIME, { proxy: server });
  const sentinel = { host: '127.0.0.1', port: await startSentinel(t, server) };
  const provider = new Provider({ identity: 'managed_identity', reauthSpread: 0 });
  t.after(() => provider.close());
  const failed = [];
  const how = { onReAuthenticationError: (error) => failed.push(error) };
  const gate = { [`127.0.0.1:${new URL(server).port}`]: { host: 'localhost', port: emulator.port } };

  const options = {
    name: 'mymaster',
    sentinelRootNodes: [sentinel],
    nodeAddressMap: gate,
    nodeClientOptions: { socket: { tls: true, ca: emulator.ca } },
  };
  const client = createSentinel(clientOptions(options, provider, how));
  client.on('error', (error) => failed.push(error));
  await client.connect();
  emulator.closeFirst(client);

  const tls = { ca: emulator.ca, servername: 'localhost' };
  const found = { sentinels: [sentinel], name: 'mymaster', natMap: gate, tls, enableTLSForSentinelMode: true };
  const redis = attach(new Redis(found), provider, how);
  redis.on('error', (error) => failed.push(error));
  t.after(() => redis.disconnect());

  for (let round = 0; provider.version < 4; round++) {
    await client.set('sentinel', String(round));
    assert.equal(await redis.get('sentinel'), String(round));
    await sleep(20);
  }
  assert.deepEqual(failed, []);
  assert.equal((await emulator.connections(provider.current().username)).expired, 0);
});
