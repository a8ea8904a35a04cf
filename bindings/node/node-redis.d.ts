/** Live Entra ID credentials for node-redis (`redis` or `@redis/client`, 5 and newer). */

import type { Provider } from './index.js';

/** User name and password of the Redis `AUTH`. */
export interface Credentials {
  username: string;
  password: string;
}

/** What node-redis passes to `subscribe`. */
export interface CredentialsListener {
  onNext(credentials: Credentials): void;
  onError(error: Error): void;
}

/** What node-redis takes as `credentialsProvider`. */
export interface StreamingCredentialsProvider {
  readonly type: 'streaming-credentials-provider';
  /** The credentials of now, and news of later ones until `dispose()`. */
  subscribe(listener: CredentialsListener): Promise<[Credentials, { dispose(): void }]>;
  /** Called when a connection could not be re-authenticated; it stays open until its old token expires. */
  onReAuthenticationError(error: Error): void;
}

/** Options of {@link credentialsProvider}. */
export interface CredentialsProviderOptions {
  /**
   * Called when a connection could not be re-authenticated; if the server refused the token, the message says why
   * and what to do. Without it there is a process warning.
   */
  onReAuthenticationError?: ((error: Error) => void) | undefined;
}

/** Options of {@link clientOptions}. */
export interface ClientOptionsOptions extends CredentialsProviderOptions {
  /** Permits connections without TLS to other machines: whoever sees the traffic can use the token. */
  allowPlaintext?: boolean | undefined;
}

/**
 * `createClient({ credentialsProvider: credentialsProvider(provider) })`: each connection authenticates with
 * the newest token and re-authenticates before it expires. One may serve any number of clients. Without `provider` the
 * environment says whose tokens these are, and all clients of a thread that were made so share one provider.
 */
export declare function credentialsProvider(
  provider?: Provider | undefined,
  options?: CredentialsProviderOptions,
): StreamingCredentialsProvider;

/**
 * `createClient(clientOptions({ url: 'rediss://…' }, provider))`: the same options with the credentials put where
 * they belong. For `createClient`, `createClientPool`, `createCluster` and `createSentinel`. Without `provider`: as
 * {@link credentialsProvider}.
 *
 * Unlike {@link credentialsProvider}, which never sees a connection, this refuses one without TLS to another machine, and
 * drops a user name, a password or a credentials provider that came with the URL or the options: one process warning
 * (`ENTRAKEY_CREDENTIALS_IGNORED`) names them. An error for a token that the server refused says why and what to do; for
 * that the `reconnectStrategy` of the host is wrapped.
 *
 * @throws {EntrakeyError} `INVALID_CONFIG`: the token would be sent in clear.
 */
export declare function clientOptions<Options extends object, RESP extends 2 | 3 | undefined = undefined>(
  options: Options & { RESP?: RESP },
  provider?: Provider | undefined,
  more?: ClientOptionsOptions,
): Options & ([RESP] extends [undefined] ? unknown : { RESP: RESP });

/**
 * For a cache with the OSS cluster policy: `createCluster({ nodeAddressMap: nodeAddressMap(host), … })`. The nodes
 * announce internal addresses that no certificate names; all are reached at the cache's host name, each at its port.
 */
export declare function nodeAddressMap(host: string): (address: string) => { host: string; port: number } | undefined;

/** `{ servername: host }`, checked: the name that a certificate is verified against, whatever address is connected to. */
export declare function servername(host: string): { servername: string };
