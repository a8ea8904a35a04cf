// Makes the packages that are published: node pack.mjs OUT [FOLDER]
//
// OUT/entrakey holds JavaScript alone; OUT/entrakey-PLATFORM one binary each, of which npm installs the one that fits
// (os, cpu, libc) as an optional dependency. The binaries, entrakey.PLATFORM.node, are taken from FOLDER (here, if not given);
// CI collects one of each line of platforms.json there.
import { copyFileSync, cpSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LICENCES, OF_A_BINARY, ofPlatform, optional, pack } from '../../scripts/build/npm-packages.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const [out, binaries = HERE] = process.argv.slice(2).map((argument) => path.resolve(argument));
if (out === undefined) {
  console.error('usage: node pack.mjs OUT [FOLDER]');
  process.exit(2);
}
const read = (file) => JSON.parse(readFileSync(path.join(HERE, file), 'utf8'));
const platforms = read('platforms.json');
const { private: _, scripts: _scripts, devDependencies: _devDependencies, overrides: _overrides, ...common } = read('package.json');

const files = common.files.filter((pattern) => !pattern.endsWith('.node'));
const optionalDependencies = optional('entrakey', platforms, common.version);
pack(out, { ...common, files, optionalDependencies }, LICENCES, (folder) => {
  const isShipped = (name) =>
    files.some((pattern) => pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1))));
  for (const name of readdirSync(HERE)) {
    if (name === 'README.md' || isShipped(name)) cpSync(path.join(HERE, name), path.join(folder, name), { recursive: true });
  }
});

for (const platform of platforms) {
  const file = `entrakey.${platform.name}.node`;
  if (!existsSync(path.join(binaries, file))) continue;
  const manifest = { ...ofPlatform(common, 'entrakey', platform, file), main: file };
  pack(out, manifest, OF_A_BINARY, (folder) => copyFileSync(path.join(binaries, file), path.join(folder, file)));
}
