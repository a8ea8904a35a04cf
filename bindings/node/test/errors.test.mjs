import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { EntrakeyError, Provider } from 'entrakey';
import { startEmulator } from './emulator.mjs';
import { closedEndpoint, silentEndpoint } from './support.mjs';

const SECRET = 'hunter2-is-a-wrong-secret';

/** The error of a call; it must be ours and hold no secret. */
async function failure(call) {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof EntrakeyError && error instanceof Error, inspect(error));
    assert.equal(error.name, 'EntrakeyError');
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(SECRET));
    return error;
  }
  assert.fail('no error');
}

const managedIdentity = (more) => new Provider({ identity: 'managed_identity', ...more });

test('an unknown key is named with the nearest one, spelled as here', async () => {
  const error = await failure(() => managedIdentity({ clientid: 'x' }));
  assert.deepEqual([error.code, error.retriable], ['INVALID_CONFIG', false]);
  assert.match(error.message, /"clientid".*"clientId"/);
  assert.match((await failure(() => managedIdentity({ clientSecrets: SECRET }))).message, /"clientSecrets".*"clientSecret"/);
});

test('a missing key is named with its variables', async () => {
  const none = await failure(() => new Provider({ identity: 'workload_identity' }));
  assert.equal(none.code, 'INVALID_CONFIG');
  assert.match(none.message, /"tenantId".*ENTRAKEY_TENANT_ID.*AZURE_TENANT_ID/);
  const ids = { tenantId: 'contoso', clientId: 'app' };
  const secret = await failure(() => new Provider({ identity: 'service_principal', ...ids }));
  assert.equal(secret.code, 'INVALID_CONFIG');
  assert.match(secret.message, /"clientSecret".*AZURE_CLIENT_SECRET/);
});

test('values of a wrong type are refused and not repeated', async () => {
  for (const [options, key] of [
    [{ requestTimeoutMs: SECRET }, 'requestTimeoutMs'],
    [{ requestTimeoutMs: 1.5 }, 'requestTimeoutMs'],
    [{ refreshRatio: 2 }, 'refreshRatio'],
    [{ clientSecret: { value: SECRET } }, 'clientSecret'],
    [{ clientSecret: null }, 'clientSecret'],
    [{ clientSecret: `${SECRET}\n` }, 'clientSecret'],
  ]) {
    const error = await failure(() => managedIdentity(options));
    assert.equal(error.code, 'INVALID_CONFIG');
    assert.ok(error.message.includes(`"${key}"`), error.message);
  }
  managedIdentity({ clientId: undefined, requestTimeoutMs: 2000, refreshRatio: 0.5 }).close();
});

test('arguments that make no sense are refused', async () => {
  const provider = managedIdentity({ imdsEndpoint: await closedEndpoint() });
  for (const call of [
    () => new Provider('managed_identity'),
    () => new Provider({ tokenCallback: 'a token' }),
    () => provider.getToken({ timeoutMs: -1 }),
    () => provider.getToken({ timeoutMs: '5' }),
    () => provider.getToken({ timeoutMs: NaN }),
    () => provider.subscribe(),
  ]) {
    assert.equal((await failure(call)).code, 'INVALID_ARGUMENT');
  }
  provider.close();
});

test('a wrong secret is refused at once, with number, remedy and correlation id', async (t) => {
  await startEmulator(t);
  const provider = new Provider({ identity: 'service_principal', clientSecret: SECRET });
  t.after(() => provider.close());
  const started = performance.now();
  const error = await failure(() => provider.getToken());
  assert.deepEqual([error.code, error.aadsts, error.httpStatus, error.retriable], ['AUTH_REJECTED', 7000215, 401, false]);
  assert.match(error.message, /check clientSecret/);
  assert.ok(error.correlationId && error.message.includes(error.correlationId));
  assert.ok(performance.now() - started < 10_000);
});

test('a token without the claim says what to set', async (t) => {
  const { environment } = await startEmulator(t);
  const clientId = environment.ENTRAKEY_EMULATOR_WITHOUT_OID_CLIENT_ID;
  const without = managedIdentity({ clientId });
  const named = managedIdentity({ clientId, username: 'me' });
  t.after(() => [without, named].forEach((provider) => provider.close()));
  const error = await failure(() => without.getToken());
  assert.equal(error.code, 'USERNAME_UNAVAILABLE');
  assert.match(error.message, /"oid".*username/);
  assert.equal((await named.getToken()).username, 'me');
});

test('an unreachable endpoint is an error within the deadline, and at once with wait: false', async (t) => {
  const provider = managedIdentity({ imdsEndpoint: await closedEndpoint(), getTokenTimeoutMs: 2000 });
  t.after(() => provider.close());
  let started = performance.now();
  const error = await failure(() => provider.getToken());
  assert.deepEqual([error.code, error.retriable], ['NETWORK', true]);
  assert.match(error.message, /managed identity/);
  assert.ok(performance.now() - started < 20_000);
  started = performance.now();
  assert.equal((await failure(() => provider.getToken({ wait: false, timeoutMs: 60_000 }))).code, 'NETWORK');
  assert.ok(performance.now() - started < 20_000);
});

test('a source that never answers is a time-out', async (t) => {
  const provider = managedIdentity({ imdsEndpoint: await silentEndpoint(t) });
  t.after(() => provider.close());
  const started = performance.now();
  assert.equal((await failure(() => provider.getToken({ timeoutMs: 500 }))).code, 'TIMEOUT');
  assert.ok(performance.now() - started < 20_000, 'the time of a provider is 30 s');
});

test('calls that wait at the same time keep a deadline of their own', async (t) => {
  const provider = managedIdentity({ imdsEndpoint: await silentEndpoint(t) });
  t.after(() => provider.close());
  const ask = async () => {
    const started = performance.now();
    assert.equal((await failure(() => provider.getToken({ timeoutMs: 2000 }))).code, 'TIMEOUT');
    return performance.now() - started;
  };
  const first = ask();
  await sleep(1500);
  const second = ask();
  for (const waited of await Promise.all([first, second])) assert.ok(waited > 1990 && waited < 15_000, `${waited} ms`);
});

test('close ends a call that waits', async (t) => {
  const provider = managedIdentity({ imdsEndpoint: await silentEndpoint(t) });
  const waiting = failure(() => provider.getToken());
  setTimeout(() => provider.close(), 200);
  const started = performance.now();
  assert.equal((await waiting).code, 'CLOSED');
  assert.ok(performance.now() - started < 20_000);
});
