// What the tests have in common.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEFAULT_TOKEN_MANAGER_CONFIG } from '@redis/entraid';

export const RESOURCE = 'https://redis.azure.com';
export const SCOPE = `${RESOURCE}/.default`;
export const IDENTITIES = fileURLToPath(new URL('../identities.toml', import.meta.url));
process.env.ENTRAKEY_BIN ??= fileURLToPath(new URL('../../../target/debug/entrakey', import.meta.url));

/** Half a token's life to renew it in: a machine that is busy with other tests is slow at times. */
export const TOKEN_MANAGER_CONFIG = { ...DEFAULT_TOKEN_MANAGER_CONFIG, expirationRefreshRatio: 0.5 };

export const GUARD = fileURLToPath(new URL('guard.mjs', import.meta.url));
export const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Runs a program of this folder behind the guard, in a process of its own; says how it ended. */
export function run(args, options) {
  return new Promise((resolve) => {
    const given = { cwd: HERE, timeout: 60_000, ...options };
    execFile(process.execPath, ['--import', GUARD, ...args], given, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr });
    });
  });
}

export const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

/** For node-redis: a connection that was dropped is an error and not a new connection. */
export function redisOptions({ REDIS_HOST, REDIS_PORT, REDIS_CA_FILE }) {
  const socket = { host: REDIS_HOST, port: Number(REDIS_PORT), tls: true, ca: readFileSync(REDIS_CA_FILE) };
  return { socket: { ...socket, servername: 'localhost', reconnectStrategy: false }, disableOfflineQueue: true };
}
