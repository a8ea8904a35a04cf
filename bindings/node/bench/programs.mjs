// A token of a managed identity by each library, as its documentation has it: `token()` fetches or serves the cached one.

const SCOPE = 'https://redis.azure.com/.default';

export const PROGRAMS = {
  entrakey: `
    const { Provider } = require('entrakey');
    const provider = new Provider({ identity: 'managed_identity' });
    const token = () => provider.getToken();`,
  '@redis/entraid': `
    const { EntraIdCredentialsProviderFactory: Factory, DEFAULT_TOKEN_MANAGER_CONFIG: tokenManagerConfig } = require('@redis/entraid');
    const provider = Factory.createForSystemAssignedManagedIdentity({ clientId: 'x', tokenManagerConfig });
    const kept = provider.subscribe({ onNext() {}, onError() {} });
    const token = async () => {
      const [credentials, disposable] = await provider.subscribe({ onNext() {}, onError() {} });
      disposable.dispose();
      return credentials;
    };`,
  '@azure/identity': `
    const { ManagedIdentityCredential } = require('@azure/identity');
    const credential = new ManagedIdentityCredential();
    const token = () => credential.getToken('${SCOPE}');`,
  '@azure/msal-node': `
    const { ManagedIdentityApplication } = require('@azure/msal-node');
    const application = new ManagedIdentityApplication({});
    const token = () => application.acquireToken({ resource: 'https://redis.azure.com' });`,
};
