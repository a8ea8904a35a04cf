'use strict';

const { platform, arch } = process;
// On Linux both may be there (npm's --libc); a static or dynamic binary of the other C library does not run.
const names = platform === 'linux' ? [`${platform}-${arch}-gnu`, `${platform}-${arch}-musl`] : [`${platform}-${arch}`];

function resolve() {
  for (const name of names) {
    try {
      return require.resolve(`entrakey-cli-${name}/entrakey`);
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new Error(
    `entrakey-cli has no binary for ${platform}-${arch}: none of ${names.map((name) => `entrakey-cli-${name}`).join(', ')} is ` +
      'installed. It is missing after `npm install --omit=optional`, and where node_modules was made on another platform.',
  );
}

exports.command = resolve();
