import adapter from './redis-entraid.cjs';

export const {
  AuthCodeFlowHelper,
  DEFAULT_CREDENTIALS_MAPPER,
  DEFAULT_RETRY_POLICY,
  DEFAULT_TOKEN_MANAGER_CONFIG,
  EntraIdCredentialsProviderFactory,
  EntraidCredentialsProvider,
  MSALIdentityProvider,
  OID_CREDENTIALS_MAPPER,
  REDIS_SCOPE,
  REDIS_SCOPE_DEFAULT,
  isAccessToken,
  isAuthenticationResult,
} = adapter;
