// Loading, worker threads and the end of a process.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as esm from 'entrakey';
import { startEmulator } from './emulator.mjs';
import { runProgram, silentEndpoint } from './support.mjs';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

test('ESM and CommonJS are the same classes', async () => {
  const require = createRequire(import.meta.url);
  const commonjs = require('entrakey');
  assert.deepEqual(Object.keys(commonjs).sort(), Object.keys(esm).sort());
  for (const name of Object.keys(esm)) assert.equal(commonjs[name], esm[name]);
  assert.equal(require('entrakey/node-redis').credentialsProvider, (await import('entrakey/node-redis')).credentialsProvider);
});

test('a process with an idle provider and a listener ends by itself, in either module system', async (t) => {
  await startEmulator(t);
  const body = `
    const provider = new Provider({ identity: 'managed_identity' });
    provider.subscribe(() => {});
    provider.getToken().then((token) => console.log(token.version));`;
  for (const [program, options] of [
    [`const { Provider } = require('entrakey');${body}`, {}],
    [`import { Provider } from 'entrakey';${body}`, { esm: true }],
  ]) {
    const { code, stdout, stderr, ms } = await runProgram(program, options);
    assert.deepEqual([code, stdout, stderr], [0, '1\n', '']);
    assert.ok(ms < 5000, `${ms} ms`);
  }
});

test('a pending getToken() holds the process until it settles', async (t) => {
  const imdsEndpoint = await silentEndpoint(t);
  const program = `
    import { Provider } from 'entrakey';
    const provider = new Provider({ identity: 'managed_identity', imdsEndpoint: '${imdsEndpoint}' });
    console.log(await provider.getToken({ timeoutMs: 1000 }).catch((error) => error.code));`;
  const { code, stdout } = await runProgram(program, { esm: true });
  assert.deepEqual([code, stdout], [0, 'TIMEOUT\n']);
});

test('process.exit() does not wait for a pending getToken()', async (t) => {
  const imdsEndpoint = await silentEndpoint(t);
  const program = `
    const { Provider } = require('entrakey');
    new Provider({ identity: 'managed_identity', imdsEndpoint: '${imdsEndpoint}' }).getToken();
    setTimeout(() => process.exit(7), 200);`;
  const { code, ms } = await runProgram(program);
  assert.equal(code, 7);
  assert.ok(ms < 3000, `${ms} ms`);
});

test('worker threads have tokens of their own and end at once', async (t) => {
  await startEmulator(t, '2s');
  const program = `
    const { parentPort } = require('node:worker_threads');
    const { Provider } = require('entrakey');
    const provider = new Provider({ identity: 'managed_identity' });
    provider.subscribe((token) => parentPort.postMessage(token.version));
    provider.getToken().then((token) => parentPort.postMessage(token.version));
    setInterval(() => {}, 1000);`;
  for (let round = 0; round < 3; round++) {
    const worker = new Worker(program, { eval: true });
    const versions = [];
    worker.on('message', (version) => versions.push(version));
    await once(worker, 'message', { signal: AbortSignal.timeout(20_000) });
    if (round === 0) while (versions.length < 2) await once(worker, 'message');
    const started = performance.now();
    await worker.terminate();
    assert.ok(performance.now() - started < 2000);
    assert.equal(versions[0], 1);
  }
});

test('a worker thread that waits for a token can be terminated', async (t) => {
  const imdsEndpoint = await silentEndpoint(t);
  const program = `
    const { Provider } = require('entrakey');
    new Provider({ identity: 'managed_identity', imdsEndpoint: '${imdsEndpoint}' }).getToken();
    require('node:worker_threads').parentPort.postMessage('waiting');`;
  const worker = new Worker(program, { eval: true });
  await once(worker, 'message', { signal: AbortSignal.timeout(20_000) });
  const started = performance.now();
  await worker.terminate();
  assert.ok(performance.now() - started < 2000);
});

test('a missing or unusable native binary is an error that names platform and remedy', async (t) => {
  const copy = mkdtempSync(path.join(tmpdir(), 'entrakey-'));
  t.after(() => rmSync(copy, { recursive: true }));
  for (const file of ['index.cjs', 'lib', 'package.json']) {
    cpSync(path.join(PACKAGE, file), path.join(copy, file), { recursive: true });
  }
  const require = createRequire(path.join(copy, 'x.js'));
  const expected = { name: 'EntrakeyError', code: 'MODULE_NOT_FOUND' };
  assert.throws(() => require('./index.cjs'), {
    ...expected,
    message: new RegExp(`${process.platform}-${process.arch}.*is missing.*npm run build`),
  });
  const libc = process.platform === 'linux' ? '-gnu' : '';
  cpSync(path.join(copy, 'package.json'), path.join(copy, `entrakey.${process.platform}-${process.arch}${libc}.node`));
  assert.throws(() => require('./index.cjs'), { ...expected, message: /cannot be loaded.*Install entrakey again/s });
});
