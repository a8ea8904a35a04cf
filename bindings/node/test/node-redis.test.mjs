import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Provider } from 'entrakey';
import { credentialsProvider } from 'entrakey/node-redis';
import { createClient } from 'redis';
import { startEmulator } from './emulator.mjs';
import { closedEndpoint, until } from './support.mjs';

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

const nobody = { onNext() {}, onError() {} };

for (const RESP of [2, 3]) {
  test(`one connection lives through rotations (RESP${RESP})`, async (t) => {
    const emulator = await startEmulator(t, '4s');
    const provider = new Provider({ identity: 'managed_identity' });
    t.after(() => provider.close());
    const failed = [];
    const onReAuthenticationError = (error) => failed.push(error);
    const live = credentialsProvider(provider, { onReAuthenticationError });
    const client = await connectTo(emulator.environment, { RESP, credentialsProvider: live });
    client.on('error', (error) => failed.push(error));
    const end = Date.now() + 10_000;
    for (let round = 0; Date.now() < end; round++) {
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
  await startEmulator(t, '3s');
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
  assert.ok(performance.now() - started < 2000, 'an outage that is known is not waited for');
  provider.close();
  await assert.rejects(live.subscribe(nobody), { code: 'CLOSED' });
});

test('only a provider will do', () => {
  assert.throws(() => credentialsProvider({}), { code: 'INVALID_ARGUMENT' });
});
