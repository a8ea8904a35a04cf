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
  /** Called when a connection could not be re-authenticated. Without it there is a process warning. */
  onReAuthenticationError?: (error: Error) => void;
}

/**
 * `createClient({ credentialsProvider: credentialsProvider(provider) })`: each connection authenticates with
 * the newest token and re-authenticates before it expires. One may serve any number of clients.
 */
export declare function credentialsProvider(
  provider: Provider,
  options?: CredentialsProviderOptions,
): StreamingCredentialsProvider;
