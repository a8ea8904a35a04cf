import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Provider, Token, VERSION } from 'entrakey';
import { LIFETIME, startEmulator } from './emulator.mjs';
import { claims, until } from './support.mjs';

test('a managed identity gets a token once', async (t) => {
  const emulator = await startEmulator(t);
  const provider = new Provider({ identity: 'managed_identity' });
  t.after(() => provider.close());
  assert.equal(provider.current(), undefined);
  assert.equal(provider.version, 0);
  const token = await provider.getToken();
  assert.ok(token instanceof Token && Object.isFrozen(token));
  assert.equal(token.username, claims(token).oid);
  assert.equal(token.username, emulator.environment.ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID);
  assert.ok(Math.abs(token.expiresOn.getTime() - claims(token).exp * 1000) < 3000);
  assert.ok(token.refreshOn < token.expiresOn);
  assert.deepEqual([token.version, provider.version], [1, 1]);
  for (let call = 0; call < 100; call++) assert.equal(await provider.getToken(), token);
  assert.equal(provider.current(), token);
  assert.equal(await emulator.tokenRequests(), 1);
});

for (const key of ['clientId', 'objectId', 'resourceId']) {
  test(`a user-assigned identity by its ${key}`, async (t) => {
    const { environment } = await startEmulator(t);
    const variable = `ENTRAKEY_EMULATOR_USER_ASSIGNED_${key.replace('Id', '_ID').toUpperCase()}`;
    const provider = new Provider({ identity: 'managed_identity', [key]: environment[variable] });
    t.after(() => provider.close());
    assert.equal((await provider.getToken()).username, environment.ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID);
  });
}

test('a service principal gets a token over TLS', async (t) => {
  const { environment } = await startEmulator(t);
  const provider = new Provider({ identity: 'service_principal' }); // the rest is in the environment
  t.after(() => provider.close());
  const token = await provider.getToken();
  assert.equal(claims(token).tid, environment.AZURE_TENANT_ID);
  assert.equal(token.username, environment.ENTRAKEY_EMULATOR_SERVICE_PRINCIPAL_OBJECT_ID);
});

test('a hundred callers of an empty cache cause one request', async (t) => {
  const emulator = await startEmulator(t);
  const provider = new Provider({ identity: 'managed_identity' });
  t.after(() => provider.close());
  const tokens = await Promise.all(Array.from({ length: 100 }, () => provider.getToken()));
  assert.equal(new Set(tokens).size, 1);
  assert.equal(await emulator.tokenRequests(), 1);
});

test('no way of printing a token or a provider shows the secret', async (t) => {
  await startEmulator(t);
  const provider = new Provider({ identity: 'service_principal' });
  t.after(() => provider.close());
  const token = await provider.getToken();
  const hidden = [token.secret, token.secret.split('.')[1], process.env.AZURE_CLIENT_SECRET];
  const prints = [token, provider, { token }, [provider]].flatMap((value) => [
    inspect(value),
    inspect(value, { depth: 9, showHidden: true }),
    inspect(value, { customInspect: false, showHidden: true }),
    JSON.stringify(value),
    String(value),
    JSON.stringify(structuredClone({ ...value })),
  ]);
  for (const print of prints) {
    for (const secret of hidden) assert.ok(!print.includes(secret), print);
  }
  assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(token))), ['username', 'expiresOn', 'refreshOn', 'version']);
  token.expiresOn.setTime(0);
  assert.ok(token.expiresOn.getTime() > Date.now(), 'a caller cannot change a token');
});

test('tokens are replaced in time, and listeners told once of each', async (t) => {
  await startEmulator(t, LIFETIME);
  const warnings = [];
  const onWarning = (warning) => warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  const provider = new Provider({ identity: 'managed_identity' });
  t.after(() => provider.close());
  const told = [];
  const rejected = provider.subscribe(() => Promise.reject(new Error('rejected')));
  const thrown = provider.subscribe(() => {
    throw new Error('thrown');
  });
  const good = provider.subscribe((token) => told.push(token));
  await provider.getToken();
  const said = (text) => warnings.some((warning) => warning.message.includes(text));
  for (const end = Date.now() + 60_000; !(told.length >= 2 && said('thrown') && said('rejected')); await sleep(10)) {
    assert.ok(Date.now() < end, `told of ${told.map((token) => token.version)}; ${warnings}`);
    const asked = Date.now();
    assert.ok((await provider.getToken()).expiresOn.getTime() > asked);
  }
  const versions = told.map((token) => token.version);
  assert.deepEqual(versions, [...new Set(versions)].sort((a, b) => a - b));
  good.unsubscribe();
  good.unsubscribe();
  thrown.unsubscribe();
  rejected.unsubscribe();
  const before = told.length;
  const { version } = provider;
  await until('two more tokens', () => provider.version >= version + 2);
  assert.equal(told.length, before, 'nothing is told after unsubscribe()');
});

test('close is final', async (t) => {
  await startEmulator(t);
  const provider = new Provider({ identity: 'managed_identity' });
  await provider.getToken();
  await provider[Symbol.asyncDispose]();
  provider[Symbol.dispose]();
  assert.equal(provider.current(), undefined);
  await assert.rejects(provider.getToken(), { name: 'EntrakeyError', code: 'CLOSED', retriable: false });
  assert.throws(() => provider.subscribe(() => {}), { code: 'CLOSED' });
});

test('the package and its native half have one version', () => {
  assert.equal(VERSION, createRequire(import.meta.url)('../package.json').version);
});
