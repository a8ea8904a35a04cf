// The story of tests/vectors/connections.json, told by ioredis, iovalkey or node-redis: the first argument says which. Prints
// the status when it is connected, goes on after a line on standard input, and prints it again when three
// re-authentications were accepted.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { Provider } from '../../bindings/node/index.mjs';
import { attach } from '../../bindings/node/ioredis.mjs';
import { clientOptions } from '../../bindings/node/node-redis.mjs';

const ROUNDS = 400;
const require = createRequire(new URL('../../bindings/node/package.json', import.meta.url));
const library = process.argv[2];
const { REDIS_HOST: host, REDIS_PORT: port, REDIS_CA_FILE: file } = process.env;
const ca = readFileSync(file);
const provider = new Provider();
const connect = library.startsWith('redis') ? nodeRedis : ioredis;

async function nodeRedis() {
  const { createClient } = require(library);
  const options = clientOptions({ RESP: 3, socket: { host, port: Number(port), tls: true, ca } }, provider);
  return Promise.all([1, 2, 3].map(() => createClient(options).connect()));
}

async function ioredis() {
  const { Redis } = require(library);
  const first = attach(new Redis({ host, port: Number(port), tls: { ca }, lazyConnect: true }), provider);
  const clients = [first, first.duplicate(), first.duplicate()];
  await Promise.all(clients.map((client) => client.connect()));
  return clients;
}

const clients = await connect();
console.log(JSON.stringify(provider.status()));
await once(process.stdin, 'data');
const [closed] = clients;
if (closed.destroy && library.startsWith('redis')) closed.destroy();
else closed.disconnect();
for (let round = 0; round < ROUNDS && provider.status().listeners.connections > 2; round++) await sleep(10);
provider.refresh();
for (let round = 0; round < ROUNDS && provider.status().counters.reauthsAccepted < 3; round++) await sleep(50);
console.log(JSON.stringify(provider.status()));
process.exit(0);
