'use strict';

const { readFileSync } = require('node:fs');
const path = require('node:path');

/** The variable that names the `entrakey` command to start. */
const COMMAND = 'ENTRAKEY_BIN';

const lines = readFileSync(path.join(__dirname, 'foreign-variables.txt'), 'utf8').split('\n');
const FOREIGN = lines.filter((line) => line !== '' && !line.startsWith('#'));

/**
 * Whether a variable of the developer's shell (identities, proxies, certificates) must not reach a program under test.
 */
function isForeign(variable) {
  const given = variable.toUpperCase();
  const means = (name) => (name.endsWith('*') ? given.startsWith(name.slice(0, -1)) : given === name);
  return given !== COMMAND && FOREIGN.some(means);
}

module.exports = { COMMAND, isForeign };
