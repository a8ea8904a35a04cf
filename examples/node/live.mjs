// One node-redis connection that reads and writes while its token is replaced under it.
//
// usage: live.mjs SECONDS     (identity and addresses from the environment, see `entrakey emulator`)
// Prints one line of JSON every half second: commands, errors and reconnects so far.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import { Provider } from 'entrakey';
import { credentialsProvider } from 'entrakey/node-redis';

const provider = new Provider({});
const client = createClient({
  credentialsProvider: credentialsProvider(provider),
  socket: {
    host: process.env.REDIS_HOST,
    port: Number(process.env.REDIS_PORT),
    tls: true,
    ca: readFileSync(process.env.REDIS_CA_FILE),
  },
  disableOfflineQueue: true, // a failed command shall be seen, not repaired
});
const count = { commands: 0, errors: 0, reconnects: 0 };
client.on('error', (error) => console.error(`node-redis: ${error.message}`));
client.on('reconnecting', () => count.reconnects++);
await client.connect();

const end = Date.now() + Number(process.argv[2]) * 1000;
let report = 0;
while (Date.now() < end) {
  try {
    const value = String(count.commands);
    await client.set('demo:node-redis', value);
    if ((await client.get('demo:node-redis')) !== value) throw new Error('read something else than was written');
    count.commands += 2;
  } catch (error) {
    count.errors++;
    console.error(`node-redis: ${error.message}`);
    await sleep(200);
  }
  if (Date.now() > report) {
    console.log(JSON.stringify(count));
    report = Date.now() + 500;
  }
  await sleep(10);
}
console.log(JSON.stringify(count));
client.destroy();
provider.close();
process.exitCode = count.errors + count.reconnects ? 1 : 0;
