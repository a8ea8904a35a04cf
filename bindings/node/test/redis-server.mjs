// A real redis-server, for what the emulator's own Redis does not do: Lua.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './support.mjs';

const PASSWORD = 'backend-secret';

async function accepts(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Starts redis-server with these options on a free port until the test ends. */
async function start(test, ...options) {
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'entrakey-redis-'));
  const configuration = path.join(folder, 'redis.conf');
  const own = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`];
  writeFileSync(configuration, [...own, ...options.filter((line) => !line.startsWith('--'))].join('\n'));
  const flags = options.filter((line) => line.startsWith('--'));
  const server = spawn('redis-server', [configuration, ...flags], { stdio: 'ignore' });
  const exit = once(server, 'exit');
  test.after(async () => {
    server.kill();
    await exit;
    rmSync(folder, { recursive: true });
  });
  for (const end = Date.now() + 20_000; !(await accepts(port)); await sleep(20)) {
    if (server.exitCode !== null || Date.now() > end) throw new Error('redis-server does not come up');
  }
  return port;
}

/** The address of a redis-server with a password: what the emulator takes as --proxy. */
export async function startRedisServer(test) {
  return `redis://:${PASSWORD}@127.0.0.1:${await start(test, 'save ""', `requirepass ${PASSWORD}`)}`;
}

/** The port of a sentinel that knows that server as `mymaster`. */
export function startSentinel(test, server) {
  const { hostname, port } = new URL(server);
  const monitor = [`sentinel monitor mymaster ${hostname} ${port} 1`, `sentinel auth-pass mymaster ${PASSWORD}`];
  return start(test, ...monitor, '--sentinel');
}
