'use strict';

/** Names the command whose emulator is started. */
const COMMAND = 'ENTRAKEY_BIN';

const FOREIGN = [
  /^(AZURE|ENTRAKEY|IDENTITY|IMDS|MSI|SSL_CERT)_/,
  /^(all|https?)_proxy$/i,
  /^(KUBERNETES_SERVICE_HOST|DEFAULT_IDENTITY_CLIENT_ID|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS)$/,
];

/** What a developer's own shell says of identities, proxies and certificates is not for a program under test. */
const isForeign = (variable) => variable !== COMMAND && FOREIGN.some((pattern) => pattern.test(variable));

module.exports = { COMMAND, isForeign };
