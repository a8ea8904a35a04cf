// What is published, installed in an empty folder with nothing else.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEmulator } from './emulator.mjs';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const { candidates } = createRequire(import.meta.url)('../lib/platform.cjs');
const platforms = JSON.parse(readFileSync(path.join(PACKAGE, 'platforms.json'), 'utf8'));

function run(cwd, command, ...args) {
  const env = { ...process.env, npm_config_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' };
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 240_000 });
}

/** An empty folder that is gone with the test. */
function emptyFolder(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'entrakey-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the package and the binary of this platform install in a clean folder, and work', async (t) => {
  await startEmulator(t);
  const out = emptyFolder(t);
  const [main, ...binaries] = run(PACKAGE, process.execPath, 'pack.mjs', out).trim().split('\n');
  assert.equal(binaries.length, 1, 'the binary that was built here');
  const clean = emptyFolder(t);
  writeFileSync(path.join(clean, 'package.json'), '{"private": true}');
  run(clean, 'npm', 'install', '--silent', main, ...binaries);
  const texts = (name) => readdirSync(path.join(clean, 'node_modules', name)).filter((file) => /^[A-Z-]+$/.test(file));
  assert.deepEqual(texts('entrakey'), ['LICENSE-APACHE', 'LICENSE-MIT']);
  assert.deepEqual(texts(`entrakey-${candidates()[0]}`), ['LICENSE-APACHE', 'LICENSE-MIT', 'THIRD-PARTY-NOTICES']);
  const program = `
    import { createRequire } from 'node:module';
    import { Provider } from 'entrakey';
    for (const name of ['entrakey', 'entrakey/ioredis', 'entrakey/node-redis', 'entrakey/redis-entraid']) {
      const required = createRequire(process.cwd() + '/x.js')(name);
      for (const [key, value] of Object.entries(await import(name))) if (required[key] !== value) throw new Error(name + ' ' + key);
    }
    const provider = new Provider({ identity: 'managed_identity' });
    console.log((await provider.getToken()).version);`;
  assert.equal(run(clean, process.execPath, '--input-type=module', '-e', program), '1\n');

  const without = emptyFolder(t);
  writeFileSync(path.join(without, 'package.json'), '{"private": true}');
  run(without, 'npm', 'install', '--silent', '--omit=optional', main);
  assert.throws(() => run(without, process.execPath, '-e', "require('entrakey')"), ({ stderr }) => {
    const libc = process.platform === 'linux' ? '(glibc \\d|musl).*' : '';
    assert.match(stderr, new RegExp(`${process.platform}-${process.arch}, ${libc}entrakey-${candidates()[0]}.*is missing.*Install entrakey again`));
    return true;
  });
});

test('each platform of the table is one that the loader looks for', () => {
  for (const { name, os, cpu, libc, target } of platforms) {
    assert.ok(candidates(os, cpu).includes(name), name);
    assert.equal(libc, { gnu: 'glibc', musl: 'musl' }[name.split('-')[2]]);
    assert.match(target, { x64: /^x86_64-/, arm64: /^aarch64-/ }[cpu]);
  }
});
