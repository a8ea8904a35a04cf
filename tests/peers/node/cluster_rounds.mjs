// ioredis's Cluster through the proxy: SET and GET of keys that all nodes have, round after round.
import { Cluster } from 'ioredis';
import assert from 'node:assert/strict';

const { NAME, REDIS_PORT } = process.env;
const keys = Array.from({ length: 20 }, (_, number) => `${NAME}:${number}`);
let over = false;
process.stdin.on('data', () => {}).on('end', () => {
  over = true;
});

// A static password, as in the settings of many programs.
const start = [{ host: '127.0.0.1', port: Number(REDIS_PORT) }];
const client = new Cluster(start, { redisOptions: { password: 'a-dummy' } });
client.on('error', (error) => console.error(error)); // of a node that fails over it says so, and goes on
let rounds = 0;
while (!over) {
  for (const key of keys) {
    assert.equal(await client.set(key, rounds), 'OK');
    assert.equal(await client.get(key), String(rounds), key);
  }
  rounds += 1;
  console.log(rounds);
}
const places = client.nodes('all').map(({ options: { host, port } }) => `${host}:${port}`);
console.log(JSON.stringify({ rounds, places: places.sort() }));
process.exit(0);
