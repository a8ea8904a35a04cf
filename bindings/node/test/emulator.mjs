// Starts the emulator for a test and ends it with the test.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Emulator } from 'entrakey/emulator';

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
