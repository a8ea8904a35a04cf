// Starts the emulator for a test and ends it with the test.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Emulator } from 'entrakey/emulator';

/** Of tokens that are replaced in a test: a machine on which a process stands still for a third of it makes errors of its own. */
export const LIFETIME = '8s';
/** For ioredis's clusters, which give their first node a second to say where the slots are: less than a busy machine takes. */
export const patient = { slotsRefreshTimeout: 20_000 };

process.env.ENTRAKEY_BIN ??= fileURLToPath(new URL('../../../target/debug/entrakey', import.meta.url));

// For the tests without an emulator too.
const { isForeign } = createRequire(import.meta.url)('../lib/environment.cjs');
for (const name of Object.keys(process.env)) {
  if (isForeign(name)) delete process.env[name];
}

/**
 * A running emulator whose environment is this process's until the test ends. `ca` and `port` are of its Redis; clients
 * given to `closeFirst()` are destroyed with the test before the emulator is, for they would notice.
 */
export async function startEmulator(test, tokenLifetime = '1h', options = {}) {
  const emulator = await Emulator.start({ tokenLifetime, ...options });
  const clients = [];
  test.after(() => {
    for (const client of clients) client.destroy();
    return emulator.stop();
  });
  await emulator.use();
  const { REDIS_CA_FILE, REDIS_PORT } = emulator.environment;
  const closeFirst = (...more) => clients.push(...more);
  return Object.assign(emulator, { ca: readFileSync(REDIS_CA_FILE), port: Number(REDIS_PORT), closeFirst });
}
