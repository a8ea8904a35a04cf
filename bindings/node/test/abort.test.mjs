import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { Provider } from 'entrakey';
import { startEmulator } from './emulator.mjs';
import { runProgram, silentEndpoint } from './support.mjs';

test('a signal ends a call with its reason, and only that call', async (t) => {
  const provider = new Provider({ identity: 'managed_identity', imdsEndpoint: await silentEndpoint(t) });
  const controller = new AbortController();
  const aborted = provider.getToken({ signal: controller.signal });
  const other = provider.getToken({ timeoutMs: 800 });
  const reason = new Error('not wanted any more');
  controller.abort(reason);
  await assert.rejects(aborted, (error) => error === reason);
  await assert.rejects(other, { code: 'TIMEOUT' });
  await assert.rejects(provider.ready({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  provider.close();
});

test('a signal that outlives a call is left as it was', async (t) => {
  await startEmulator(t);
  const provider = new Provider({ identity: 'managed_identity' });
  const { signal } = new AbortController();
  await provider.getToken({ signal });
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  await assert.rejects(provider.getToken({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  provider.close();
});

test('a call that was given up does not hold the process', async (t) => {
  const imdsEndpoint = await silentEndpoint(t);
  const program = `
    const { Provider } = require('entrakey');
    const provider = new Provider({ identity: 'managed_identity', imdsEndpoint: '${imdsEndpoint}' });
    provider.getToken({ signal: AbortSignal.timeout(100) }).catch((error) => console.log(error.name));
    setTimeout(() => {}, 200);`;
  const { code, stdout, ms } = await runProgram(program);
  assert.deepEqual([code, stdout], [0, 'TimeoutError\n']);
  assert.ok(ms < 20_000, `${ms} ms: that call has 30 s`);
});
