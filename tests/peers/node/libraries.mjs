// How each stock library gets a token in each of the emulator's environments, as it does there in Azure.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as azure from '@azure/identity';
import { ConfidentialClientApplication, ManagedIdentityApplication } from '@azure/msal-node';
import { DEFAULT_TOKEN_MANAGER_CONFIG, EntraIdCredentialsProviderFactory } from '@redis/entraid';
import { RESOURCE, SCOPE } from './support.mjs';

const { env } = process;

/** Without a look at Microsoft's list of clouds, in which no emulator is. */
const offList = { disableInstanceDiscovery: true };
const common = { clientId: '', tokenManagerConfig: DEFAULT_TOKEN_MANAGER_CONFIG, onReAuthenticationError: () => {} };

async function ofRedisEntraid(provider) {
  const [{ password }, subscription] = await provider.subscribe({ onNext() {}, onError() {} });
  subscription.dispose();
  return password;
}

const ofAzureIdentity = async (credential) => (await credential.getToken(SCOPE)).token;

function msalConfidential(how) {
  const knownAuthorities = [new URL(env.AZURE_AUTHORITY_HOST).host];
  const authority = `${env.AZURE_AUTHORITY_HOST}/${env.AZURE_TENANT_ID}`;
  const app = new ConfidentialClientApplication({
    auth: { clientId: env.AZURE_CLIENT_ID, authority, knownAuthorities, ...how },
  });
  return app.acquireTokenByClientCredential({ scopes: [SCOPE] }).then(({ accessToken }) => accessToken);
}

async function msalManaged(managedIdentityIdParams) {
  const app = new ManagedIdentityApplication({ managedIdentityIdParams });
  return (await app.acquireToken({ resource: RESOURCE })).accessToken;
}

const systemAssigned = {
  'msal-node, system': () => msalManaged(),
  '@azure/identity, system': () => ofAzureIdentity(new azure.ManagedIdentityCredential()),
  '@redis/entraid, system': () =>
    ofRedisEntraid(EntraIdCredentialsProviderFactory.createForSystemAssignedManagedIdentity(common)),
};

const userAssigned = {
  'msal-node, user': () => msalManaged({ userAssignedObjectId: env.ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID }),
  '@azure/identity, user': () =>
    ofAzureIdentity(new azure.ManagedIdentityCredential({ clientId: env.ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID })),
  '@redis/entraid, user': () =>
    ofRedisEntraid(
      EntraIdCredentialsProviderFactory.createForUserAssignedManagedIdentity({
        userAssignedClientId: env.ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID,
        ...common,
      }),
    ),
};

const byDefault = {
  '@azure/identity, default': () => ofAzureIdentity(new azure.DefaultAzureCredential(offList)),
  '@redis/entraid, default': () =>
    ofRedisEntraid(
      EntraIdCredentialsProviderFactory.createForDefaultAzureCredential({
        credential: new azure.DefaultAzureCredential(offList),
        scopes: SCOPE,
        ...common,
      }),
    ),
};

const application = () => [env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID];

/** By environment, then by library and way. */
export const LIBRARIES = {
  imds: { ...systemAssigned, ...userAssigned, ...byDefault },
  app_service: { ...systemAssigned, ...userAssigned, ...byDefault },
  azure_ml: { 'msal-node, system': systemAssigned['msal-node, system'] },
  service_fabric: { 'msal-node, system': systemAssigned['msal-node, system'] },
  cloud_shell: { 'msal-node, user': systemAssigned['msal-node, system'] },
  client_secret: {
    'msal-node, secret': () => msalConfidential({ clientSecret: env.AZURE_CLIENT_SECRET }),
    '@azure/identity, secret': () =>
      ofAzureIdentity(new azure.ClientSecretCredential(...application(), env.AZURE_CLIENT_SECRET, offList)),
    '@azure/identity, environment': () => ofAzureIdentity(new azure.EnvironmentCredential(offList)),
    ...byDefault,
  },
  client_certificate: {
    'msal-node, certificate': () => msalConfidential({ clientCertificate: certificate() }),
    '@azure/identity, certificate': () =>
      ofAzureIdentity(
        new azure.ClientCertificateCredential(...application(), env.AZURE_CLIENT_CERTIFICATE_PATH, offList),
      ),
    '@azure/identity, certificate with its chain': () =>
      ofAzureIdentity(
        new azure.ClientCertificateCredential(...application(), env.AZURE_CLIENT_CERTIFICATE_PATH, {
          ...offList,
          sendCertificateChain: true,
        }),
      ),
    '@azure/identity, environment': () => ofAzureIdentity(new azure.EnvironmentCredential(offList)),
  },
  workload_identity: {
    'msal-node, assertion': () =>
      msalConfidential({ clientAssertion: readFileSync(env.AZURE_FEDERATED_TOKEN_FILE, 'utf8') }),
    '@azure/identity, workload': () => ofAzureIdentity(new azure.WorkloadIdentityCredential(offList)),
    ...byDefault,
  },
  azure_pipelines: {
    '@azure/identity, pipelines': () =>
      ofAzureIdentity(
        new azure.AzurePipelinesCredential(
          env.AZURESUBSCRIPTION_TENANT_ID,
          env.AZURESUBSCRIPTION_CLIENT_ID,
          env.AZURESUBSCRIPTION_SERVICE_CONNECTION_ID,
          env.SYSTEM_ACCESSTOKEN,
          offList,
        ),
      ),
  },
};

function certificate() {
  const text = (path) => readFileSync(path, 'utf8');
  const x5c = text(env.ENTRAKEY_EMULATOR_CERTIFICATE_PATH);
  const der = Buffer.from(x5c.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
  const thumbprintSha256 = createHash('sha256').update(der).digest('hex');
  return { thumbprintSha256, privateKey: text(env.ENTRAKEY_EMULATOR_PRIVATE_KEY_PATH), x5c };
}
