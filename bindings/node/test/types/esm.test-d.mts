// Compiled, never run: what a TypeScript user may write, and what must be refused.
import {
  EntrakeyError,
  METRICS_CONTENT_TYPE,
  Provider,
  Token,
  VERSION,
  type ErrorCode,
  type ProviderOptions,
  type Rejection,
} from 'entrakey';
import { Emulator } from 'entrakey/emulator';
import { attach, dnsLookup, natMap, servername } from 'entrakey/ioredis';
import { clientOptions, credentialsProvider, nodeAddressMap } from 'entrakey/node-redis';
import {
  DEFAULT_TOKEN_MANAGER_CONFIG,
  EntraIdCredentialsProviderFactory,
  OID_CREDENTIALS_MAPPER,
  REDIS_SCOPE_DEFAULT,
} from 'entrakey/redis-entraid';
import { Worker } from 'bullmq';
import { Cluster, Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { Redis as Valkey } from 'iovalkey';
import { createClient, createClientPool, createCluster } from 'redis';

const options: ProviderOptions = {
  identity: 'managed_identity',
  clientId: process.env.CLIENT_ID,
  requestTimeoutMs: 2000,
};
await using provider = new Provider(options);

const token: Token = await provider.getToken({ timeoutMs: 1000, wait: false });
const expires: number = token.expiresOn.getTime();
const parts: [string, string, number, string] = [token.username, token.secret, expires, VERSION];
const maybe: Token | undefined = provider.current();
const version: number = provider.version + (maybe?.version ?? 0);

{
  using subscription = provider.subscribe((news) => news.username);
  subscription.unsubscribe();
}

try {
  new Provider();
} catch (error) {
  if (error instanceof EntrakeyError) {
    const code: ErrorCode = error.code;
    const details: [boolean, number | undefined, string | undefined] = [error.retriable, error.aadsts, error.correlationId];
    console.log(code, details, parts, version);
  }
}

// The real clients take it.
const live = credentialsProvider(provider, { onReAuthenticationError: (error) => console.error(error.message) });
createClient({ url: 'rediss://localhost:10000', credentialsProvider: live });
createClientPool({ credentialsProvider: live });
createCluster({ rootNodes: [], defaults: { credentialsProvider: live } });

// @ts-expect-error: keys are spelled in camelCase
new Provider({ identity: 'managed_identity', client_id: 'x' });
// @ts-expect-error: no such identity
new Provider({ identity: 'magic' });
// @ts-expect-error: a token cannot be changed
token.username = 'x';
// @ts-expect-error: nor made
new Token();
// @ts-expect-error: only a provider will do
credentialsProvider({});

// Status, events, feedback.
const { state, lastError, counters } = provider.status();
const said: string = `${state} ${lastError?.kind} ${counters.failures['NETWORK'] ?? 0} ${provider.metrics()} ${METRICS_CONTENT_TYPE}`;
provider.on('token_refreshed', ({ version, expiresUnixMs, uti }) => console.log(version + expiresUnixMs, uti, said));
provider.once('refresh_failed', ({ error, attempt }) => console.log(error.code, attempt)).off('closed', () => {});
const { reason, explanation }: Rejection = provider.reportRejected(1, 'WRONGPASS');
console.log(reason === 'no_access_policy', explanation);
await provider.ready({ signal: AbortSignal.timeout(1000) });
const subscription = provider.subscribe((news) => subscription.ack(news.version, true));
const ended: boolean = await subscription.unsubscribe({ timeoutMs: 100 });
console.log(ended, Provider.metricsOf([provider]));
// @ts-expect-error: no such event
provider.on('tokenRefreshed', () => {});

// ioredis, iovalkey, BullMQ.
const redis: Redis = attach(new Redis({ host: 'x', tls: servername('x') }), provider, { allowPlaintext: false });
attach(new Redis5('rediss://x'), provider);
attach(new Valkey('rediss://x'), provider);
attach(new Cluster(['x'], { natMap: natMap('x'), dnsLookup }), provider);
new Worker('queue', async () => {}, { connection: redis });
// @ts-expect-error: options are no client
attach({ host: 'localhost' }, provider);

// node-redis by its options.
createClient(clientOptions({ url: 'rediss://localhost:10000', RESP: 3 }, provider));
createCluster(clientOptions({ rootNodes: [], nodeAddressMap: nodeAddressMap('x') }, provider, { allowPlaintext: true }));

// @redis/entraid with the import changed.
const entraid = EntraIdCredentialsProviderFactory.createForClientCredentials({
  clientId: 'x',
  clientSecret: 'y',
  authorityConfig: { type: 'multi-tenant', tenantId: 'z' },
  tokenManagerConfig: DEFAULT_TOKEN_MANAGER_CONFIG,
  credentialsMapper: OID_CREDENTIALS_MAPPER,
});
createClient({ url: 'rediss://x', credentialsProvider: entraid });
declare const azureCredential: import('@azure/core-auth').TokenCredential;
EntraIdCredentialsProviderFactory.createForDefaultAzureCredential({
  credential: azureCredential,
  scopes: REDIS_SCOPE_DEFAULT,
  tokenManagerConfig: { expirationRefreshRatio: 0.8 },
});

// The emulator.
await using emulator = await Emulator.start({ tokenLifetime: '5s', clusterPolicy: 'oss', nodes: 3, azurePorts: true });
await emulator.use('app_service', { MORE: 'yes' });
const seen: number = (await emulator.stats()).redis.by_object_id[emulator.environment.X ?? '']?.auths ?? 0;
await emulator.control('POST', '/emulator/redis/stop');
console.log(seen, (await emulator.connections('x')).expired, await emulator.processEnvironment('imds'));
// @ts-expect-error: made by start() only
new Emulator();
