import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Provider } from 'entrakey';
import { credentialsProvider } from 'entrakey/node-redis';
import { createClient } from 'redis';
import { startEmulator } from './emulator.mjs';
import { closedEndpoint } from './support.mjs';

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
    const { connections, auths } = await emulator.redis(provider.current().username);
    client.destroy();
    assert.deepEqual(failed, []);
    assert.equal(connections, 1);
    assert.ok(auths >= 3, `${auths} AUTHs`);
  });
}

test('each subscriber is told of each token, and one that throws harms nobody', async (t) => {
  await startEmulator(t, '3s');
  const provider = new Provider({ identity: 'managed_identity' });
  t.after(() => provider.close());
  const live = credentialsProvider(provider);
  assert.equal(live.type, 'streaming-credentials-provider');
  const told = [[], []];
  let inside = true;
  const subscriptions = await Promise.all([
    ...told.map((news) =>
      live.subscribe({
        onNext: (credentials) => {
          assert.ok(!inside);
          news.push(credentials);
        },
        onError() {},
      }),
    ),
    live.subscribe({
      onNext() {
        throw new Error('a broken listener');
      },
      onError() {},
    }),
  ]);
  inside = false;
  const [{ username, password }, disposable] = subscriptions[0];
  const token = provider.current();
  assert.deepEqual([username, password], [token.username, token.secret]);
  while (told[0].length < 2 || told[1].length < 2) await sleep(20);
  assert.equal(new Set([password, ...told[0].map((credentials) => credentials.password)]).size, told[0].length + 1);
  disposable.dispose();
  disposable.dispose();
  const [before, others] = told.map((news) => news.length);
  while (told[1].length === others) await sleep(20);
  assert.equal(told[0].length, before);
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
