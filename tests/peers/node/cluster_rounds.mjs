// node-redis or ioredis in a cluster, through the proxy: SET and GET of keys that all nodes have, round after round.
import { createCluster } from '@redis/client';
import { Cluster } from 'ioredis';
import assert from 'node:assert/strict';

const { NAME, REDIS_PORT } = process.env;
const [, , library, retryDelay] = process.argv;
const [host, port] = ['127.0.0.1', Number(REDIS_PORT)];
const password = 'a-dummy'; // as in the settings of many programs
const keys = Array.from({ length: 20 }, (_, number) => `${NAME}:${number}`);
let interrupted = 0;
const complain = (error) => console.error(error); // of a node that fails over it says so, and goes on

const INTERRUPTED = ['SocketClosedUnexpectedlyError', 'DisconnectsClientError', 'TimeoutError'];

/** node-redis leaves it to its caller whether what was under way to a node that has gone is to be sent again. */
async function untilAnswered(command) {
  for (;;) {
    try {
      return await command();
    } catch (error) {
      if (!INTERRUPTED.includes(error.constructor.name)) throw error;
      interrupted += 1;
    }
  }
}

const LIBRARIES = {
  async 'node-redis'() {
    const client = createCluster({ rootNodes: [{ socket: { host, port } }], defaults: { password } });
    await client.on('error', complain).connect();
    const places = () => client.masters.map(({ address }) => address);
    return {
      set: (key, value) => untilAnswered(() => client.set(key, value)),
      get: (key) => untilAnswered(() => client.get(key)),
      places,
    };
  },
  async ioredis() {
    const options = retryDelay === undefined ? {} : { retryDelayOnFailover: Number(retryDelay) };
    const client = new Cluster([{ host, port }], { redisOptions: { password }, ...options });
    client.on('error', complain);
    const places = () => client.nodes('all').map(({ options }) => `${options.host}:${options.port}`);
    return { set: (key, value) => client.set(key, value), get: (key) => client.get(key), places };
  },
};

let over = false;
process.stdin.on('end', () => (over = true)).resume();
const { set, get, places } = await LIBRARIES[library]();
let rounds = 0;
while (!over) {
  for (const key of keys) {
    assert.equal(await set(key, String(rounds)), 'OK');
    assert.equal(await get(key), String(rounds), key);
  }
  rounds += 1;
  console.log(rounds);
}
console.log(JSON.stringify({ rounds, interrupted, places: places().sort() }));
process.exit(0);
