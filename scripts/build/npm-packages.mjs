// What the packages of npm that carry a binary have in common: one of JavaScript alone, and one for each platform, of which npm
// installs the one that fits (os, cpu, libc) as an optional dependency.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const LICENCES = ['LICENSE-APACHE', 'LICENSE-MIT'];
/** With a binary, those of the libraries that it is linked from. */
export const OF_A_BINARY = [...LICENCES, 'THIRD-PARTY-NOTICES'];

/** Writes a package into OUT and packs it. */
export function pack(out, manifest, texts, fill) {
  const folder = path.join(out, manifest.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  fill(folder);
  for (const text of texts) copyFileSync(path.join(ROOT, text), path.join(folder, text));
  // By name: npm takes LICENSE and LICENSE.* by itself, and no LICENSE-MIT.
  const listed = { ...manifest, files: [...manifest.files, ...texts] };
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(listed, undefined, 2)}\n`);
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const file = execFileSync(npm, ['pack', '--silent', '--pack-destination', out], { cwd: folder, encoding: 'utf8' });
  console.log(path.join(out, file.trim()));
}

/** The manifest of a platform's package, which holds that one file. */
export function ofPlatform({ version, description, license, engines }, prefix, { name, os, cpu, libc }, file) {
  return {
    name: `${prefix}-${name}`,
    version,
    description: `${description}: the binary for ${name}`,
    license,
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    files: [file],
  };
}

/** The platforms' packages as the main one's optional dependencies. */
export function optional(prefix, platforms, version) {
  return Object.fromEntries(platforms.map(({ name }) => [`${prefix}-${name}`, version]));
}
