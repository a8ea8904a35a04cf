// Compiled, never run: the same package from CommonJS.
import entrakey = require('entrakey');
import ioredis = require('entrakey/ioredis');
import adapter = require('entrakey/node-redis');
import entraid = require('entrakey/redis-entraid');

const provider: entrakey.Provider = new entrakey.Provider({ identity: 'service_principal', clientSecret: 'x' });
adapter.credentialsProvider(provider).subscribe({ onNext() {}, onError() {} });
const scope: string = entraid.REDIS_SCOPE + ioredis.servername('x').servername;
console.log(scope);
