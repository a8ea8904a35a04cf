// Stock clients that hold one connection each: by the name of the identity that each has for itself.
import { createClient } from '@redis/client';
import * as azure from '@azure/identity';
import { ConfidentialClientApplication, ManagedIdentityApplication } from '@azure/msal-node';
import { EntraIdCredentialsProviderFactory } from '@redis/entraid';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { claims, redisOptions, RESOURCE, SCOPE, TOKEN_MANAGER_CONFIG } from './support.mjs';

const offList = { disableInstanceDiscovery: true };

/** Reads and writes until `done`; a command that fails ends it. */
async function readAndWrite(client, name, done) {
  for (let round = 0; !done.aborted; round++) {
    const value = `${name} ${round}`;
    await client.set(`peers:${name}`, value);
    const read = await client.get(`peers:${name}`);
    if (read !== value) throw new Error(`read '${read}' where '${value}' was written`);
    await sleep(20);
  }
}

/** node-redis with a provider of @redis/entraid. */
function withNodeRedis(makeProvider) {
  return async (name, environments, done) => {
    let failed;
    const onReAuthenticationError = (error) => (failed = error);
    const common = { tokenManagerConfig: TOKEN_MANAGER_CONFIG, onReAuthenticationError, clientId: '' };
    const credentialsProvider = makeProvider(environments, common);
    const client = createClient({ ...redisOptions(environments.default), credentialsProvider });
    client.on('error', (error) => (failed = error));
    await client.connect();
    await readAndWrite(client, name, done);
    client.destroy();
    if (failed) throw failed;
  };
}

const factory = EntraIdCredentialsProviderFactory;
const ofCredential = (makeCredential) =>
  withNodeRedis((environments, common) =>
    factory.createForDefaultAzureCredential({ credential: makeCredential(environments), scopes: SCOPE, ...common }),
  );

function msalConfidential({ AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET }) {
  const knownAuthorities = [new URL(AZURE_AUTHORITY_HOST).host];
  const authority = `${AZURE_AUTHORITY_HOST}/${AZURE_TENANT_ID}`;
  const auth = { clientId: AZURE_CLIENT_ID, clientSecret: AZURE_CLIENT_SECRET, authority, knownAuthorities };
  const app = new ConfidentialClientApplication({ auth });
  return {
    async getToken() {
      const answer = await app.acquireTokenByClientCredential({ scopes: [SCOPE], skipCache: true });
      return { token: answer.accessToken, expiresOnTimestamp: answer.expiresOn.getTime() };
    },
  };
}

/** ioredis has no hook: whoever uses it sends the AUTH. */
async function withIoredis(name, { default: environment }, done) {
  const userAssignedObjectId = environment[`ENTRAKEY_EMULATOR_${name}_OBJECT_ID`];
  const app = new ManagedIdentityApplication({ managedIdentityIdParams: { userAssignedObjectId } });
  const acquire = async () => (await app.acquireToken({ resource: RESOURCE, forceRefresh: true })).accessToken;
  const password = await acquire();
  const { host, port, ca, servername } = redisOptions(environment).socket;
  const client = new Redis({
    host,
    port,
    username: userAssignedObjectId,
    password,
    tls: { ca, servername },
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  let failed;
  client.on('error', (error) => (failed = error));
  const renew = async () => {
    let { iat, exp } = claims(password);
    while (!done.aborted) {
      const due = (iat + (exp - iat) * 0.5) * 1000 - Date.now();
      await sleep(Math.max(due, 100), undefined, { signal: done }).catch(() => {});
      const token = await acquire();
      await client.call('AUTH', userAssignedObjectId, token);
      ({ iat, exp } = claims(token));
    }
  };
  await Promise.all([renew(), readAndWrite(client, name, done)]);
  client.disconnect();
  if (failed) throw failed;
}

export const HOLDERS = {
  SYSTEM: {
    title: '@redis/entraid, managed identity',
    hold: withNodeRedis((_, common) => factory.createForSystemAssignedManagedIdentity(common)),
  },
  USER_ASSIGNED: {
    title: '@redis/entraid, user-assigned managed identity of an App Service',
    environment: 'app_service',
    hold: withNodeRedis((environments, common) =>
      factory.createForUserAssignedManagedIdentity({
        ...common,
        userAssignedClientId: environments.default.ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID,
      }),
    ),
  },
  SECRET_APP: {
    title: '@redis/entraid on msal-node, secret',
    hold: ofCredential(({ client_secret: environment }) => msalConfidential(environment)),
  },
  CERTIFICATE_APP: {
    title: '@redis/entraid on @azure/identity, certificate',
    hold: ofCredential(
      ({ client_certificate: { AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_CERTIFICATE_PATH } }) =>
        new azure.ClientCertificateCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_CERTIFICATE_PATH, offList),
    ),
  },
  FEDERATED_APP: {
    title: '@redis/entraid on @azure/identity, workload identity',
    hold: ofCredential(
      ({ workload_identity: environment }) =>
        new azure.WorkloadIdentityCredential({
          tenantId: environment.AZURE_TENANT_ID,
          clientId: environment.AZURE_CLIENT_ID,
          tokenFilePath: environment.AZURE_FEDERATED_TOKEN_FILE,
          ...offList,
        }),
    ),
  },
  SECOND_USER_ASSIGNED: {
    title: '@redis/entraid on @azure/identity, managed identity',
    hold: ofCredential(
      ({ default: environment }) =>
        new azure.ManagedIdentityCredential({ clientId: environment.ENTRAKEY_EMULATOR_SECOND_USER_ASSIGNED_CLIENT_ID }),
    ),
  },
  THIRD_USER_ASSIGNED: { title: 'ioredis with msal-node, managed identity', hold: withIoredis },
};
