// One provider and one client for the process. A development server loads modules anew after each change, and would make a
// provider each time: what is made once is kept where a new copy of this module finds it.
import { readFileSync } from 'node:fs';
import { Provider } from 'entrakey';
import { clientOptions } from 'entrakey/node-redis';
import { createClient } from 'redis';

const KEPT = Symbol.for('my-app.redis');

async function connect() {
  const { REDIS_HOST: host, REDIS_PORT: port, REDIS_CA_FILE: ca } = process.env;
  const provider = new Provider();
  const socket = { host, port: Number(port), tls: true, ...(ca && { ca: readFileSync(ca) }) };
  const client = createClient(clientOptions({ socket }, provider));
  client.on('error', (error) => console.error(error.message));
  try {
    await client.connect();
  } catch (error) {
    globalThis[KEPT] = undefined; // the next request tries again
    provider.close();
    throw error;
  }
  return { provider, client };
}

/** The provider and the connected client; made at the first request, not while the site is built. */
export function redis() {
  return (globalThis[KEPT] ??= connect());
}
