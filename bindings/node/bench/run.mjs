// The Node.js package beside its peers and a floor, in one run, as ratios: node bench/run.mjs
//
// Every comparison alternates, so that a busy machine is busy for both, and is judged by its median. Where a time itself is
// to be reached, the fastest run is judged, since a busy machine only adds to it. Medians are printed with the range.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Emulator } from '../emulator.mjs';
import { PEERS_FOLDER, packageUnderTest } from './package-under-test.mjs';
import { PROGRAMS } from './programs.mjs';

process.env.ENTRAKEY_BIN ??= fileURLToPath(new URL('../../../target/debug/entrakey', import.meta.url));
const ours = packageUnderTest();
const folderOf = (name) => (name === 'entrakey' ? ours : PEERS_FOLDER);

let missed = 0;

/** One line: what was measured, what is to be reached, whether it was. */
function verdict(what, value, limit, unit = '') {
  const met = value <= limit;
  if (!met) missed++;
  console.log(`${met ? 'ok  ' : 'MISS'} ${what}: ${value.toFixed(2)}${unit} (to reach: ${limit}${unit})`);
}

const sorted = (values) => [...values].sort((a, b) => a - b);
const median = (values) => sorted(values)[Math.floor(values.length / 2)];
const range = (values, digits = 2) => {
  const all = sorted(values);
  return `${median(all).toFixed(digits)} (${all[0].toFixed(digits)}-${all.at(-1).toFixed(digits)})`;
};

/** What a program prints, as JSON. */
function run(name, program, environment, ...flags) {
  const options = { cwd: folderOf(name), env: { ...process.env, ...environment }, encoding: 'utf8', timeout: 60_000 };
  return JSON.parse(execFileSync(process.execPath, [...flags, '-e', program], options));
}

/** In one process, alternating with the floor: ns of each and their ratio. */
const CACHED = `
  (async () => {
    const held = {};
    const until = Date.now() + 3_600_000;
    const floor = async () => (Date.now() < until ? held : undefined);
    await token();
    const time = async (call, calls) => {
      const start = performance.now();
      for (let i = 0; i < calls; i++) await call();
      return ((performance.now() - start) / calls) * 1e6;
    };
    const rounds = [];
    for (const call of [floor, token]) await time(call, CALLS);
    for (let round = 0; round < 15; round++) rounds.push([await time(floor, CALLS * 5), await time(token, CALLS)]);
    console.log(JSON.stringify(rounds));
    process.exit();
  })();`;

function cached({ environment }) {
  console.log('\nA token that is in memory, against an async function that reads a clock');
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const calls = name === 'entrakey' ? 50_000 : 2_000;
    const rounds = run(name, program + CACHED.replaceAll('CALLS', calls), environment);
    const ratios = rounds.map(([floor, call]) => call / floor);
    console.log(`     ${name}: ${range(rounds.map(([, call]) => call), 0)} ns, floor ${range(rounds.map(([floor]) => floor), 0)} ns, ratio ${range(ratios)}`);
    if (name === 'entrakey') verdict('await getToken() / async function with a clock', median(ratios), 1.5);
  }
}

function loading() {
  console.log('\nWhat require() adds');
  const measure = `
    process.memoryUsage.rss(); // what the first call of it loads is not ours
    gc();
    const before = [performance.now(), process.memoryUsage.rss()];
    require(NAME);
    console.log(JSON.stringify([performance.now() - before[0], (process.memoryUsage.rss() - before[1]) / 2 ** 20]));`;
  for (const name of Object.keys(PROGRAMS)) {
    const rounds = Array.from({ length: 11 }, () => run(name, measure.replace('NAME', `'${name}'`), {}, '--expose-gc'));
    const [ms, mib] = [0, 1].map((index) => rounds.map((round) => round[index]));
    console.log(`     ${name}: ${range(ms)} ms, ${range(mib)} MiB`);
    if (name !== 'entrakey') continue;
    verdict('require, ms, the fastest run', Math.min(...ms), 10);
    verdict('require, MiB', median(mib), 4);
  }
}

function cold({ environment }) {
  console.log('\nFrom the start of a process to its first token');
  const names = Object.keys(PROGRAMS);
  const program = (name) => `${PROGRAMS[name]} token().then(() => { console.log('1'); process.exit(); });`;
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < 11; round++) {
    for (const name of names) {
      const start = performance.now();
      run(name, program(name), environment);
      times[name].push(performance.now() - start);
    }
  }
  for (const name of names) console.log(`     ${name}: ${range(times[name], 0)} ms`);
  const [best] = names.filter((name) => name !== 'entrakey').sort((a, b) => median(times[a]) - median(times[b]));
  const shares = times.entrakey.map((ms, round) => ms / times[best][round]);
  console.log(`     share of ${best}, the best peer, by round: ${range(shares)}`);
  verdict(`cold start / ${best}`, median(shares), 0.35);
}

async function concurrent(emulator) {
  console.log('\nA hundred promises on an empty cache: token requests');
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const before = await emulator.tokenRequests();
    run(name, `${program} Promise.all(Array.from({ length: 100 }, token)).then(() => { console.log('1'); process.exit(); });`, emulator.environment);
    const made = (await emulator.tokenRequests()) - before;
    console.log(`     ${name}: ${made}`);
    if (name === 'entrakey') verdict('requests', made, 1);
  }
}

/** What a wait costs: an endpoint answers once all of them have begun, and only what comes after that is counted. */
const WAITS = `
  const http = require('node:http');
  const { Provider } = require('entrakey');
  const body = JSON.stringify({ access_token: 'opaque', expires_in: '3600', token_type: 'Bearer' });
  (async () => {
    const cost = {};
    for (const count of COUNTS) {
      let answer;
      const asked = new Promise((resolve) => { answer = resolve; });
      const server = http.createServer((request, response) => answer(() => response.end(body)));
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      const imdsEndpoint = 'http://127.0.0.1:' + server.address().port;
      const provider = new Provider({ identity: 'managed_identity', imdsEndpoint, username: 'me', getTokenTimeoutMs: 60_000 });
      const begun = performance.now();
      const waits = Array.from({ length: count }, () => provider.getToken());
      const waiting = performance.now() - begun;
      const reply = await asked;
      const answered = performance.now();
      reply();
      await Promise.all(waits);
      cost[count] = ((waiting + performance.now() - answered) / count) * 1000;
      provider.close();
      server.close();
    }
    console.log(JSON.stringify(cost));
    process.exit();
  })();`;

function waits() {
  const counts = [1_000, 50_000];
  console.log('\nWaits on an empty cache, from the call to its answer, without the time that the source takes');
  const rounds = Array.from({ length: 5 }, () => run('entrakey', WAITS.replace('COUNTS', JSON.stringify(counts)), {}));
  for (const count of counts) console.log(`     ${count}: ${range(rounds.map((round) => round[count]), 1)} us each`);
  verdict('a wait among 50,000 / one among 1,000', median(rounds.map((round) => round[50_000] / round[1_000])), 2);
}

/** The longest that the event loop waits for us: each call into the addon, and each piece of news from it. */
const BLOCKING = `
  const { createRequire } = require('node:module');
  const native = require('./node_modules/entrakey/lib/native.cjs');
  const longest = {};
  const timed = (name, call) => (...args) => {
    const start = performance.now();
    try { return call(...args); } finally { longest[name] = Math.max(longest[name] ?? 0, performance.now() - start); }
  };
  for (const [name, call] of Object.entries(native)) {
    const measured = timed(name, call);
    native[name] = (...args) => measured(...args.map((arg) => (typeof arg === 'function' ? timed(name + ' news', arg) : arg)));
  }
  const { Provider } = require('entrakey');
  (async () => {
    for (let round = 0; round < 20; round++) {
      const provider = new Provider({ identity: 'managed_identity' });
      const subscription = provider.subscribe(() => {});
      provider.on('token_refreshed', () => {});
      await provider.getToken();
      for (let i = 0; i < 20; i++) { provider.current(); provider.status(); provider.metrics(); }
      provider.reportRejected(1, 'WRONGPASS');
      subscription.unsubscribe();
      provider.close();
      if (round === 0) for (const name of Object.keys(longest)) delete longest[name]; // compiling
    }
    console.log(JSON.stringify(longest));
    process.exit();
  })();`;

function blocking({ environment }) {
  console.log('\nThe longest piece of work on the event loop');
  const rounds = Array.from({ length: 9 }, () => run('entrakey', BLOCKING, environment));
  const names = Object.keys(rounds[0]);
  const longest = Object.fromEntries(names.map((name) => [name, Math.min(...rounds.map((round) => round[name] ?? 0))]));
  const slowest = names.sort((a, b) => longest[b] - longest[a]).slice(0, 3);
  for (const name of slowest) console.log(`     ${name}: ${range(rounds.map((round) => round[name] ?? 0))} ms`);
  verdict('ms, in the fastest run', longest[slowest[0]], 1);
}

function versions() {
  const require = createRequire(path.join(PEERS_FOLDER, 'x.js'));
  const of = (name) => require(path.join(PEERS_FOLDER, 'node_modules', name, 'package.json')).version;
  const peers = Object.keys(PROGRAMS).filter((name) => name !== 'entrakey');
  return peers.map((name) => `${name} ${of(name)}`).join(', ');
}

const emulator = await Emulator.start();
console.log(`Node.js ${process.version}, ${versions()}`);
cached(emulator);
loading();
cold(emulator);
await concurrent(emulator);
waits();
blocking(emulator);
await emulator.stop();
process.exitCode = missed > 0 ? 1 : 0;
