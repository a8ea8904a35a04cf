// A server that does not take the token: what node-redis's users see of it, in the words of the server and the client.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Provider } from 'entrakey';
import { attach, servername } from 'entrakey/ioredis';
import { clientOptions, credentialsProvider, nodeAddressMap } from 'entrakey/node-redis';
import { DEFAULT_TOKEN_MANAGER_CONFIG, EntraIdCredentialsProviderFactory } from 'entrakey/redis-entraid';
import * as ioredis from 'ioredis';
import * as redis6 from 'redis';
import * as redis5 from 'redis-5';
import { startEmulator } from './emulator.mjs';
import { until } from './support.mjs';

const ONE_TOKEN_MS = 120_000;
const EXPLAINED = /WRONGPASS[^]*access policy/;

/**
 * An emulator, and a provider whose next token may be asked for soon after the last. Where a client tries twice it may not: a token
 * that is refused once there is a newer one is explained by that.
 */
async function started(t, options, minRequestIntervalMs = 300) {
  const emulator = await startEmulator(t, '1h', options);
  const provider = new Provider({ identity: 'managed_identity', minRequestIntervalMs, reauthSpread: 0 });
  t.after(() => provider.close());
  const refuse = (times) => emulator.control('POST', '/emulator/redis/faults', [{ on: 'auth', refuse: true, times }]);
  const refusals = () => Object.values(provider.status().counters.authRejections).reduce((sum, count) => sum + count, 0);
  const socket = { host: 'localhost', port: emulator.port, tls: true, ca: emulator.ca };
  return { emulator, provider, refuse, refusals, socket };
}

/** The messages of a client's errors, as a listener sees them that prints them then and there. */
function messagesOf(client) {
  const messages = [];
  client.on('error', ({ message }) => messages.push(message));
  return messages;
}

const assertExplained = (messages, count) => {
  assert.equal(messages.length, count, messages.join('\n'));
  for (const message of messages) assert.match(message, EXPLAINED);
};

for (const [version, redis] of Object.entries({ 6: redis6, 5: redis5 })) {
  const { createClient, createClientPool, createCluster } = redis;
  for (const RESP of [2, 3]) {
    test(`node-redis ${version}, RESP${RESP}: a connect that was refused is explained, counted, and another token is asked for`, async (t) => {
      const { emulator, provider, refuse, refusals, socket } = await started(t);
      await refuse(1);
      const client = createClient(clientOptions({ socket: { ...socket }, RESP }, provider));
      const messages = messagesOf(client);
      await client.connect();
      emulator.closeFirst(client);
      assertExplained(messages, 1);
      assert.equal(refusals(), 1);
      await until('another token', async () => (await emulator.tokenRequests()) === 2);
    });

    test(`node-redis ${version}, RESP${RESP}: so is one that is not tried again, and the strategy of the host is asked`, async (t) => {
      const { provider, refuse, refusals, socket } = await started(t, {}, ONE_TOKEN_MS);
      const asked = [];
      const strategies = [false, (retries, cause) => (asked.push([retries, cause.message]), new Error('enough'))];
      for (const reconnectStrategy of strategies) {
        await refuse(1);
        const client = createClient(clientOptions({ socket: { ...socket, reconnectStrategy }, RESP }, provider));
        const messages = messagesOf(client);
        const error = await client.connect().catch((error) => error);
        assert.match((error.originalError ?? error.socketError ?? error).message, reconnectStrategy ? /enough|WRONGPASS/ : EXPLAINED);
        assertExplained(messages, 1);
      }
      assert.equal(refusals(), 2);
      assert.equal(asked.length, 1);
      assert.match(asked[0][1], EXPLAINED);
    });

    test(`node-redis ${version}, RESP${RESP}: a refused re-authentication is explained and counted once`, async (t) => {
      const { emulator, provider, refuse, refusals, socket } = await started(t);
      const told = [];
      const onReAuthenticationError = (error) => told.push(error);
      const client = createClient(clientOptions({ socket, RESP }, provider, { onReAuthenticationError }));
      const messages = messagesOf(client);
      await client.connect();
      emulator.closeFirst(client);
      await refuse(1);
      provider.refresh();
      await until('the refusal', () => told.length > 0);
      assert.match(told[0].message, /^Re-authentication with latest credentials failed: WRONGPASS[^]*access policy/);
      assert.match(told[0].stack, EXPLAINED, 'prints show the stack');
      assert.equal(refusals(), 1);
      await until('another token', async () => (await emulator.tokenRequests()) === 3);
      assert.deepEqual([told.length, messages], [1, []]);
    });
  }

  test(`node-redis ${version}: in a pool`, async (t) => {
    const { provider, refuse, refusals, socket } = await started(t, {}, ONE_TOKEN_MS);
    await refuse(2);
    const pool = createClientPool(clientOptions({ socket, RESP: 3 }, provider), { minimum: 1, maximum: 1 });
    const messages = messagesOf(pool);
    await pool.connect();
    assert.equal(await pool.ping(), 'PONG');
    pool.destroy();
    assertExplained(messages, 2);
    assert.equal(refusals(), 2);
  });

  test(`node-redis ${version}: in a cluster, whose first connect is not tried again`, async (t) => {
    const { emulator, provider, refuse, refusals, socket } = await started(t, { clusterPolicy: 'oss', nodes: 3 });
    const options = {
      rootNodes: [{ socket: { host: 'localhost', port: emulator.port } }],
      defaults: { socket },
      nodeAddressMap: nodeAddressMap('localhost'),
      RESP: 3,
    };
    await refuse(1);
    const cluster = createCluster(clientOptions(options, provider));
    const errors = [];
    cluster.on('error', (error) => errors.push(error));
    await assert.rejects(cluster.connect());
    assert.ok(errors.some(({ message }) => EXPLAINED.test(message)), errors.map(String).join('\n'));
    assert.equal(refusals(), 1);
    // Else the one that is asked for now may come later: an AUTH with it would be the next to be refused.
    await until('another token', () => provider.version === 2);
    const again = createCluster(clientOptions(options, provider));
    again.on('error', () => {});
    await again.connect();
    emulator.closeFirst(again);
    const nodeErrors = [];
    again.on('node-error', ({ message }) => nodeErrors.push(message));
    await refuse(1);
    await emulator.control('POST', '/emulator/redis/drop', {}); // the nodes connect anew
    await until('the refusal', () => refusals() === 2);
    await until('the error', () => nodeErrors.some((message) => EXPLAINED.test(message)));
  });

  test(`node-redis ${version}: a bare credentials provider, also the drop-in's, learns why a connect failed`, async (t) => {
    const { provider, refuse, refusals, socket } = await started(t);
    await provider.ready();
    const dropIn = EntraIdCredentialsProviderFactory.createForSystemAssignedManagedIdentity({
      clientId: 'x',
      tokenManagerConfig: DEFAULT_TOKEN_MANAGER_CONFIG,
    });
    for (const credentials of [credentialsProvider(provider), dropIn]) {
      await refuse(1);
      const once = { ...socket, reconnectStrategy: false };
      const client = createClient({ socket: once, RESP: 3, credentialsProvider: credentials });
      client.on('error', () => {});
      await assert.rejects(client.connect(), { message: EXPLAINED });
    }
    assert.equal(refusals(), 1);
  });
}

test('node-redis 6: a bare credentials provider learns of each try, also when the client connects anew', async (t) => {
  const { emulator, provider, refuse, refusals, socket } = await started(t, {}, ONE_TOKEN_MS);
  await refuse(2);
  const client = redis6.createClient({ socket, credentialsProvider: credentialsProvider(provider) });
  const messages = messagesOf(client);
  await client.connect();
  emulator.closeFirst(client);
  assertExplained(messages, 2);
  await refuse(1);
  const ready = new Promise((resolve) => client.once('ready', resolve));
  await emulator.control('POST', '/emulator/redis/drop', {});
  await ready;
  assert.equal(refusals(), 3);
});

test('two providers: each is told of its own refusals only', async (t) => {
  const { emulator, provider, refuse, refusals, socket } = await started(t);
  const other = new Provider({ identity: 'managed_identity', clientId: emulator.environment.ENTRAKEY_EMULATOR_USER_CLIENT_ID });
  t.after(() => other.close());
  for (const one of [other, provider]) {
    const client = redis6.createClient({ socket: { ...socket }, credentialsProvider: credentialsProvider(one) });
    client.on('error', () => {});
    if (one === provider) await refuse(1);
    await client.connect();
    emulator.closeFirst(client);
  }
  assert.equal(refusals(), 1);
  assert.deepEqual(other.status().counters.authRejections, {});
});

test('ioredis 6: the warning of a refused re-authentication has the explanation', async (t) => {
  const { emulator, provider, refuse } = await started(t);
  const tls = { ca: emulator.ca, ...servername('localhost') };
  const client = attach(new ioredis.Redis({ host: '127.0.0.1', port: emulator.port, tls }), provider);
  t.after(() => client.disconnect());
  await client.ping();
  await refuse(1);
  const warned = once(process, 'warning', { signal: AbortSignal.timeout(20_000) });
  provider.refresh();
  const [{ code, message }] = await warned;
  assert.equal(code, 'ENTRAKEY_REAUTHENTICATION_FAILED');
  assert.match(message, EXPLAINED);
});
