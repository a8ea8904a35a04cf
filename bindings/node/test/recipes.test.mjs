// The recipes of examples/node/recipes, each as a program of its own through several lifetimes of its token.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LIFETIME, startEmulator } from './emulator.mjs';
import { startRedisServer } from './redis-server.mjs';

const RECIPES = new URL('../../../examples/node/recipes/', import.meta.url);

/** Starts a recipe; gives its lines, and its end as [code, output]. */
function start(t, name, ...args) {
  const program = spawn(process.execPath, [fileURLToPath(new URL(name, RECIPES)), ...args], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = [];
  program.stderr.on('data', (data) => said.push(String(data)));
  const lines = createInterface(program.stdout);
  lines.on('line', (line) => said.push(line));
  const ended = once(program, 'exit').then(([code]) => [code, said.join('\n')]);
  t.after(() => program.kill());
  return { program, lines, ended, said };
}

async function get(url, headers = {}) {
  const answer = await fetch(url, { headers, signal: AbortSignal.timeout(20_000) });
  assert.equal(answer.status, 200, `${url}: ${answer.status}`);
  return answer;
}

/** Visits until the token has been replaced twice, and counts. */
async function visit(t, emulator, name, send) {
  const { lines, ended, said } = start(t, name);
  const line = once(lines, 'line', { signal: AbortSignal.timeout(30_000) });
  const failed = ended.then(([code, output]) => Promise.reject(new Error(`${name} ended with ${code}: ${output}`)));
  const [url] = await Promise.race([line, failed]);
  failed.catch(() => {});
  const requests = await emulator.tokenRequests();
  for (let visits = 1; (await emulator.tokenRequests()) < requests + 3; visits++) {
    assert.deepEqual(await send(url), { visits });
    await sleep(50);
  }
  assert.deepEqual(said.filter((text) => text.trim() !== url), []);
  return url;
}

const plain = async (url) => (await get(url)).json();

test('Express keeps its sessions', async (t) => {
  const emulator = await startEmulator(t, LIFETIME);
  let cookie;
  const url = await visit(t, emulator, 'express-session.mjs', async (address) => {
    const answer = await get(address, cookie && { cookie });
    cookie ??= answer.headers.get('set-cookie').split(';')[0];
    return answer.json();
  });
  assert.equal((await plain(`${url}ready`)).ready, true);
});

test('Fastify counts, and has metrics', async (t) => {
  const emulator = await startEmulator(t, LIFETIME);
  const url = await visit(t, emulator, 'fastify.mjs', plain);
  const metrics = await get(`${url}metrics`);
  assert.match(metrics.headers.get('content-type'), /openmetrics/);
  assert.match(await metrics.text(), /entrakey_reauths_total\{[^}]*provider="cache"[^}]*\} [1-9]/);
});

test('NestJS keeps its cache', async (t) => {
  const emulator = await startEmulator(t, LIFETIME);
  await visit(t, emulator, 'nestjs-cache.mjs', plain);
});

test('BullMQ does its jobs', async (t) => {
  const emulator = await startEmulator(t, '5s', { proxy: await startRedisServer(t) });
  const { ended } = start(t, 'bullmq-worker.mjs', '12', '700');
  const [code, output] = await ended;
  assert.deepEqual([code, output], [0, Array.from({ length: 12 }, (_, n) => `sent to user${n}@example.com`).join('\n')]);
  assert.ok((await emulator.tokenRequests()) >= 3);
});

test('Next.js has one provider, however often its modules are loaded', async (t) => {
  const emulator = await startEmulator(t);
  const load = (file, version) => import(`${new URL(`nextjs/${file}`, RECIPES)}?${version}`);
  const { GET, runtime } = await load('app/visits/route.mjs', 1);
  const { GET: again } = await load('app/visits/route.mjs', 2);
  assert.notEqual(GET, again);
  assert.equal(runtime, 'nodejs');
  const answers = await Promise.all([GET(), again(), GET()]);
  assert.deepEqual((await Promise.all(answers.map((answer) => answer.json()))).map(({ visits }) => visits).sort(), [1, 2, 3]);
  const libraries = await Promise.all([1, 2].map((version) => load('lib/redis.mjs', version)));
  assert.notEqual(libraries[0].redis, libraries[1].redis);
  const [first, second] = await Promise.all(libraries.map(({ redis }) => redis()));
  assert.equal(first.provider, second.provider);
  assert.equal(await emulator.tokenRequests(), 1);
  first.client.destroy();
  first.provider.close();
});
