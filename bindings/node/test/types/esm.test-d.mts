// Compiled, never run: what a TypeScript user may write, and what must be refused.
import { EntrakeyError, Provider, Token, VERSION, type ErrorCode, type ProviderOptions } from 'entrakey';
import { Emulator } from 'entrakey/emulator';
import { credentialsProvider } from 'entrakey/node-redis';
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

await using emulator = await Emulator.start({ tokenLifetime: '5s', clusterPolicy: 'oss', nodes: 3, azurePorts: true });
await emulator.use('app_service', { MORE: 'yes' });
const seen: number = (await emulator.stats()).redis.by_object_id[emulator.environment.X ?? '']?.auths ?? 0;
await emulator.control('POST', '/emulator/redis/stop');
console.log(seen, (await emulator.connections('x')).expired, await emulator.processEnvironment('imds'));
// @ts-expect-error: made by start() only
new Emulator();
