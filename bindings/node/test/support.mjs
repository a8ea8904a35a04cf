// What several test files need.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

export const claims = (token) => JSON.parse(Buffer.from(token.secret.split('.')[1], 'base64url').toString());

/** Waits until `condition()` holds, and not for ever. */
export async function until(what, condition) {
  const end = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within 20 s`);
    await sleep(10);
  }
}

/**
 * A loopback port that nobody has, and that this gives to nobody else, in any process, until this process ends. Its sign
 * is a name in the abstract namespace of Unix sockets.
 */
export async function freePort() {
  for (;;) {
    // Below what Linux gives to connections and to port 0 (net.ipv4.ip_local_port_range begins at 32768).
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const sign = createServer().listen(`\0entrakey-port-${port}`);
    const server = createServer();
    try {
      await once(sign, 'listening');
      await once(server.listen(port, '127.0.0.1'), 'listening');
    } catch {
      sign.close();
      continue;
    }
    sign.unref();
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** The address of a loopback port that nobody listens on. */
export async function closedEndpoint() {
  return `http://127.0.0.1:${await freePort()}`;
}

/** A source that takes connections and never answers. */
export async function silentEndpoint(test) {
  const sockets = new Set();
  const server = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** A port that leads to another one until `cut()`, which closes the connections; new ones are taken at once. */
export async function relayTo(test, port) {
  const sockets = new Set();
  const keep = (socket) => sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    [near, far].forEach(keep);
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => sockets.forEach((socket) => socket.destroy());
  test.after(() => {
    server.close();
    cut();
  });
  return { port: server.address().port, cut };
}

/** Runs a program in a Node.js of its own and says how it ended. `require('entrakey')` works in it. */
export function runProgram(program, { env = process.env, esm = false, flags = [] } = {}) {
  const started = performance.now();
  const kind = esm ? ['--input-type=module'] : [];
  return new Promise((resolve) => {
    execFile(process.execPath, [...flags, ...kind, '-e', program], { cwd: PACKAGE, env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr, ms: performance.now() - started });
    });
  });
}
