/**
 * The API of `@redis/entraid` 6.1 on entrakey: change the import. What differs: refreshing never ends (there is no limit
 * on tries), an expired token is never handed out, and PKCE is left out.
 */

/** User name and password of the Redis `AUTH`. */
export interface BasicAuth {
  username?: string;
  password?: string;
}

/** What `@azure/msal-node` gives, as far as it is used here. */
export interface AuthenticationResult {
  authority: string;
  uniqueId: string;
  tenantId: string;
  scopes: string[];
  account: unknown;
  idToken: string;
  idTokenClaims: object;
  accessToken: string;
  fromCache: boolean;
  expiresOn: Date | null;
  tokenType: string;
  correlationId: string;
}

/** What a `TokenCredential` of `@azure/identity` gives. */
export interface AccessToken {
  token: string;
  expiresOnTimestamp: number;
}

/** A token in either shape. */
export type AuthenticationResponse = AuthenticationResult | AccessToken;

/** A credential of `@azure/identity`, or anything like it. */
export interface TokenCredential {
  getToken(scopes: string | string[], options?: any): Promise<AccessToken | null>;
}

/** A token and how long it is valid. */
export interface TokenResponse<T> {
  token: T;
  ttlMs: number;
}

/** Where tokens come from. */
export interface IdentityProvider<T> {
  requestToken(): Promise<TokenResponse<T>>;
}

/** How often is tried again. Of these the delays count: there is no limit on tries. */
export interface RetryPolicy {
  maxAttempts: number;
  initialDelayMs: number;
  maxDelayMs: number;
  backoffMultiplier: number;
  jitterPercentage?: number;
  isRetryable?: (error: unknown, attempt: number) => boolean;
}

/** When a new token is asked for. */
export interface TokenManagerConfig {
  /** After this share of its validity. */
  expirationRefreshRatio: number;
  retry?: RetryPolicy;
}

/** A token and its times. */
export interface ManagedToken<T> {
  readonly value: T;
  readonly expiresAtMs: number;
  readonly receivedAtMs: number;
  getTtlMs(now: number): number;
}

/** What a credentials provider uses of a token manager: ours, or one of `@redis/client`. */
export interface TokenManager<T> {
  getCurrentToken(): ManagedToken<T> | null;
  wrapAndSetCurrentToken(nativeToken: T, ttlMs: number): ManagedToken<T>;
  calculateRefreshTime(token: ManagedToken<T>, now?: number): number;
  calculateRetryDelay(): number;
  isRunning(): boolean;
  start(
    listener: { onNext(token: ManagedToken<T>): void; onError(error: any): void },
    initialDelayMs?: number,
  ): { dispose(): void };
}

/** What node-redis passes to `subscribe`. */
export interface StreamingCredentialsListener {
  onNext(credentials: BasicAuth): void;
  onError(error: Error): void;
}

export declare const REDIS_SCOPE_DEFAULT = 'https://redis.azure.com/.default';
export declare const REDIS_SCOPE = 'https://redis.azure.com';
export declare const DEFAULT_RETRY_POLICY: RetryPolicy;
export declare const DEFAULT_TOKEN_MANAGER_CONFIG: TokenManagerConfig;

/** The tenant, as part of the address where an application signs in; without it `AZURE_TENANT_ID` is read. */
export type AuthorityConfig =
  | { type: 'multi-tenant'; tenantId: string }
  | { type: 'custom'; authorityUrl: string }
  | { type: 'default' };

export type PKCEParams = {
  code: string;
  verifier: string;
  clientInfo?: string;
};

export type CredentialParams = {
  clientId: string;
  scopes?: string[];
  authorityConfig?: AuthorityConfig;
  tokenManagerConfig: TokenManagerConfig;
  /** Called when a connection was not re-authenticated; if the server refused the token, the message says why. */
  onReAuthenticationError?: (error: Error) => void;
  credentialsMapper?: (token: AuthenticationResponse) => BasicAuth;
  onRetryableError?: (error: string) => void;
};

export type DefaultAzureCredentialsParams = {
  scopes: string | string[];
  options?: object;
  /** Used as it is: each token is asked of it. */
  credential: TokenCredential;
  tokenManagerConfig: TokenManagerConfig;
  onReAuthenticationError?: (error: Error) => void;
  credentialsMapper?: (token: AuthenticationResponse) => BasicAuth;
  onRetryableError?: (error: string) => void;
};

export type AuthCodePKCEParams = CredentialParams & {
  redirectUri: string;
};

export type ClientSecretCredentialsParams = CredentialParams & {
  clientSecret: string;
};

export type ClientCredentialsWithCertificateParams = CredentialParams & {
  certificate: {
    /** SHA-1 of the certificate in hexadecimal; not needed with `x5c`. */
    thumbprint: string;
    /** PEM. */
    privateKey: string;
    /** The certificate, PEM or its Base64 alone, and those that vouch for it; sent along. */
    x5c?: string | string[];
  };
};

/** Makes credentials providers, one for each way to sign in. A configuration that makes no sense throws at once. */
export declare class EntraIdCredentialsProviderFactory {
  static createManagedIdentityProvider(params: CredentialParams, userAssignedClientId?: string): EntraidCredentialsProvider;
  static createForSystemAssignedManagedIdentity(params: CredentialParams): EntraidCredentialsProvider;
  static createForUserAssignedManagedIdentity(
    params: CredentialParams & { userAssignedClientId: string },
  ): EntraidCredentialsProvider;
  static createForClientCredentialsWithCertificate(params: ClientCredentialsWithCertificateParams): EntraidCredentialsProvider;
  static createForClientCredentials(params: ClientSecretCredentialsParams): EntraidCredentialsProvider;
  static createForDefaultAzureCredential(params: DefaultAzureCredentialsParams): EntraidCredentialsProvider;
  /**
   * @deprecated Always throws: use `createForDefaultAzureCredential` with a credential that signs users in.
   */
  static createForAuthorizationCodeWithPKCE(params: AuthCodePKCEParams): never;
  static getAuthority(config: AuthorityConfig): string;
}

/**
 * @deprecated Here only so that the name exists: everything on it throws.
 */
export declare class AuthCodeFlowHelper {
  private constructor();
  static create(params: object): never;
  static generatePKCE(): Promise<never>;
}

/**
 * What node-redis takes as `credentialsProvider`. One may serve any number of clients.
 *
 * With an identity provider of your own, tokens are asked of it at the pace of `tokenManager`'s configuration; the
 * token manager is told of each, and never started.
 */
export declare class EntraidCredentialsProvider {
  readonly type: 'streaming-credentials-provider';
  readonly tokenManager: TokenManager<AuthenticationResponse>;
  readonly idp: IdentityProvider<AuthenticationResponse>;
  constructor(
    tokenManager: TokenManager<any>,
    idp: IdentityProvider<any>,
    options?: {
      onReAuthenticationError?: (error: Error) => void;
      credentialsMapper?: (token: any) => BasicAuth;
      onRetryableError?: (error: string) => void;
    },
  );
  /** The credentials of now, and news of later ones until `dispose()`. Rejects within five seconds. */
  subscribe(listener: StreamingCredentialsListener): Promise<[BasicAuth, { dispose(): void }]>;
  onReAuthenticationError: (error: Error) => void;
  hasActiveSubscriptions(): boolean;
  getSubscriptionsCount(): number;
  getTokenManager(): TokenManager<AuthenticationResponse>;
  /** Null without a subscription or a valid token. */
  getCurrentCredentials(): BasicAuth | null;
}

/** Takes the user name from the token's claim `oid`. */
export declare const OID_CREDENTIALS_MAPPER: (token: AuthenticationResponse) => { username: any; password: string };
/** Takes it from `uniqueId` where there is one. */
export declare const DEFAULT_CREDENTIALS_MAPPER: (token: AuthenticationResponse) => BasicAuth;
export declare function isAuthenticationResult(auth: AuthenticationResponse): auth is AuthenticationResult;
export declare function isAccessToken(auth: AuthenticationResponse): auth is AccessToken;

/** Tokens of `@azure/msal-node`, from whatever gets them. */
export declare class MSALIdentityProvider implements IdentityProvider<any> {
  constructor(getToken: () => Promise<any>);
  requestToken(): Promise<TokenResponse<any>>;
}
