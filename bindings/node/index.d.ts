/** Microsoft Entra ID access tokens for Redis clients. */

/** How to authenticate. */
export type Identity =
  | 'default'
  | 'managed_identity'
  | 'service_principal'
  | 'workload_identity'
  | 'client_assertion'
  | 'azure_cli'
  | 'azure_developer_cli'
  | 'azure_pipelines'
  | 'token_file'
  | 'environment'
  | 'custom';

/** A token of the host's own, as azure-identity's credentials give it. */
export interface AccessToken {
  token: string;
  /** When it expires: a Date, or milliseconds since the Unix epoch; what the token itself says if not given. */
  expiresOnTimestamp?: number | Date | undefined;
  /** The Redis user name, for a token that does not say it. What is configured as `username` still counts. */
  username?: string | undefined;
}

/** What a provider asks the host itself for. A callback that throws or rejects is asked again later. */
export interface ProviderCallbacks {
  /** Supplies the tokens, for example `(scope) => credential.getToken(scope)`. */
  tokenCallback?: ((scope: string) => string | AccessToken | Promise<string | AccessToken>) | undefined;
  /** Supplies the client assertions with which the application of `tenantId` and `clientId` signs in. */
  assertionCallback?: (() => string | Promise<string>) | undefined;
}

/**
 * The configuration of a provider. What is not given here comes from `ENTRAKEY_<KEY>`
 * (`ENTRAKEY_CLIENT_ID`), then from Azure's own variables, then from `configFile`, then from the defaults.
 * `undefined` counts as not given.
 */
export interface ProviderOptions extends ProviderCallbacks {
  /** How to authenticate; the default chain if not given, here or as `ENTRAKEY_IDENTITY`. */
  identity?: Identity | undefined;
  /** The tenant of the service principal. Else `AZURE_TENANT_ID`. */
  tenantId?: string | undefined;
  /**
   * The application (client) id: of the service principal (else `AZURE_CLIENT_ID`), or of a user-assigned
   * managed identity (`AZURE_CLIENT_ID` is then not read).
   */
  clientId?: string | undefined;
  /** A user-assigned managed identity, by its object (principal) id. */
  objectId?: string | undefined;
  /** A user-assigned managed identity, by its Azure resource id. */
  resourceId?: string | undefined;
  /** The service principal's secret: its value, not its id. Else `AZURE_CLIENT_SECRET`. */
  clientSecret?: string | undefined;
  /** A file that holds the service principal's secret and nothing else; it is read for each request. */
  clientSecretPath?: string | undefined;
  /** For `token_file`: a file with a token that somebody else keeps fresh; it is read for each request. */
  tokenFilePath?: string | undefined;
  /** The service principal's certificate: a PEM file, or a PFX (PKCS#12) file with its key in it, also in base64. */
  certificatePath?: string | undefined;
  /** The PEM file with the certificate's private key, if it is not in `certificatePath`. */
  privateKeyPath?: string | undefined;
  /** The certificate itself, instead of `certificatePath`: in PEM, its key may stand beside it; or a PFX in base64. */
  certificate?: string | undefined;
  /** The private key itself (PEM), instead of `privateKeyPath`. */
  privateKey?: string | undefined;
  /** The password of the PFX or of the encrypted private key. Else `AZURE_CLIENT_CERTIFICATE_PASSWORD`. */
  certificatePassword?: string | undefined;
  /** Sends the certificate and those that vouch for it along. Else `AZURE_CLIENT_SEND_CERTIFICATE_CHAIN`. */
  sendCertificateChain?: boolean | undefined;
  /** The certificate's SHA-1 in hexadecimal, for callers that have nothing else besides the private key. */
  certificateThumbprint?: string | undefined;
  /** The file with the token that Kubernetes issues for a workload identity. Else `AZURE_FEDERATED_TOKEN_FILE`. */
  federatedTokenFile?: string | undefined;
  /** A file with a client assertion, which whoever issues it keeps fresh. */
  clientAssertionPath?: string | undefined;
  /** The service connection of Azure Pipelines that signs in. */
  serviceConnectionId?: string | undefined;
  /** The token of the pipeline's job. Else `SYSTEM_ACCESSTOKEN`. */
  systemAccessToken?: string | undefined;
  /** Where Azure Pipelines issues tokens; it sets `SYSTEM_OIDCREQUESTURI`. */
  oidcRequestUri?: string | undefined;
  /** For `azure_cli`: the subscription whose account is meant, if it is not the tool's current one. */
  azureCliSubscription?: string | undefined;
  /** What the token is for; `https://redis.azure.com/.default` by default. */
  scope?: string | undefined;
  /** Which of Microsoft's clouds; `public` by default. */
  cloud?: 'public' | 'china' | 'us_government' | undefined;
  /** The proxy for requests to Entra, `http://host:port`; else `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY`. */
  proxy?: string | undefined;
  /** Hosts that are asked directly, separated by commas; else `no_proxy`, `NO_PROXY`. */
  noProxy?: string | undefined;
  /** Entra's address, https only. Else `AZURE_AUTHORITY_HOST`. */
  authorityHost?: string | undefined;
  /** The instance metadata service's address, for tests and emulators. */
  imdsEndpoint?: string | undefined;
  /** A PEM file of certificate authorities to trust besides the system's. */
  caFile?: string | undefined;
  /** The Redis user name, if it is not to be taken from the token. */
  username?: string | undefined;
  /** The claim of the token that holds the Redis user name; `oid` by default. */
  usernameClaim?: string | undefined;
  /** Ask for a new token after this share of its validity; 0.7 by default. */
  refreshRatio?: number | undefined;
  /** Ask for a new token this long before expiry at the latest; 300000 by default. */
  refreshLowerBoundMs?: number | undefined;
  /** Refresh earlier by a random share of the lifetime up to this; 0.05 by default. */
  refreshJitter?: number | undefined;
  /** The least time between an answer and the next request; 30000 by default. */
  minRequestIntervalMs?: number | undefined;
  /** The most one request to the token source may take; 10000 by default. */
  requestTimeoutMs?: number | undefined;
  /** The most a call of `getToken()` may take; 30000 by default. */
  getTokenTimeoutMs?: number | undefined;
  /** The least wait after a failed request; 500 by default. */
  retryInitialMs?: number | undefined;
  /** The most wait after a failed request; 30000 by default. There is no limit on tries. */
  retryMaxMs?: number | undefined;
  /** Connections re-authenticate at least this long before the old token expires; 180000 by default. */
  reauthMarginMs?: number | undefined;
  /** Notifications are spread over this share of the lifetime; 0.1 by default. */
  reauthSpread?: number | undefined;
  /** A token with less than this left is handed out only if nothing better can be had; 60000 by default. */
  minValidityMs?: number | undefined;
  /** A label for metrics and logs, if a process has several providers. It leaves the process: no secret. */
  name?: string | undefined;
  /**
   * A JSON, YAML or TOML file of these options, spelled in snake_case, or with a secret store's entries.
   * It is read once, now.
   */
  configFile?: string | undefined;
  /** The id of the secret store's entry in `configFile`, if the file has several. */
  configEntry?: string | undefined;
}

/** How one call of `getToken()` behaves. */
export interface GetTokenOptions {
  /**
   * The most the call may take, in milliseconds; the provider's `getTokenTimeoutMs` if not given. Calls
   * with the same options that wait at the same time share one wait, and its end.
   */
  timeoutMs?: number | undefined;
  /**
   * `false`: when the last request failed and there is no valid token, reject with that error at once
   * instead of waiting for the next attempt.
   */
  wait?: boolean | undefined;
  /** Aborting it rejects the call with the signal's reason; the request for the token goes on for others. */
  signal?: AbortSignal | undefined;
}

/** An access token and the Redis user name that goes with it. Immutable; printing it shows no secret. */
export declare class Token {
  private constructor();
  /** The access token: the password of the Redis `AUTH`. A bearer secret: do not log it. */
  get secret(): string;
  /** The object id of the identity: the user name of the Redis `AUTH`. */
  get username(): string;
  /** When it expires, by this machine's clock. */
  get expiresOn(): Date;
  /** When the provider means to ask for the next one. */
  get refreshOn(): Date;
  /** Counts the tokens of a provider, from 1. */
  get version(): number;
  /** Everything but the secret. */
  toJSON(): { username: string; expiresOn: Date; refreshOn: Date; version: number };
}

/** A listener's registration. */
export interface Subscription extends Disposable {
  /**
   * Ends it: from now on the listener is not called. The promise, which may be ignored, is for what is under way:
   * true once all promises that the listener returned have settled, false after `timeoutMs` (5000 by default).
   * Do not await it inside the listener.
   */
  unsubscribe(options?: { timeoutMs?: number | undefined }): Promise<boolean>;
  /**
   * Says what became of a re-authentication with the token of this version, so that `status()` and metrics know which
   * connections are on which token. From the first call on, a listener counts as being on a token only when it
   * has acknowledged it. `false` is also feedback as `reportRejected()` takes it.
   */
  ack(version: number, accepted: boolean): void;
  /**
   * A connection is about to authenticate with the token of this version: for clients that know their connections one by
   * one. From the first one on these say which tokens the listener is on, and `ack()` says nothing of that any more.
   */
  opened(version: number): Connection;
}

/**
 * An open connection to a server, in the books of a subscription, until `closed()` or until it is garbage. A connection
 * that connects anew is another one. Nothing here throws when the subscription or the provider has ended.
 */
export interface Connection {
  /**
   * Whether it is to be authenticated with the token of this version: it is on an older one, and its server has not
   * refused this one.
   */
  isBehind(version: number): boolean;
  /** The server took the token of this version. */
  authenticated(version: number): void;
  /**
   * Something else came instead, with this message: as `Provider.reportRejected()`, and for this connection. Undefined
   * when the provider is closed.
   */
  refused(version: number, message: string): Rejection | undefined;
  /** The connection is closed. */
  closed(): void;
}

/** What a server's refusal means. */
export interface Rejection {
  /** The likely reason. */
  readonly reason:
    | 'not_a_refusal'
    | 'stale_token'
    | 'no_permission'
    | 'expired'
    | 'wrong_audience'
    | 'application_id'
    | 'wrong_username'
    | 'no_object_id'
    | 'clock_skew'
    | 'object_id_changed'
    | 'node_identity'
    | 'no_access_policy';
  /** Who the token was for, and what to do. It holds ids, no secret. */
  readonly explanation: string;
}

/** A snapshot of a provider. It holds no secret and no object id. */
export interface Status {
  /** The option `name`. */
  readonly name: string | null;
  /**
   * `idle`: nobody has asked yet. `fetching`: no valid token yet. `fresh`: all is well. `degraded`: a token is in service,
   * but the last request failed. `failing`: no valid token and the last request failed.
   */
  readonly state: 'idle' | 'fetching' | 'fresh' | 'degraded' | 'failing' | 'closed';
  /** Whether `getToken()` would answer from memory. */
  readonly ready: boolean;
  /** The version of the token in hand, 0 without one. */
  readonly version: number;
  /** Milliseconds since the token in hand was first seen. */
  readonly tokenAgeMs: number | null;
  /** Milliseconds until it expires. */
  readonly validityLeftMs: number | null;
  /** When it expires, milliseconds since the Unix epoch by this machine's clock. */
  readonly expiresUnixMs: number | null;
  /** Milliseconds until the next request; null before the first call, or with one under way. */
  readonly nextRefreshInMs: number | null;
  /** Whether a request is under way. */
  readonly refreshing: boolean;
  /** Failures in a row. */
  readonly attempts: number;
  /** The last failure, even if it is over. */
  readonly lastError: { readonly kind: ErrorCode; readonly message: string; readonly unixMs: number } | null;
  /** This machine's clock less the source's, in milliseconds, to about a second. */
  readonly clockSkewMs: number | null;
  /** Who is told of new tokens: how many, those still on an old one when it is about to expire, the oldest version. */
  readonly listeners: {
    readonly count: number;
    /** Open connections of those that say which they have. */
    readonly connections: number;
    readonly stale: number;
    readonly oldestVersion: number | null;
  };
  /** Since the provider was made. */
  readonly counters: {
    readonly fetches: number;
    readonly renewed: number;
    readonly unchanged: number;
    /** Failed requests by error code. */
    readonly failures: Readonly<Record<string, number>>;
    readonly notifications: number;
    readonly lateNotifications: number;
    readonly listenerFailures: number;
    readonly reauthsAccepted: number;
    readonly reauthsRejected: number;
    /** Rejections that servers gave, by reason. */
    readonly authRejections: Readonly<Record<string, number>>;
    readonly eventsDropped: number;
    /** How many requests took at most so many seconds, by class and not cumulated; null stands for infinity. */
    readonly refreshDuration: { readonly sumS: number; readonly classes: readonly (readonly [number | null, number])[] };
  };
}

/** What every event has. No event holds a secret. */
export interface ProviderEvent {
  readonly name: ProviderEventName;
  readonly level: 'warn' | 'info' | 'debug';
  /** A line for a log. */
  readonly message: string;
}

/** An event about the token of a version. */
export interface VersionEvent extends ProviderEvent {
  readonly version: number;
}

/** An event that may come again with the same token. Of the 1st, the 100th, the 10,000th … the level is `warn`. */
export interface RepeatedEvent extends ProviderEvent {
  /** How often it has come with this token. */
  readonly times: number;
}

/** What can be listened to with `on()`; the names are the same in every language. */
export interface ProviderEvents {
  /** A newer token is in service. `uti` is Entra's id of it, which the sign-in log has too. */
  token_refreshed: VersionEvent & { readonly expiresUnixMs: number; readonly uti?: string };
  /** A request failed. A valid token stays in service, and the request is made again. */
  refresh_failed: ProviderEvent & {
    readonly error: EntrakeyError;
    /** Failures in a row. */
    readonly attempt: number;
    readonly nextAttemptInMs: number;
  };
  /** A connection took the token of this version. */
  reauthenticated: VersionEvent;
  /** A connection was refused with the token of this version. */
  reauthentication_failed: VersionEvent & RepeatedEvent;
  /** So many connections are still on this version, which is about to expire. */
  listener_stale: VersionEvent & { readonly connections: number };
  /** A server refused the token of this version, at a connect or later: the message says why and what to do. */
  rejected: VersionEvent & RepeatedEvent & Pick<Rejection, 'reason'>;
  /** A listener for new tokens failed inside the library. */
  listener_failed: RepeatedEvent;
  /** A token came that will hardly be taken, or not as its owner expects. */
  warning: ProviderEvent;
  /** The provider was closed. */
  closed: ProviderEvent;
}

/** The names of the events. */
export type ProviderEventName = keyof ProviderEvents;

/**
 * Supplies the access token of one identity and keeps it fresh. Making one does no network I/O: the first
 * `getToken()` fetches, and from then on the token is renewed in the background well before it expires.
 *
 * A pending `getToken()` keeps the process alive; an idle provider never does.
 */
export declare class Provider implements Disposable, AsyncDisposable {
  /** @throws {EntrakeyError} `INVALID_CONFIG`: a key is unknown, missing, or contradicts another. */
  constructor(options?: ProviderOptions);
  /**
   * A valid token: from memory if there is one, else from the source. The same object while it is usable.
   *
   * Rejects with an {@link EntrakeyError}, or with the reason of `options.signal`.
   */
  getToken(options?: GetTokenOptions): Promise<Token>;
  /** The token in memory if it is valid, however little is left of it. Never fetches. */
  current(): Token | undefined;
  /** The version of the token in memory, 0 while there is none. */
  get version(): number;
  /**
   * Calls `listener` after each new token, early enough to re-authenticate. One that throws or rejects
   * causes a process warning and nothing else. It is called as long as somebody has the provider or the subscription:
   * without either both are garbage.
   *
   * @throws {EntrakeyError} `CLOSED` after `close()`.
   */
  subscribe(listener: (token: Token) => unknown): Subscription;
  /** Waits until `getToken()` would answer from memory: for start-up and health checks. Rejects as it does. */
  ready(options?: GetTokenOptions): Promise<void>;
  /**
   * Asks for a new token soon, whatever is left of the current one, which stays in service meanwhile: call it when a
   * secret was replaced. Requests stay one at a time and spaced.
   *
   * @throws {EntrakeyError} `CLOSED` after `close()`.
   */
  refresh(): void;
  /**
   * Says that a server refused the token of `version`, and with what message (`WRONGPASS …`), and explains it. If
   * another token could help, one is asked for: once for each version, then ever more rarely.
   *
   * @throws {EntrakeyError} `CLOSED` after `close()`.
   */
  reportRejected(version: number, message: string): Rejection;
  /** A snapshot of what the provider is doing. Never fetches. */
  status(): Status;
  /** The metrics as text for Prometheus, with the media type {@link METRICS_CONTENT_TYPE}. */
  metrics(): string;
  /** Those of several providers as one text; give each a `name` of its own. */
  static metricsOf(providers: Iterable<Provider>): string;
  /**
   * Calls `listener` with each event of that name, in their order. One that throws or rejects causes a process warning
   * and nothing else. Listening does not keep the process alive.
   */
  on<Name extends ProviderEventName>(name: Name, listener: (event: ProviderEvents[Name]) => unknown): this;
  /** As `on()`, for the next event only. */
  once<Name extends ProviderEventName>(name: Name, listener: (event: ProviderEvents[Name]) => unknown): this;
  /** Ends what `on()` began. */
  off<Name extends ProviderEventName>(name: Name, listener: (event: ProviderEvents[Name]) => unknown): this;
  /** Ends the background work and forgets the token; calls that wait reject with `CLOSED`. Waits for nothing. */
  close(): void;
  /** `close()`, for `using`. */
  [Symbol.dispose](): void;
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The kinds of error; new ones may be added. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'INVALID_CONFIG'
  | 'IDENTITY_UNAVAILABLE'
  | 'AUTH_REJECTED'
  | 'THROTTLED'
  | 'NETWORK'
  | 'TIMEOUT'
  | 'BAD_RESPONSE'
  | 'USERNAME_UNAVAILABLE'
  | 'CLOSED'
  | 'CALLBACK_FAILED'
  | 'INTERNAL'
  /** Only while the package is loaded: there is no native binary for this platform. */
  | 'MODULE_NOT_FOUND';

/** What went wrong, in a sentence that says what to do. Holds no secret. */
export declare class EntrakeyError extends Error {
  private constructor();
  /** What kind of error this is. */
  readonly code: ErrorCode;
  /** Whether the same call can succeed later with nothing changed. */
  readonly retriable: boolean;
  /** The number of Entra's refusal: 7000215 for `AADSTS7000215`. */
  readonly aadsts?: number;
  /** What Microsoft's support asks for; it is in Entra's sign-in log too. */
  readonly correlationId?: string;
  /** The HTTP status of the answer, if there was one. */
  readonly httpStatus?: number;
}

/** The media type of `metrics()`, for the `Content-Type` header. */
export declare const METRICS_CONTENT_TYPE: string;

/** The version of this library, the same in every language. */
export declare const VERSION: string;
