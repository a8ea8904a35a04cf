// Builds the native half and puts it beside index.cjs: node build.mjs [--release]
import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const profile = process.argv.includes('--release') ? 'release' : 'debug';

// What others are given has no path of this machine in it. (Windows has no POSIX shell.)
const isGiven = profile === 'release' && process.platform !== 'win32';
const launcher = isGiven ? [path.join(here, '../../scripts/build/release.sh')] : [];

function cargo(args, options) {
  return run(['cargo', ...args], options);
}

function run([command, ...args], options) {
  try {
    return execFileSync(command, args, { cwd: here, encoding: 'utf8', ...options });
  } catch (error) {
    const reason =
      error.code === 'ENOENT' ? 'cargo was not found: install Rust (rustup.rs).' : 'cargo failed; its output says why.';
    console.error(`entrakey: ${reason}`);
    process.exit(1);
  }
}

const libraries = {
  linux: 'libentrakey_node.so',
  darwin: 'libentrakey_node.dylib',
  win32: 'entrakey_node.dll',
};
const library = libraries[process.platform];
if (library === undefined) {
  console.error(`entrakey: ${process.platform} is not supported; the platforms are ${Object.keys(libraries).join(', ')}.`);
  process.exit(1);
}

const release = profile === 'release' ? ['--release'] : [];
run([...launcher, 'cargo', 'build', '-p', 'entrakey-node', ...release], { stdio: 'inherit' });

// Cargo knows the target directory, whatever variable or file sets it.
const { target_directory: target } = JSON.parse(
  cargo(['metadata', '--format-version', '1', '--no-deps', '--offline'], { stdio: ['ignore', 'pipe', 'inherit'] }),
);
const abis = { linux: () => (cargo(['-vV']).includes('-musl') ? '-musl' : '-gnu'), win32: () => '-msvc' };
const abi = abis[process.platform]?.() ?? '';
const file = path.join(here, `entrakey.${process.platform}-${process.arch}${abi}.node`);

// Renamed into place: a process that has the old one loaded keeps it.
copyFileSync(path.join(target, profile, library), `${file}.new`);
renameSync(`${file}.new`, file);
console.log(`built ${path.relative(process.cwd(), file)} (${profile})`);
