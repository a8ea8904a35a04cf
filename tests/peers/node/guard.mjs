// Refuses every connection and every look-up of a name that would leave loopback, in this process:
// node --import ./guard.mjs. The libraries under test have addresses of Microsoft's built in, and fall back on them
// when they are pointed at the emulator in a wrong way. A library may swallow the error: what was refused is kept,
// and a process that would have ended well ends with an exit code of 1.
import dgram from 'node:dgram';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

export const refused = [];

class LeavesLoopback extends Error {
  constructor(host) {
    super(`${host} is not loopback`);
    this.code = 'ELEAVESLOOPBACK';
  }
}

/** The error if the host is none of loopback's. */
function check(host) {
  if (!host || host === 'localhost' || host === '::1' || (net.isIPv4(host) && host.startsWith('127.'))) return;
  refused.push(host);
  return new LeavesLoopback(host);
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  const [first, second] = Array.isArray(given[0]) ? given[0] : given;
  const named = typeof first === 'object' ? first.host : typeof second === 'string' ? second : undefined;
  const error = check(named);
  if (error === undefined) return connect.apply(this, given);
  process.nextTick(() => this.destroy(error));
  return this;
};

const send = dgram.Socket.prototype.send;
dgram.Socket.prototype.send = function (...given) {
  const error = check(given.filter((one) => typeof one === 'string').at(-1));
  if (error) throw error;
  return send.apply(this, given);
};

for (const name of Object.keys(dns).filter((name) => /^(lookup|resolve|reverse)/.test(name))) {
  const original = dns[name];
  dns[name] = function (host, ...rest) {
    const error = check(host);
    if (error === undefined) return original.call(this, host, ...rest);
    process.nextTick(rest.at(-1), error);
  };
  const promised = dns.promises[name];
  dns.promises[name] = async function (host, ...rest) {
    const error = check(host);
    if (error) throw error;
    return promised.call(this, host, ...rest);
  };
}
syncBuiltinESMExports();

process.on('exit', () => {
  if (refused.length === 0) return;
  console.error(`what would have left loopback was refused: ${refused.join(', ')}`);
  process.exitCode ||= 1;
});
