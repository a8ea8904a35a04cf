// Compiled, never run: the same package from CommonJS.
import entrakey = require('entrakey');
import adapter = require('entrakey/node-redis');

const provider: entrakey.Provider = new entrakey.Provider({ identity: 'service_principal', clientSecret: 'x' });
adapter.credentialsProvider(provider).subscribe({ onNext() {}, onError() {} });
