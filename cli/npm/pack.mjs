// Makes the command's packages: node pack.mjs OUT FOLDER
//
// OUT/entrakey-cli holds JavaScript alone; OUT/entrakey-cli-PLATFORM one binary each, of which npm installs the one that fits. The
// binaries, entrakey.PLATFORM, are taken from FOLDER. The platforms are the library's (bindings/node/platforms.json), as far as
// they have signals and Unix sockets.
import { chmodSync, copyFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LICENCES, OF_A_BINARY, ofPlatform, optional, pack } from '../../scripts/build/npm-packages.mjs';

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

pack(out, { ...common, optionalDependencies: optional('entrakey-cli', platforms, common.version) }, LICENCES, (folder) => {
  for (const file of common.files) copyFileSync(path.join(HERE, file), path.join(folder, file));
  copyFileSync(path.join(HERE, '../README.md'), path.join(folder, 'README.md'));
});

for (const platform of platforms) {
  const binary = path.join(binaries, `entrakey.${platform.name}`);
  if (!existsSync(binary)) continue;
  pack(out, ofPlatform(common, 'entrakey-cli', platform, 'entrakey'), OF_A_BINARY, (folder) => {
    copyFileSync(binary, path.join(folder, 'entrakey'));
    chmodSync(path.join(folder, 'entrakey'), 0o755);
  });
}
