'use strict';

const { existsSync } = require('node:fs');
const path = require('node:path');
const { EntrakeyError } = require('./errors.cjs');
const { version } = require('../package.json');

const ROOT = path.join(__dirname, '..');
const BUILD = '"npm run build" in bindings/node of the entrakey sources makes one (it needs Rust)';

/** The binaries that may fit; on Linux the loader says which C library is here. */
function candidates() {
  const target = `${process.platform}-${process.arch}`;
  const names = process.platform === 'linux' ? [`${target}-gnu`, `${target}-musl`] : [target];
  return names.map((name) => `entrakey.${name}.node`);
}

// The code that hosts and bundlers know from a missing optional package.
function unavailable(message, cause) {
  const error = new EntrakeyError({ code: 'MODULE_NOT_FOUND', message });
  if (cause !== undefined) error.cause = cause;
  return error;
}

function load() {
  const host = `${process.platform}-${process.arch}, Node.js ${process.version}`;
  let cause;
  for (const name of candidates()) {
    const file = path.join(ROOT, name);
    if (!existsSync(file)) continue;
    try {
      return { name, native: require(file) };
    } catch (error) {
      cause = error;
    }
  }
  const names = candidates().join(' or ');
  throw unavailable(
    cause === undefined
      ? `entrakey has no native binary for this platform (${host}): ${names} is missing. ` +
          `Install entrakey again on this machine; ${BUILD}.`
      : `The native binary of entrakey cannot be loaded here (${host}): ${cause.message}. ` +
          `It may be for another C library or processor. Install entrakey again on this machine; ${BUILD}.`,
    cause,
  );
}

const { name, native } = load();

// A binary that an older build left behind would fail later, and in stranger ways.
if (native.libraryVersion() !== version) {
  throw unavailable(`${name} is of entrakey ${native.libraryVersion()}, the package of ${version}: ${BUILD}.`);
}

module.exports = native;
