// What a provider tells about itself, and what it is told.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { EntrakeyError, METRICS_CONTENT_TYPE, Provider } from 'entrakey';
import { LIFETIME, startEmulator } from './emulator.mjs';
import { closedEndpoint, until } from './support.mjs';

const native = createRequire(import.meta.url)('../lib/native.cjs');
const managedIdentity = (more) => new Provider({ identity: 'managed_identity', ...more });

test('status() has the keys of the types, and tells a life', async (t) => {
  await startEmulator(t);
  const provider = managedIdentity({ name: 'cache' });
  const idle = provider.status();
  assert.deepEqual([idle.name, idle.state, idle.ready, idle.version, idle.lastError], ['cache', 'idle', false, 0, null]);
  await provider.ready();
  const { state, ready, version, validityLeftMs, counters, listeners } = provider.status();
  assert.deepEqual([state, ready, version, counters.fetches, counters.renewed], ['fresh', true, 1, 1, 1]);
  assert.ok(validityLeftMs > 3_500_000 && validityLeftMs <= 3_600_000);
  assert.deepEqual(listeners, { count: 0, connections: 0, stale: 0, oldestVersion: null });
  const keys = (value) =>
    Object.entries(value ?? {}).flatMap(([key, inner]) => [key, ...(typeof inner === 'object' ? keys(inner) : [])]);
  assert.deepEqual(keys(provider.status()).filter((key) => /_/.test(key)), []);
  assert.ok(!JSON.stringify(provider.status()).includes(provider.current().username));
  provider.close();
  assert.equal(provider.status().state, 'closed');
});

test('a failure is an event, a status, a metric, and names its reason', async (t) => {
  const provider = managedIdentity({ imdsEndpoint: await closedEndpoint(), name: 'down', getTokenTimeoutMs: 1000 });
  t.after(() => provider.close());
  const [event] = await Promise.all([
    once(provider, 'refresh_failed'),
    assert.rejects(provider.ready(), { code: 'NETWORK' }),
  ]).then(([events]) => events);
  assert.ok(event.error instanceof EntrakeyError && event.error.code === 'NETWORK' && Object.isFrozen(event));
  assert.deepEqual([event.name, event.level, event.attempt, 'version' in event], ['refresh_failed', 'warn', 1, false]);
  assert.ok(event.nextAttemptInMs > 0);
  const { state, lastError, counters } = provider.status();
  assert.deepEqual([state, lastError.kind, counters.failures.NETWORK >= 1], ['failing', 'NETWORK', true]);
  assert.match(provider.metrics(), /entrakey_token_refreshes_total\{[^}]*error_type="NETWORK"[^}]*\} [1-9]/);
  const other = managedIdentity({ name: 'other' });
  t.after(() => other.close());
  const text = Provider.metricsOf([provider, other]);
  assert.ok(text.includes('provider="down"') && text.includes('provider="other"') && text.endsWith('# EOF\n'));
  assert.equal(METRICS_CONTENT_TYPE, native.metricsContentType());
});

test('events come in order until off(), and a listener that throws harms nobody', async (t) => {
  await startEmulator(t, LIFETIME);
  const provider = managedIdentity();
  const seen = [];
  const warnings = [];
  const warned = (warning) => warnings.push(warning.code);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  provider.on('token_refreshed', () => { throw new Error('a broken listener'); });
  const listener = ({ version }) => seen.push(version);
  provider.on('token_refreshed', listener).once('token_refreshed', (event) => seen.push(event.name));
  await provider.ready();
  await until('two rotations', () => seen.length >= 4);
  assert.deepEqual(seen.slice(0, 4), [1, 'token_refreshed', 2, 3]);
  assert.ok(warnings.includes('ENTRAKEY_LISTENER_FAILED'));
  provider.off('token_refreshed', listener);
  const { version } = provider;
  let closed; // events hold no process, and a promise of events.once() would not either
  provider.once('closed', (event) => (closed = event));
  await until('another rotation', () => provider.version > version);
  assert.ok(!seen.includes(version + 1));
  provider.close();
  await until('the last event', () => closed?.name === 'closed');
  assert.throws(() => provider.on('closed'), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => managedIdentity().reportRejected('1', 2), { code: 'INVALID_ARGUMENT' });
});

test('a rejection is explained, and another token is asked for once', async (t) => {
  const emulator = await startEmulator(t);
  const provider = managedIdentity({ minRequestIntervalMs: 300 });
  t.after(() => provider.close());
  const first = await provider.getToken();
  const { reason, explanation } = provider.reportRejected(1, 'WRONGPASS invalid username-password pair');
  assert.equal(reason, 'no_access_policy');
  assert.ok(explanation.includes(first.username) && !explanation.includes(first.secret));
  await until('the forced request', () => provider.version === 2);
  // What is in JavaScript is replaced as soon as there is something newer.
  await until('the newer token', async () => (await provider.getToken()).version === 2);
  assert.equal(provider.reportRejected(1, 'WRONGPASS').reason, 'stale_token');
  assert.equal(provider.status().counters.authRejections.no_access_policy, 1);
  assert.equal(await emulator.tokenRequests(), 2);
  provider.refresh();
  provider.close();
  assert.throws(() => provider.refresh(), { code: 'CLOSED' });
  assert.throws(() => provider.reportRejected(1, 'x'), { code: 'CLOSED' });
});

test('acknowledgements say who is on which token', async (t) => {
  await startEmulator(t, LIFETIME);
  const provider = managedIdentity({ reauthSpread: 0 });
  t.after(() => provider.close());
  let settle;
  const subscription = provider.subscribe((token) => {
    subscription.ack(token.version, true);
    return new Promise((resolve) => (settle = resolve));
  });
  await provider.ready();
  await until('an acknowledged rotation', () => provider.status().counters.reauthsAccepted >= 1);
  assert.ok(provider.status().listeners.oldestVersion >= 2);
  assert.throws(() => subscription.ack('2'), { code: 'INVALID_ARGUMENT' });
  assert.equal(await subscription.unsubscribe({ timeoutMs: 50 }), false, 'the listener is still at work');
  settle();
  assert.equal(await subscription.unsubscribe(), true);
  assert.equal(provider.status().listeners.count, 0);
});
