'use strict';

const { warn } = require('../warning.cjs');

let warned = false;

/** Says once that a user name or password of the client's own is not used; `names`: where they are, never what. */
function warnOfOwnCredentials(...names) {
  if (warned) return;
  warned = true;
  const what = `The client has credentials of its own (${names.join(', ')}), which are not used: user name and token come from entrakey`;
  warn('ENTRAKEY_CREDENTIALS_IGNORED', `${what}. Leave them out`);
}

module.exports = { warnOfOwnCredentials };
