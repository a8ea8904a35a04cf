import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { format, inspect } from 'node:util';
import * as theirs from '@redis/entraid';
import * as ours from 'entrakey/redis-entraid';
import { createClient } from 'redis';
import { LIFETIME, startEmulator } from './emulator.mjs';
import { closedEndpoint, until } from './support.mjs';

const require = createRequire(import.meta.url);
const { EntraIdCredentialsProviderFactory: Factory, DEFAULT_TOKEN_MANAGER_CONFIG, REDIS_SCOPE_DEFAULT } = ours;
const tokenManagerConfig = DEFAULT_TOKEN_MANAGER_CONFIG;
const nobody = { onNext() {}, onError() {} };

/** The names that a declaration file exports. */
const declared = (text) => [...text.matchAll(/^export (?:declare )?(?:type|interface|class|const|function) (\w+)/gm)].map(([, name]) => name);

test('every public name of @redis/entraid is there', () => {
  const names = Object.keys(theirs).filter((name) => name !== 'default' && name !== '__esModule' && name !== 'module.exports');
  assert.ok(names.length >= 12, String(names));
  for (const name of names) {
    assert.equal(typeof ours[name], typeof theirs[name], name);
    if (typeof theirs[name] === 'string') assert.equal(ours[name], theirs[name]);
  }
  const statics = (value) => Object.getOwnPropertyNames(value).filter((name) => typeof value[name] === 'function');
  assert.deepEqual(statics(ours.EntraIdCredentialsProviderFactory).sort(), statics(theirs.EntraIdCredentialsProviderFactory).sort());
  const members = ({ prototype }) => Object.getOwnPropertyNames(prototype).sort();
  for (const name of ['EntraidCredentialsProvider', 'MSALIdentityProvider']) {
    assert.deepEqual(members(ours[name]), members(theirs[name]), name);
  }
  const theirFolder = path.join(path.dirname(require.resolve('@redis/entraid')), 'lib');
  const index = readFileSync(path.join(theirFolder, 'index.d.ts'), 'utf8');
  const files = [...index.matchAll(/from '\.\/([\w-]+)'/g)].map(([, file]) => readFileSync(path.join(theirFolder, `${file}.d.ts`), 'utf8'));
  const types = readFileSync(new URL('../redis-entraid.d.ts', import.meta.url), 'utf8');
  assert.deepEqual(files.flatMap(declared).filter((name) => !declared(types).includes(name)), []);
});

test('the numbers are theirs', () => {
  const { isRetryable: _, ...numbers } = theirs.DEFAULT_RETRY_POLICY;
  const { isRetryable, ...own } = ours.DEFAULT_RETRY_POLICY;
  assert.deepEqual(own, numbers);
  assert.equal(ours.DEFAULT_TOKEN_MANAGER_CONFIG.expirationRefreshRatio, theirs.DEFAULT_TOKEN_MANAGER_CONFIG.expirationRefreshRatio);
  for (const config of [{ type: 'default' }, { type: 'multi-tenant', tenantId: 't' }, { type: 'custom', authorityUrl: 'https://x/t' }]) {
    assert.equal(Factory.getAuthority(config), theirs.EntraIdCredentialsProviderFactory.getAuthority(config));
  }
  assert.throws(() => Factory.getAuthority({ type: 'x' }), /Invalid authority/);
});

test('each creator gives working credentials', async (t) => {
  const emulator = await startEmulator(t);
  const { environment: env } = emulator;
  const tenantId = env.AZURE_TENANT_ID;
  const authorityConfig = { type: 'multi-tenant', tenantId };
  const custom = { type: 'custom', authorityUrl: `${env.AZURE_AUTHORITY_HOST}/${tenantId}` };
  const clientId = env.AZURE_CLIENT_ID;
  const certified = await emulator.env('client_certificate');
  const pem = readFileSync(certified.AZURE_CLIENT_CERTIFICATE_PATH, 'utf8');
  const [x5c] = pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/);
  const [privateKey] = pem.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?-----END [A-Z ]*PRIVATE KEY-----/);
  const thumbprint = new X509Certificate(x5c).fingerprint.replaceAll(':', '');
  const byCertificate = { clientId: certified.AZURE_CLIENT_ID, authorityConfig, tokenManagerConfig };
  const providers = {
    system: Factory.createForSystemAssignedManagedIdentity({ clientId: 'x', tokenManagerConfig }),
    user: Factory.createForUserAssignedManagedIdentity({
      clientId: 'x',
      userAssignedClientId: env.ENTRAKEY_EMULATOR_USER_CLIENT_ID,
      scopes: ['https://redis.azure.com'],
      tokenManagerConfig,
    }),
    secret: Factory.createForClientCredentials({ clientId, clientSecret: env.AZURE_CLIENT_SECRET, authorityConfig: custom, tokenManagerConfig }),
    byTenant: Factory.createForClientCredentials({ clientId, clientSecret: env.AZURE_CLIENT_SECRET, authorityConfig, tokenManagerConfig }),
    x5c: Factory.createForClientCredentialsWithCertificate({ ...byCertificate, certificate: { thumbprint, privateKey, x5c } }),
    bareX5c: Factory.createForClientCredentialsWithCertificate({ ...byCertificate, certificate: { thumbprint, privateKey, x5c: x5c.replace(/-----[^-]*-----|\n/g, '') } }),
    listOfX5c: Factory.createForClientCredentialsWithCertificate({ ...byCertificate, certificate: { thumbprint, privateKey, x5c: [x5c.replace(/-----[^-]*-----/g, '')] } }),
    thumbprint: Factory.createForClientCredentialsWithCertificate({ ...byCertificate, certificate: { thumbprint, privateKey } }),
  };
  for (const [name, provider] of Object.entries(providers)) {
    assert.equal(provider.getCurrentCredentials(), null);
    const [credentials, disposable] = await provider.subscribe(nobody);
    assert.match(credentials.username ?? '', /^[0-9a-f-]{36}$/, name);
    assert.deepEqual(provider.getCurrentCredentials(), credentials);
    assert.deepEqual([provider.getSubscriptionsCount(), provider.hasActiveSubscriptions()], [1, true]);
    const managed = provider.getTokenManager().getCurrentToken();
    assert.ok(ours.isAuthenticationResult(managed.value) && !ours.isAccessToken(managed.value));
    assert.equal(managed.value.accessToken, credentials.password);
    assert.ok(managed.getTtlMs(Date.now()) > 3_500_000);
    assert.equal((await provider.idp.requestToken()).token.accessToken, credentials.password);
    disposable.dispose();
    disposable.dispose();
    assert.deepEqual([provider.getSubscriptionsCount(), provider.getCurrentCredentials()], [0, null]);
  }
});

test('a TokenCredential is used as it is', async (t) => {
  const { environment } = await startEmulator(t);
  const asked = [];
  const credential = {
    async getToken(...args) {
      asked.push(args);
      const url = `${environment.AZURE_POD_IDENTITY_AUTHORITY_HOST}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://redis.azure.com`;
      const { access_token: token } = await (await fetch(url, { headers: { Metadata: 'true' } })).json();
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  const options = { tenantId: 'x' };
  const provider = Factory.createForDefaultAzureCredential({ credential, scopes: REDIS_SCOPE_DEFAULT, options, tokenManagerConfig });
  const [{ username, password }] = await provider.subscribe(nobody);
  assert.deepEqual(asked, [[REDIS_SCOPE_DEFAULT, options]]);
  assert.equal(username, environment.ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID);
  assert.equal(provider.getTokenManager().getCurrentToken().value.token, password);
  const mapped = Factory.createForDefaultAzureCredential({
    credential: { getToken: async () => ({ token: 'no.jwt.at-all', expiresOnTimestamp: Date.now() + 3_600_000 }) },
    scopes: REDIS_SCOPE_DEFAULT,
    tokenManagerConfig,
    credentialsMapper: ({ token }) => ({ username: 'me', password: token }),
  });
  assert.deepEqual((await mapped.subscribe(nobody))[0], { username: 'me', password: 'no.jwt.at-all' });
  for (const value of [mapped, mapped.getTokenManager(), mapped.getTokenManager().getCurrentToken(), mapped.getCurrentCredentials()]) {
    const shown = [inspect(value, { showHidden: true, depth: 20 }), format('%o %j', value, value)].join();
    // The host's own mapper gives plain credentials: theirs to print.
    assert.equal(shown.includes('no.jwt.at-all'), value.password !== undefined, shown);
  }
});

test('an identity provider and a token manager of the host itself', async () => {
  const { TokenManager } = require('@redis/client/dist/lib/authx');
  const jwt = `e30.${Buffer.from('{"oid":"me"}').toString('base64url')}.x`;
  const idp = new ours.MSALIdentityProvider(async () => ({ accessToken: jwt, expiresOn: new Date(Date.now() + 3_600_000), uniqueId: 'unique' }));
  const manager = new TokenManager(idp, tokenManagerConfig);
  const provider = new ours.EntraidCredentialsProvider(manager, idp);
  const [credentials] = await provider.subscribe(nobody);
  assert.deepEqual(credentials, { username: 'unique', password: jwt });
  assert.equal(manager.getCurrentToken().value.uniqueId, 'unique');
  assert.equal(manager.isRunning(), false, 'its timer would hold the process');
});

test('the user name is the mapper\'s, whatever the token is', async () => {
  const { TokenManager } = require('@redis/client/dist/lib/authx');
  const opaque = { accessToken: 'an-opaque-token', expiresOn: new Date(Date.now() + 3_600_000) };
  const subscribed = async (token, credentialsMapper) => {
    const idp = { requestToken: async () => ({ token, ttlMs: 3_600_000 }) };
    const manager = new TokenManager(idp, { ...tokenManagerConfig, retry: { ...ours.DEFAULT_RETRY_POLICY, initialDelayMs: 30_000 } });
    const provider = new ours.EntraidCredentialsProvider(manager, idp, { credentialsMapper });
    return (await provider.subscribe(nobody))[0];
  };
  assert.deepEqual(await subscribed({ ...opaque, uniqueId: 'unique' }), { username: 'unique', password: 'an-opaque-token' });
  const mapper = ({ accessToken }) => ({ username: 'mine', password: accessToken });
  assert.deepEqual(await subscribed(opaque, mapper), { username: 'mine', password: 'an-opaque-token' });
  for (const token of [{ ...opaque, uniqueId: '' }, { token: 'an-opaque-token', expiresOnTimestamp: 0 }]) {
    await assert.rejects(subscribed(token), (error) => {
      assert.equal(error.code, 'USERNAME_UNAVAILABLE');
      return !error.message.includes('opaque-token');
    });
  }
});

test('the end of a token is a Date or milliseconds, and what is neither is said', async () => {
  const jwt = `e30.${Buffer.from('{"oid":"me"}').toString('base64url')}.x`;
  const at = Date.now() + 3_600_000;
  const config = { ...tokenManagerConfig, retry: { ...ours.DEFAULT_RETRY_POLICY, initialDelayMs: 30_000 } };
  const azure = (expiresOnTimestamp) =>
    Factory.createForDefaultAzureCredential({
      credential: { getToken: async () => ({ token: jwt, expiresOnTimestamp }) },
      scopes: REDIS_SCOPE_DEFAULT,
      tokenManagerConfig: config,
    });
  const msal = (expiresOn) => {
    const idp = new ours.MSALIdentityProvider(async () => ({ accessToken: jwt, uniqueId: 'me', expiresOn }));
    return new ours.EntraidCredentialsProvider(new (require('@redis/client/dist/lib/authx').TokenManager)(idp, config), idp);
  };
  for (const made of [azure, msal]) {
    for (const end of [at, new Date(at)]) {
      const provider = made(end);
      assert.equal((await provider.subscribe(nobody))[0].username, 'me');
      const ttl = provider.getTokenManager().getCurrentToken().getTtlMs(Date.now());
      assert.ok(ttl > 3_500_000 && ttl <= 3_600_000, String(ttl));
    }
    for (const [end, said] of [[new Date(at).toISOString(), 'string'], [new Date('x'), 'an invalid Date'], [Infinity, 'Infinity']]) {
      await assert.rejects(made(end).subscribe(nobody), { code: 'CALLBACK_FAILED', message: new RegExp(`expiresOn(Timestamp)? of the token is a Date or milliseconds since 1970, not ${said}`) });
    }
  }
});

test('concurrent subscribers all reject, errors are told, and none of it is for ever', async (t) => {
  await startEmulator(t);
  const before = process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST;
  process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = await closedEndpoint();
  const retried = [];
  const provider = Factory.createForSystemAssignedManagedIdentity({ clientId: 'x', tokenManagerConfig, onRetryableError: (text) => retried.push(text) });
  process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = before;
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => provider.subscribe(nobody)));
  assert.deepEqual(outcomes.map(({ reason }) => reason?.code), ['NETWORK', 'NETWORK', 'NETWORK']);
  await until('the report', () => retried.length > 0);
  assert.equal(typeof retried[0], 'string');
  const told = [];
  const refused = Factory.createForClientCredentials({
    clientId: process.env.AZURE_CLIENT_ID,
    clientSecret: 'wrong',
    tokenManagerConfig,
    onReAuthenticationError: (error) => told.push(error.message),
  });
  await assert.rejects(refused.subscribe(nobody), { code: 'AUTH_REJECTED' });
  refused.onReAuthenticationError(new Error('some failure'));
  assert.deepEqual(told, ['some failure']);
});

test('a program of theirs runs with the import changed', async (t) => {
  const emulator = await startEmulator(t, LIFETIME);
  const failed = [];
  const credentialsProvider = Factory.createForSystemAssignedManagedIdentity({
    clientId: 'client-id',
    tokenManagerConfig: { expirationRefreshRatio: 0.8, retry: ours.DEFAULT_RETRY_POLICY },
    onReAuthenticationError: (error) => failed.push(error),
  });
  const client = createClient({ socket: { host: 'localhost', port: emulator.port, tls: true, ca: emulator.ca }, credentialsProvider });
  client.on('error', (error) => failed.push(error));
  await client.connect();
  const seen = () => emulator.connections(credentialsProvider.getCurrentCredentials().username);
  for (let end = Date.now() + 60_000, round = 0; (await seen()).auths < 3 && Date.now() < end; round++) {
    await client.set('key', String(round));
    await sleep(10);
  }
  const { connections, auths } = await seen();
  client.destroy();
  assert.deepEqual([failed, connections, credentialsProvider.getSubscriptionsCount()], [[], 1, 0]);
  assert.ok(auths >= 3, `${auths} AUTHs`);
});

test('retries that would end the renewal in an outage are raised, with one warning in the words of whoever wrote them', async (t) => {
  const emulator = await startEmulator(t);
  const warnings = [];
  const listen = (warning) => warnings.push(warning);
  process.on('warning', listen);
  t.after(() => process.off('warning', listen));
  for (const retry of [
    { maxAttempts: 3, initialDelayMs: 50, maxDelayMs: 200, backoffMultiplier: 2 },
    { maxAttempts: 3, initialDelayMs: 600 }, // of TypeScript's callers nobody can write that, of others everybody
    { ...ours.DEFAULT_RETRY_POLICY },
  ]) {
    const credentialsProvider = Factory.createForSystemAssignedManagedIdentity({
      clientId: 'client-id',
      tokenManagerConfig: { expirationRefreshRatio: 0.8, retry },
    });
    const [{ username }, disposable] = await credentialsProvider.subscribe(nobody);
    assert.equal(username, emulator.environment.ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID);
    disposable.dispose();
  }
  await new Promise(setImmediate);
  const [{ code, message }, ...more] = warnings.filter(({ name }) => name === 'EntrakeyWarning');
  assert.equal(code, 'ENTRAKEY_SETTINGS_RAISED');
  const [initial, longest] = ['retry.initialDelayMs is 500 instead of 50', 'retry.maxDelayMs is 30000 instead of 200'];
  assert.ok(message.includes(`${initial}, ${longest}, retry.maxAttempts 3 is left out`), message);
  assert.deepEqual(more, []);
});

test('PKCE is refused with the alternative', async () => {
  const expected = { code: 'INVALID_ARGUMENT', message: /createForDefaultAzureCredential/ };
  assert.throws(() => Factory.createForAuthorizationCodeWithPKCE({}), expected);
  assert.throws(() => ours.AuthCodeFlowHelper.create({}), expected);
  await assert.rejects(ours.AuthCodeFlowHelper.generatePKCE(), expected);
  assert.throws(() => Factory.createForClientCredentials({ clientId: 'x', clientSecret: 'y', tokenManagerConfig }), { code: 'INVALID_CONFIG', message: /tenantId/ });
});
