// A real redis-server, for what the emulator's own Redis does not do: Lua.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closedEndpoint } from './support.mjs';

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

/** The address of a redis-server with a password that ends with the test: what the emulator takes as --proxy. */
export async function startRedisServer(test) {
  const port = new URL(await closedEndpoint()).port;
  const folder = mkdtempSync(path.join(tmpdir(), 'entrakey-redis-'));
  const options = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', folder, '--requirepass', PASSWORD];
  const server = spawn('redis-server', options, { stdio: 'ignore' });
  const exit = once(server, 'exit');
  test.after(async () => {
    server.kill();
    await exit;
    rmSync(folder, { recursive: true });
  });
  for (const end = Date.now() + 20_000; !(await accepts(port)); await sleep(20)) {
    if (server.exitCode !== null || Date.now() > end) throw new Error('redis-server does not come up');
  }
  return `redis://:${PASSWORD}@127.0.0.1:${port}`;
}
