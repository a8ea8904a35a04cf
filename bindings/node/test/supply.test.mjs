import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Provider } from 'entrakey';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims) => `e30.${encode(claims)}.c2ln`;
const later = Math.floor(Date.now() / 1000) + 3600;
/** The first failure is the last word. */
const patience = { retryInitialMs: 30_000 };

async function failure(tokenCallback) {
  const provider = new Provider({ tokenCallback, ...patience });
  try {
    await provider.getToken();
  } catch (error) {
    return error;
  } finally {
    provider.close();
  }
  return assert.fail('no error');
}

test('a callback gives what credentials give', async () => {
  for (const supply of [
    () => jwt({ oid: 'me', exp: later }),
    async () => jwt({ oid: 'me', exp: later }),
    async () => ({ token: jwt({ oid: 'me' }), expiresOnTimestamp: later * 1000 }),
    async () => ({ token: jwt({ oid: 'me' }), expiresOnTimestamp: new Date(later * 1000) }),
    async () => ({ token: jwt({ oid: 'me', exp: later }), expiresOnTimestamp: null }),
  ]) {
    const scopes = [];
    const provider = new Provider({ tokenCallback: (scope) => (scopes.push(scope), supply(scope)) });
    assert.equal((await provider.getToken()).username, 'me');
    assert.deepEqual(scopes, ['https://redis.azure.com/.default']);
    provider.close();
  }
});

test('a callback may say whose token it is', async () => {
  const supply = { token: 'an-opaque-token', expiresOnTimestamp: later * 1000, username: 'me' };
  for (const [options, username] of [[{}, 'me'], [{ username: 'configured' }, 'configured']]) {
    const provider = new Provider({ tokenCallback: () => supply, ...options });
    assert.equal((await provider.getToken()).username, username);
    provider.close();
  }
  assert.equal((await failure(() => ({ ...supply, username: '' }))).code, 'USERNAME_UNAVAILABLE');
});

test('whatever a callback throws or gives is an error of its own kind and harms nobody', async () => {
  const cases = [
    [() => { throw new Error('the vault is sealed'); }, /the vault is sealed/],
    [() => Promise.reject(Object.create(null)), /cannot be shown/],
    [() => Promise.reject(undefined), /undefined/],
    [() => undefined, /not undefined/],
    [() => ({ token: jwt({ oid: 'me' }), expiresOnTimestamp: later }), /unit/],
    [() => ({ token: jwt({ oid: 'me' }), expiresOnTimestamp: Infinity }), /a Date or milliseconds since 1970/],
    [() => ({ token: jwt({ oid: 'me' }), expiresOnTimestamp: 'in an hour' }), /a Date or milliseconds since 1970/],
    [() => ({ token: jwt({ oid: 'me' }), expiresOnTimestamp: NaN }), /a Date or milliseconds since 1970/],
    [() => { throw new Error(`refused: ${jwt({ secret: 'x'.repeat(40) })}`); }, /refused: (e30\.)?\[token\]/],
  ];
  for (const [supply, says] of cases) {
    const error = await failure(supply);
    assert.equal(error.code, 'CALLBACK_FAILED');
    assert.match(error.message, says);
  }
});
