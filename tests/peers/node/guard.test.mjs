// The guard that the other tests rely on. 192.0.2.1 is an address for documentation, nobody's.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import dns, { lookup } from 'node:dns';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { refused } from './guard.mjs';
import { run } from './support.mjs';

const OUTSIDE = '192.0.2.1';

const attempts = {
  'net.connect by options': () => once(net.connect({ host: OUTSIDE, port: 80 }), 'connect'),
  'net.connect by arguments': () => once(net.connect(80, OUTSIDE), 'connect'),
  'a socket of its own': () => once(new net.Socket().connect(80, OUTSIDE), 'connect'),
  'tls.connect': () => once(tls.connect(443, OUTSIDE), 'secureConnect'),
  'http.request': () => once(http.get(`http://${OUTSIDE}/`), 'response'),
  'fetch': () => fetch(`http://${OUTSIDE}/`).catch((error) => Promise.reject(error.cause)),
  'IPv6': () => once(net.connect(80, '2001:db8::1'), 'connect'),
  'dns.lookup': () => promisify(lookup)('entra.invalid'),
  'dns.promises': () => dns.promises.resolve4('entra.invalid'),
  'a connection by name': () => once(net.connect(443, 'entra.invalid'), 'connect'),
  'a datagram': async () => dgram.createSocket('udp4').unref().send('?', 53, OUTSIDE),
};

for (const [name, attempt] of Object.entries(attempts)) {
  test(`${name} is refused and remembered`, async () => {
    await assert.rejects(attempt, { code: 'ELEAVESLOOPBACK' });
    assert.equal(refused.length, 1);
    refused.length = 0;
  });
}

test('loopback is not refused', async () => {
  const server = net.createServer((socket) => socket.destroy()).listen(0, 'localhost');
  await once(server, 'listening');
  await once(net.connect(server.address().port, 'localhost'), 'close');
  server.close();
  assert.deepEqual(refused, []);
});

test('a program that hides an attempt fails', async () => {
  const program = `fetch('http://${OUTSIDE}/').catch(() => {})`;
  const { code, stderr } = await run(['--input-type=module', '-e', program]);
  assert.equal(code, 1);
  assert.match(stderr, /192\.0\.2\.1/);
});
