// node-redis or ioredis through the proxy: the rounds of tests/proxy/clients.py, RESP3 in the first and RESP2 in the second.
import { createClient } from '@redis/client';
import { Redis } from 'ioredis';
import assert from 'node:assert/strict';

const { NAME, REDIS_HOST: host, REDIS_PORT, REDIS_SOCKET: path } = process.env;
const PIPELINE = 500;
const [channel, heard, nothing, key] = ['news', 'heard', 'nothing', 'key'].map((kind) => `${kind}:${NAME}`);

function fail(error) {
  console.error(error);
  process.exit(1);
}

/** A static password, as in the settings of many programs; a connection that is dropped is an error. */
const LIBRARIES = {
  async 'node-redis'() {
    const socket = { host, port: Number(REDIS_PORT), reconnectStrategy: false };
    const client = createClient({ socket, password: 'a-dummy', RESP: 3, disableOfflineQueue: true });
    await client.on('error', fail).connect();
    return {
      send: (...words) => client.sendCommand(words),
      subscribe: (heed) => client.subscribe(channel, heed),
      pipeline: (values) => Promise.all(values.map((value) => client.echo(value))),
    };
  },
  async ioredis() {
    const client = new Redis({ path, password: 'a-dummy', retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on('error', fail).on('close', () => fail(new Error('closed')));
    return {
      send: (...words) => client.call(...words),
      subscribe: (heed) => client.on('message', (_, message) => heed(message)).subscribe(channel),
      async pipeline(values) {
        const pipeline = client.pipeline();
        for (const value of values) pipeline.echo(value);
        return (await pipeline.exec()).map(([error, value]) => {
          if (error) throw error;
          return value;
        });
      },
    };
  },
};

let over = false;
process.stdin.on('end', () => (over = true)).resume();
const connect = LIBRARIES[process.argv[2]];
const [{ send, pipeline }, forwarder, subscriber] = await Promise.all([connect(), connect(), connect()]);
await send('DEL', heard);
await subscriber.subscribe((message) => forwarder.send('RPUSH', heard, message).catch(fail));
let rounds = 0;
while (!over) {
  const value = String(rounds);
  assert.equal(await send('SET', key, value), 'OK');
  assert.equal(await send('GET', key), value);
  const values = Array.from({ length: PIPELINE }, (_, number) => `${rounds}.${number}`);
  assert.deepEqual(await pipeline(values), values);
  assert.equal(await send('PUBLISH', channel, value), 1);
  assert.deepEqual(await send('BLPOP', heard, '20'), [heard, value]);
  assert.equal(await send('BLPOP', nothing, '1'), null);
  if (++rounds === 1) console.log('ready');
}
console.log(JSON.stringify({ rounds }));
process.exit(0); // the subscriber still listens
