// Starts the emulator for a test and ends it with the test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.ENTRAKEY_BIN ?? fileURLToPath(new URL('../../../target/debug/entrakey', import.meta.url));

/** What a developer's shell or another test says of identities, proxies and certificates; NO_PROXY is no harm. */
const FOREIGN = [
  /^(AZURE|ENTRAKEY|IDENTITY|IMDS|MSI|SSL_CERT)_/,
  /^(all|https?)_proxy$/i,
  /^(KUBERNETES_SERVICE_HOST|REQUESTS_CA_BUNDLE|NODE_EXTRA_CA_CERTS)$/,
];

function clearEnvironment() {
  for (const name of Object.keys(process.env)) {
    if (FOREIGN.some((pattern) => pattern.test(name))) delete process.env[name];
  }
}

clearEnvironment(); // for the tests without an emulator too

/** A running emulator whose environment is this process's until the test ends. */
export async function startEmulator(test, lifetime = '1h', ...more) {
  if (!existsSync(BINARY)) {
    throw new Error(`${BINARY} is missing: run "cargo build -p entrakey-cli", or set ENTRAKEY_BIN.`);
  }
  const options = ['--format', 'json', '--quiet', '--exit-with-parent', '--token-lifetime', lifetime, ...more];
  const emulator = spawn(BINARY, ['emulator', ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(emulator, 'exit');
  const closing = [];
  test.after(async () => {
    clearEnvironment();
    closing.forEach((close) => close());
    emulator.stdin.end();
    emulator.kill();
    await exit;
  });
  const line = once(createInterface(emulator.stdout), 'line', { signal: AbortSignal.timeout(20_000) });
  const [first] = await Promise.race([line, exit.then(() => Promise.reject(new Error('The emulator ended at once.')))]);
  const environment = JSON.parse(first);
  clearEnvironment();
  Object.assign(process.env, environment);
  const stats = async () => {
    const signal = AbortSignal.timeout(20_000);
    return (await fetch(`${environment.ENTRAKEY_EMULATOR_URL}/emulator/stats`, { signal })).json();
  };
  const control = async (path, body, method = body === undefined ? 'GET' : 'POST') => {
    const signal = AbortSignal.timeout(20_000);
    const options = { method, signal, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await fetch(`${environment.ENTRAKEY_EMULATOR_URL}/emulator/${path}`, options);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json().catch(() => undefined);
  };
  return {
    environment,
    stats,
    control,
    /** Closed with the test, before the emulator is: clients that would notice. */
    closeFirst: (...clients) => closing.push(() => clients.forEach((client) => client.destroy?.())),
    ca: readFileSync(environment.REDIS_CA_FILE),
    port: Number(environment.REDIS_PORT),
    tokenRequests: async () => (await stats()).token_requests.total,
    redis: async (objectId) => (await stats()).redis.by_object_id[objectId],
  };
}
