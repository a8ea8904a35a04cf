/** Live Entra ID credentials for ioredis (5 and newer) and iovalkey, and for BullMQ on top of them. */

import type { Provider } from './index.js';

/** What {@link attach} needs of a client: an instance of `Redis` or `Cluster`. */
export interface AttachableClient {
  duplicate(...args: never[]): unknown;
  readonly options: object;
  readonly status: string;
}

/** Options of {@link attach}. */
export interface AttachOptions {
  /**
   * Called when the server refused a connection's new token; the message says why and what to do. The connection stays
   * open until its old token expires. Without it there is a process warning.
   */
  onReAuthenticationError?: ((error: Error) => void) | undefined;
  /** Permits connections without TLS to other machines: whoever sees the traffic can use the token. */
  allowPlaintext?: boolean | undefined;
}

/**
 * `const redis = attach(new Redis({ host, port, tls: {} }), provider)`: each connection of this client authenticates
 * with the newest token whenever it connects, and re-authenticates before it expires. So do those of its
 * `duplicate()`s, and the nodes and subscribers of a `Cluster`, including those that join later. Call it right after
 * the client was made, and leave out `username` and `password`: what the options or the URL say is not used, and one
 * process warning (`ENTRAKEY_CREDENTIALS_IGNORED`) names it. Without `provider` the environment says whose tokens
 * these are, and all clients of a thread that were attached so share one provider.
 *
 * A connection that has subscribed and speaks RESP2 (ioredis 5, iovalkey, `protocol: 2`) cannot re-authenticate: it
 * reconnects and subscribes again, and what is published in between is not received. A connection that is blocked
 * (BLPOP) re-authenticates when the server answers; its time-out has to be below three minutes.
 *
 * @returns the same client.
 * @throws {EntrakeyError} `INVALID_ARGUMENT`: no client, no provider, or `password` is a function. `INVALID_CONFIG`:
 * the token would be sent in clear.
 */
export declare function attach<Client extends AttachableClient>(
  client: Client,
  provider?: Provider | undefined,
  options?: AttachOptions,
): Client;

/**
 * For a cache with the OSS cluster policy: `new Cluster([…], { natMap: natMap(host), dnsLookup, … })`. The nodes
 * announce internal addresses that no certificate names; all are reached at the cache's host name, each at its port.
 */
export declare function natMap(host: string): (key: string) => { host: string; port: number } | null;

/** Leaves host names as they are. ioredis would connect to their address, which no certificate names. */
export declare function dnsLookup(address: string, callback: (error: null, address: string) => void): void;

/**
 * `tls: servername(host)`: the name that a certificate is verified against, whatever address is connected to. With the
 * OSS cluster policy this alone is enough, where the internal addresses can be reached.
 */
export declare function servername(host: string): { servername: string };
