// Starts the emulator for a test and ends it with the test.
import { fileURLToPath } from 'node:url';
import { Emulator } from 'entrakey/emulator';

process.env.ENTRAKEY_BIN ??= fileURLToPath(new URL('../../../target/debug/entrakey', import.meta.url));

/** For the tests without an emulator too: what a developer's shell says of identities, proxies and certificates. */
const FOREIGN = [/^(AZURE|ENTRAKEY(?!_BIN$)|IDENTITY|IMDS|MSI|SSL_CERT)_/, /^(all|https?)_proxy$/i];
for (const name of Object.keys(process.env)) {
  if (FOREIGN.some((pattern) => pattern.test(name))) delete process.env[name];
}

/** A running emulator whose environment is this process's until the test ends. */
export async function startEmulator(test, tokenLifetime = '1h') {
  const emulator = await Emulator.start({ tokenLifetime });
  test.after(() => emulator.stop());
  await emulator.use();
  return emulator;
}
