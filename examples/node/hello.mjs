import { readFileSync } from 'node:fs';
import { createClient } from 'redis';
import { Provider } from 'entrakey';
import { credentialsProvider } from 'entrakey/node-redis';
const { ENTRAKEY_IDENTITY: identity = 'managed_identity', REDIS_HOST: host, REDIS_PORT: port, REDIS_CA_FILE: ca } = process.env;
const provider = new Provider({ identity });
const client = createClient({ credentialsProvider: credentialsProvider(provider), socket: { host, port, tls: true, ca: ca && readFileSync(ca) } });
await client.connect(); console.log(await client.ping(), await provider.getToken()); client.destroy();
