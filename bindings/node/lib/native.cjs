'use strict';

const { existsSync } = require('node:fs');
const path = require('node:path');
const { EntrakeyError } = require('./errors.cjs');
const { candidates, host } = require('./platform.cjs');
const { version } = require('../package.json');

/** The path of this file. In a bundle that is the bundle's path, or undefined. */
const HERE = typeof __filename === 'string' ? __filename : '';
const ROOT = path.join(path.dirname(HERE), '..');
const EXTERNAL =
  'the native binary cannot be part of a bundle. Leave the package out of it, so that it is loaded from node_modules, ' +
  "which has to be there at run time: esbuild --external:entrakey, webpack externals: [/^entrakey($|\\/)/] and " +
  "externalsType: 'commonjs', Rollup external: [/^entrakey/], Vite ssr.external: ['entrakey'], Next.js " +
  "serverExternalPackages: ['entrakey']";
const BUILD = '"npm run build" in bindings/node of the entrakey sources makes one (it needs Rust)';
const AGAIN =
  'Install entrakey again on this machine, and with optional dependencies (npm leaves them out with --omit=optional, ' +
  'and a node_modules folder or container layer from another platform has the wrong one)';

function isBundled() {
  return path.basename(HERE) !== 'native.cjs' || !existsSync(HERE);
}

// Hosts and bundlers know this code: Node.js gives it for a missing optional package.
function unavailable(message, cause) {
  const error = new EntrakeyError({ code: 'MODULE_NOT_FOUND', message });
  if (cause !== undefined) error.cause = cause;
  return error;
}

/** The places of a binary: beside this package after a local build, else in the package for its platform. */
function find(name) {
  const built = path.join(ROOT, `entrakey.${name}.node`);
  if (existsSync(built)) return built;
  try {
    return require.resolve(`entrakey-${name}/entrakey.${name}.node`);
  } catch {
    return undefined;
  }
}

function load() {
  let cause;
  for (const name of candidates()) {
    const file = find(name);
    if (file === undefined) continue;
    try {
      return { name: path.basename(file), native: require(file) };
    } catch (error) {
      cause = error;
    }
  }
  if (isBundled()) throw unavailable(`entrakey was put into a bundle${HERE && ` (${HERE})`}: ${EXTERNAL}.`, cause);
  const names = candidates()
    .map((name) => `entrakey-${name}`)
    .join(' or ');
  throw unavailable(
    cause === undefined
      ? `entrakey has no native binary for this platform (${host()}): the package ${names} is missing. ${AGAIN}; ${BUILD}.`
      : `The native binary of entrakey cannot be loaded here (${host()}): ${cause.message}. ` +
          `It may be for another C library or processor. ${AGAIN}; ${BUILD}.`,
    cause,
  );
}

const { name, native } = load();

// A binary that an older build left behind is refused now: it would fail later, with errors that mislead.
if (native.libraryVersion() !== version) {
  throw unavailable(`${name} is of entrakey ${native.libraryVersion()}, the package of ${version}: ${AGAIN}; ${BUILD}.`);
}

module.exports = native;
