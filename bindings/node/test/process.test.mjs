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
import { build } from 'esbuild';
import { LIFETIME, startEmulator } from './emulator.mjs';
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
    const { code, stdout, stderr } = await runProgram(program, options); // one that does not end is killed
    assert.deepEqual([code, stdout, stderr], [0, '1\n', '']);
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
  assert.ok(ms < 20_000, `${ms} ms: that call has 30 s`);
});

test('worker threads have tokens of their own and end at once', async (t) => {
  await startEmulator(t, LIFETIME);
  const program = `
    const { parentPort } = require('node:worker_threads');
    const { Provider } = require('entrakey');
    const provider = (globalThis.provider = new Provider({ identity: 'managed_identity' }));
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
    assert.ok(performance.now() - started < 20_000);
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
  assert.ok(performance.now() - started < 20_000);
});

test('the package can be loaded twice, and both copies work', async (t) => {
  await startEmulator(t);
  const program = `
    const once = require('entrakey');
    for (const file of Object.keys(require.cache)) if (!file.endsWith('.node')) delete require.cache[file];
    const twice = require('entrakey');
    const of = ({ Provider }) => new Provider({ identity: 'managed_identity' }).getToken();
    Promise.all([of(once), of(twice)]).then((tokens) =>
      console.log(once.Provider !== twice.Provider, tokens[0] instanceof once.Token, tokens[1] instanceof twice.Token));`;
  const { code, stdout, stderr } = await runProgram(program);
  assert.deepEqual([code, stdout, stderr], [0, 'true true true\n', '']);
});

test('a provider that nobody has any more is closed, and leaves nothing behind', async (t) => {
  const emulator = await startEmulator(t);
  const program = `
    const { Provider } = require('entrakey');
    const collected = new FinalizationRegistry(() => (count += 1));
    let count = 0;
    const one = async () => {
      const provider = new Provider({ identity: 'managed_identity' });
      collected.register(provider);
      provider.on('closed', () => provider.version);
      provider.subscribe(() => {});
      provider.subscribe(() => provider.version).unsubscribe();
      await provider.getToken();
    };
    const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
    let made = 0;
    const round = async (n) => {
      for (const all = made + n; made < all; made++) await one();
      while (count < made) { gc(); await pause(); } // one that is kept ends it by the program's time-out
      for (let i = 0; i < 5; i++) { gc(); await pause(); }
      return process.memoryUsage().rss;
    };
    (async () => {
      await round(200); // what the first ones need remains
      const before = await round(100);
      const after = await round(200);
      console.log(JSON.stringify({ count, grown: after - before }));
    })();`;
  const { stdout, stderr } = await runProgram(program, { flags: ['--expose-gc'] });
  const { count, grown } = JSON.parse(stdout || `{"count": "${stderr}"}`);
  assert.equal(count, 500);
  assert.ok(grown < 8 * 2 ** 20, `${grown} bytes more after 200 providers`);
  assert.equal(await emulator.tokenRequests(), 500);
});

test('whoever has the provider or the subscription is told, whatever else is garbage', async (t) => {
  await startEmulator(t, LIFETIME);
  const program = `
    const { Provider } = require('entrakey');
    const told = { provider: 0, subscription: 0 };
    const made = (name) => {
      const provider = new Provider({ identity: 'managed_identity', reauthSpread: 0 });
      const subscription = provider.subscribe(() => (told[name] += 1));
      provider.getToken();
      return { provider, subscription }[name];
    };
    globalThis.kept = Object.keys(told).map(made);
    const timer = setInterval(() => {
      gc();
      if (told.provider >= 2 && told.subscription >= 2) console.log('both'), clearInterval(timer);
    }, 20);`;
  const { code, stdout, stderr } = await runProgram(program, { flags: ['--expose-gc'] });
  assert.deepEqual([code, stdout, stderr], [0, 'both\n', '']);
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
    message: new RegExp(`${process.platform}-${process.arch}.*is missing.*Install entrakey again.*npm run build`),
  });
  const libc = process.platform === 'linux' ? '-gnu' : '';
  cpSync(path.join(copy, 'package.json'), path.join(copy, `entrakey.${process.platform}-${process.arch}${libc}.node`));
  assert.throws(() => require('./index.cjs'), { ...expected, message: /cannot be loaded.*Install entrakey again/s });
});

test('in a bundle the error says that the package must stay out of it, and out of it it works', async (t) => {
  await startEmulator(t);
  const source = {
    contents: `
      import { Provider } from 'entrakey';
      import { attach } from 'entrakey/ioredis';
      new Provider({ identity: 'managed_identity' }).getToken().then((token) => console.log(token.version, typeof attach));`,
    resolveDir: PACKAGE,
  };
  const bundled = (outfile, more) =>
    build({ stdin: source, bundle: true, platform: 'node', outfile, logLevel: 'silent', ...more });
  const run = (file) => runProgram(`require(${JSON.stringify(file)})`);
  const elsewhere = mkdtempSync(path.join(tmpdir(), 'entrakey-'));
  const beside = mkdtempSync(path.join(PACKAGE, 'test', 'bundle-'));
  t.after(() => [elsewhere, beside].forEach((folder) => rmSync(folder, { recursive: true })));
  const requireForModules = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  for (const [name, options] of [
    ['all.cjs', {}],
    ['small.cjs', { minify: true }],
    ['all.mjs', { format: 'esm', banner: requireForModules }],
  ]) {
    const file = path.join(elsewhere, name);
    await bundled(file, options);
    const { code, stderr } = name.endsWith('.mjs') ? await runProgram(`import ${JSON.stringify(file)}`, { esm: true }) : await run(file);
    assert.equal(code, 1);
    const [said] = /^EntrakeyError: .*$/m.exec(stderr) ?? [stderr.slice(-2000)]; // before it there is the bundle's own text
    assert.match(said, /entrakey was put into a bundle.*esbuild --external:entrakey/);
    assert.ok(!said.includes('Install entrakey again'), said);
  }
  const file = path.join(beside, 'without.cjs');
  await bundled(file, { external: ['entrakey'] });
  assert.deepEqual(await run(file).then(({ code, stdout }) => [code, stdout]), [0, '1 function\n']);
});
