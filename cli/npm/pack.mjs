// Makes the command's packages: node pack.mjs OUT FOLDER
//
// OUT/entrakey-cli holds JavaScript alone; OUT/entrakey-cli-PLATFORM one binary each, of which npm installs the one that fits. The
// binaries, entrakey.PLATFORM, are taken from FOLDER. The platforms are the library's (bindings/node/platforms.json), as far as
// they have signals and Unix sockets.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.join(HERE, '../..');
const [out, binaries] = process.argv.slice(2).map((argument) => path.resolve(argument));
if (binaries === undefined) {
  console.error('usage: node pack.mjs OUT FOLDER');
  process.exit(2);
}
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const platforms = read(path.join(ROOT, 'bindings/node/platforms.json')).filter(({ os }) => os !== 'win32');
const { private: _, ...common } = read(path.join(HERE, 'package.json'));
const { version, description, license, engines } = common;

const LICENCES = ['LICENSE-APACHE', 'LICENSE-MIT'];
/** With a binary, those of the libraries that it is linked from. */
const OF_A_BINARY = [...LICENCES, 'THIRD-PARTY-NOTICES'];

/** Writes a package and packs it. */
function pack(manifest, texts, fill) {
  const folder = path.join(out, manifest.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  fill(folder);
  for (const text of texts) copyFileSync(path.join(ROOT, text), path.join(folder, text));
  const listed = { ...manifest, files: [...manifest.files, ...texts] };
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(listed, undefined, 2)}\n`);
  const file = execFileSync('npm', ['pack', '--silent', '--pack-destination', out], { cwd: folder, encoding: 'utf8' });
  console.log(path.join(out, file.trim()));
}

const optionalDependencies = Object.fromEntries(platforms.map(({ name }) => [`entrakey-cli-${name}`, version]));
pack({ ...common, optionalDependencies }, LICENCES, (folder) => {
  for (const file of common.files) copyFileSync(path.join(HERE, file), path.join(folder, file));
  copyFileSync(path.join(HERE, '../README.md'), path.join(folder, 'README.md'));
});

for (const { name, os, cpu, libc } of platforms) {
  const binary = path.join(binaries, `entrakey.${name}`);
  if (!existsSync(binary)) continue;
  const manifest = {
    name: `entrakey-cli-${name}`,
    version,
    description: `${description}: the binary for ${name}`,
    license,
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    files: ['entrakey'],
  };
  pack(manifest, OF_A_BINARY, (folder) => {
    copyFileSync(binary, path.join(folder, 'entrakey'));
    chmodSync(path.join(folder, 'entrakey'), 0o755);
  });
}
