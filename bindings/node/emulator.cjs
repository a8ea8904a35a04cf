'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { existsSync, statSync } = require('node:fs');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { COMMAND, isForeign } = require('./lib/environment.cjs');

const START_MS = 20_000; // the emulator starts in a tenth of a second; on a busy machine it takes longer
const STOP_MS = 10_000;
const REQUEST_MS = 10_000;

class EmulatorError extends Error {
  name = 'EmulatorError';
}

class Emulator {
  #process;
  #exit;
  #environments;
  #before;

  constructor(key, process, exit, environment) {
    if (key !== Emulator.#key) throw new TypeError('An emulator is made by Emulator.start().');
    this.#process = process;
    this.#exit = exit;
    this.#environments = { default: environment };
  }

  static #key = Symbol('made by start()');

  static async start({ tokenLifetime = '1h', verbose = false, ...options } = {}) {
    const given = ['emulator', '--format=json', '--exit-with-parent'];
    given.push(...toArguments({ tokenLifetime, quiet: !verbose, ...options }));
    const command = findCommand();
    const child = spawn(command, given, { stdio: ['pipe', 'pipe', verbose ? 'inherit' : 'pipe'] });
    const said = [];
    child.stderr?.on('data', (piece) => said.push(piece));
    const exit = once(child, 'close').catch((error) => said.push(error.message));
    const waiting = new AbortController();
    const late = setTimeout(() => child.kill('SIGKILL'), START_MS);
    try {
      const line = once(createInterface(child.stdout), 'line', { signal: waiting.signal });
      const [first] = await Promise.race([line, exit.then(() => [])]);
      if (first === undefined) {
        const why = said.join('').trim() || `nothing was said within ${START_MS / 1000} s`;
        throw new EmulatorError(`\`${command} ${given.join(' ')}\` did not start: ${why}`);
      }
      // A running emulator does not keep the program from ending, and ends with the program.
      for (const handle of [child, ...child.stdio]) handle?.unref();
      return new Emulator(Emulator.#key, child, exit, JSON.parse(first));
    } finally {
      clearTimeout(late);
      waiting.abort();
    }
  }

  get environment() {
    return { ...this.#environments.default };
  }

  async env(name = 'default') {
    if (!Object.hasOwn(this.#environments, name)) {
      this.#environments[name] = await this.control('GET', `/emulator/environment/${encodeURIComponent(name)}`);
    }
    return { ...this.#environments[name] };
  }

  async processEnvironment(name = 'default', more = {}) {
    const own = Object.fromEntries(Object.entries(process.env).filter(([variable]) => !isForeign(variable)));
    return { ...own, NO_PROXY: '127.0.0.1,localhost', ...(await this.env(name)), ...more };
  }

  async use(name = 'default', more = {}) {
    const during = await this.processEnvironment(name, more);
    this.#before ??= { ...process.env };
    become(during);
  }

  restore() {
    if (this.#before) become(this.#before);
    this.#before = undefined;
  }

  async control(method, path, body) {
    const url = this.#environments.default.ENTRAKEY_EMULATOR_URL + path;
    const init = { method, signal: AbortSignal.timeout(REQUEST_MS) };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    let answer, text;
    try {
      answer = await fetch(url, init);
      text = await answer.text();
    } catch (cause) {
      throw new EmulatorError(`${method} ${path}: the emulator does not answer.`, { cause });
    }
    if (!answer.ok) throw new EmulatorError(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  stats() {
    return this.control('GET', '/emulator/stats');
  }

  async tokenRequests() {
    return (await this.stats()).token_requests.total;
  }

  async connections(objectId) {
    const nothing = { connections: 0, auths: 0, expired: 0, commands: 0, connected: 0 };
    return (await this.stats()).redis.by_object_id[objectId] ?? nothing;
  }

  async stop() {
    this.restore();
    const child = this.#process;
    if (child.exitCode === null && child.signalCode === null) child.kill();
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.ref();
    await this.#exit;
    clearTimeout(late);
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.stop();
  }
}

function findCommand() {
  const named = process.env[COMMAND];
  const names = process.platform === 'win32' ? ['entrakey.exe'] : ['entrakey'];
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  const candidates = named ? [named] : folders.flatMap((folder) => names.map((name) => path.join(folder, name)));
  const found = candidates.find((file) => existsSync(file) && statSync(file).isFile());
  if (found) return found;
  const installed = named ? undefined : ofPackage();
  if (installed) return installed;
  const missing = named ? `${COMMAND} names '${named}', which` : 'The command `entrakey`';
  throw new EmulatorError(
    `${missing} was not found: install the package entrakey-cli, or build it with \`cargo build -p entrakey-cli\` in ` +
      `entrakey's repository, then put target/debug on PATH or set ${COMMAND} to target/debug/entrakey.`,
  );
}

/** What `npm install entrakey-cli` has installed for the program that runs, or beside this package. */
function ofPackage() {
  try {
    return require(require.resolve('entrakey-cli', { paths: [process.cwd(), __dirname] })).command;
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return undefined;
    throw new EmulatorError(error.message, { cause: error });
  }
}

/** { clusterPolicy: 'oss', nodes: 3, quiet: true } as --cluster-policy=oss --nodes=3 --quiet */
function toArguments(options) {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== null && value !== false)
    .map(([key, value]) => {
      const name = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      return value === true ? name : `${name}=${value}`;
    });
}

function become(environment) {
  for (const name of Object.keys(process.env)) {
    if (!Object.hasOwn(environment, name)) delete process.env[name];
  }
  Object.assign(process.env, environment);
}

module.exports = { Emulator, EmulatorError };
