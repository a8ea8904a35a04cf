// The package with its optimised binary, as a user would have it, and the peers that are installed for the tests.
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(PACKAGE, '../../target');
const LIBRARIES = { linux: 'libentrakey_node.so', darwin: 'libentrakey_node.dylib' };

/** A folder where `require('entrakey')` is that package. */
export function packageUnderTest() {
  const library = path.join(TARGET, 'release', LIBRARIES[process.platform] ?? '');
  if (!existsSync(library)) throw new Error(`${library} is missing: cargo build --release -p entrakey-node`);
  const folder = path.join(TARGET, 'node-bench/node_modules/entrakey');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { files, name } = createRequire(import.meta.url)('../package.json');
  for (const file of ['package.json', 'lib', ...files.filter((f) => f.endsWith('.*')).map((f) => f.replace('.*', '.cjs'))]) {
    cpSync(path.join(PACKAGE, file), path.join(folder, file), { recursive: true });
  }
  const { candidates } = createRequire(import.meta.url)('../lib/platform.cjs');
  cpSync(library, path.join(folder, `${name}.${candidates()[0]}.node`));
  return path.join(TARGET, 'node-bench');
}

/** Where the peers are. */
export const PEERS_FOLDER = PACKAGE;
