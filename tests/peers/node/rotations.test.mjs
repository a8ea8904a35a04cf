// Stock libraries hold one connection each through several tokens, all at the same time. What a client says is not
// believed: the emulator counted the connections, the AUTHs and who was dropped.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Emulator } from 'entrakey/emulator';
import { HOLDERS } from './holders.mjs';
import { GUARD, HERE, IDENTITIES } from './support.mjs';

const LIFETIME = '6s';
const ENOUGH_AUTHS = 5; // the first and four more, at half of each token's life: twice a lifetime
const LIMIT_MS = 60_000; // 13 s on an idle machine

const emulator = await Emulator.start({ tokenLifetime: LIFETIME, identities: IDENTITIES });
after(() => emulator.stop());

const counts = (name) => emulator.connections(emulator.environment[`ENTRAKEY_EMULATOR_${name}_OBJECT_ID`]);

async function start(environment) {
  const names = ['default', 'client_secret', 'client_certificate', 'workload_identity'];
  const entries = await Promise.all(names.map(async (name) => [name, await emulator.env(name)]));
  const env = await emulator.processEnvironment(environment, {
    NODE_EXTRA_CA_CERTS: emulator.environment.REDIS_CA_FILE, // which Node.js reads when it starts
    PEERS_ENVIRONMENTS: JSON.stringify(Object.fromEntries(entries)),
  });
  const child = spawn(process.execPath, ['--import', GUARD, 'hold.mjs', environment], { cwd: HERE, env });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const ended = said.then(([stdout, stderr]) => {
    assert.equal(stderr, '');
    return JSON.parse(stdout);
  });
  return { ended, end: () => child.stdin.end() };
}

const seen = {};
const failed = {};

before(async () => {
  const processes = await Promise.all(['default', 'app_service'].map(start));
  let early = false;
  Promise.race(processes.map(({ ended }) => ended)).finally(() => (early = true)).catch(() => {});
  const end = performance.now() + LIMIT_MS;
  while (!early && performance.now() < end) {
    for (const name of Object.keys(HOLDERS)) seen[name] = await counts(name);
    if (Object.values(seen).every(({ auths }) => auths >= ENOUGH_AUTHS)) break;
    await sleep(100);
  }
  for (const { end } of processes) end();
  Object.assign(failed, ...(await Promise.all(processes.map(({ ended }) => ended))));
});

for (const [name, { title }] of Object.entries(HOLDERS)) {
  test(`one connection outlives its tokens: ${title}`, () => {
    assert.equal(failed[name], undefined);
    const { connections, auths, expired, connected, commands } = seen[name];
    assert.ok(auths >= ENOUGH_AUTHS, `${auths} AUTHs`);
    assert.deepEqual({ connections, expired, connected }, { connections: 1, expired: 0, connected: 1 });
    assert.ok(commands > 50, `${commands} commands`);
  });
}
