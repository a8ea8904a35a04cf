// Makes the packages that are published: node pack.mjs OUT [FOLDER]
//
// OUT/entrakey holds JavaScript alone; OUT/entrakey-PLATFORM one binary each, of which npm installs the one that fits
// (os, cpu, libc) as an optional dependency. The binaries, entrakey.PLATFORM.node, are taken from FOLDER (here, if not given);
// CI collects one of each line of platforms.json there.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const [out, binaries = HERE] = process.argv.slice(2).map((argument) => path.resolve(argument));
if (out === undefined) {
  console.error('usage: node pack.mjs OUT [FOLDER]');
  process.exit(2);
}
const read = (file) => JSON.parse(readFileSync(path.join(HERE, file), 'utf8'));
const platforms = read('platforms.json');
const { private: _, scripts: _scripts, devDependencies: _devDependencies, overrides: _overrides, ...common } = read('package.json');
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
  for (const text of texts) copyFileSync(path.join(HERE, '../..', text), path.join(folder, text));
  // By name: npm takes LICENSE and LICENSE.* by itself, and no LICENSE-MIT.
  const listed = { ...manifest, files: [...manifest.files, ...texts] };
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(listed, undefined, 2)}\n`);
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const file = execFileSync(npm, ['pack', '--silent', '--pack-destination', out], { cwd: folder, encoding: 'utf8' });
  console.log(path.join(out, file.trim()));
}

const files = common.files.filter((pattern) => !pattern.endsWith('.node'));
const optionalDependencies = Object.fromEntries(platforms.map(({ name }) => [`entrakey-${name}`, version]));
pack({ ...common, files, optionalDependencies }, LICENCES, (folder) => {
  const isShipped = (name) =>
    files.some((pattern) => pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1))));
  for (const name of readdirSync(HERE)) {
    if (name === 'README.md' || isShipped(name)) cpSync(path.join(HERE, name), path.join(folder, name), { recursive: true });
  }
});

for (const { name, os, cpu, libc } of platforms) {
  const file = `entrakey.${name}.node`;
  if (!existsSync(path.join(binaries, file))) continue;
  const manifest = {
    name: `entrakey-${name}`,
    version,
    description: `${description}: the binary for ${name}`,
    license,
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    main: file,
    files: [file],
  };
  pack(manifest, OF_A_BINARY, (folder) => copyFileSync(path.join(binaries, file), path.join(folder, file)));
}
