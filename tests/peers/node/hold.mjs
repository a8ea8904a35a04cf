// Holds the connections of all who live in an environment, until standard input ends: hold.mjs ENVIRONMENT
// PEERS_ENVIRONMENTS has the variables of all environments, as JSON. Prints what failed, by name, as JSON.
import { once } from 'node:events';
import { HOLDERS } from './holders.mjs';

const environments = JSON.parse(process.env.PEERS_ENVIRONMENTS);
const here = Object.entries(HOLDERS).filter(([, { environment = 'default' }]) => environment === process.argv[2]);
const done = new AbortController();
const failed = {};

const held = here.map(async ([name, { hold }]) => {
  try {
    await hold(name, environments, done.signal);
  } catch (error) {
    failed[name] = error.stack;
  }
});
once(process.stdin.resume(), 'end').then(() => done.abort());
await Promise.all(held);
console.log(JSON.stringify(failed));
process.exit(); // @redis/entraid's timers are not unref'ed
