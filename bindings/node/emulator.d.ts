/**
 * Azure on loopback, for tests: Entra, the managed identity endpoints and a Redis that checks tokens.
 *
 * It runs the `entrakey` command, found by `ENTRAKEY_BIN`, on `PATH`, or in the package `entrakey-cli`.
 */

/** The emulator did not start, or refused what it was asked; the message says why. */
export declare class EmulatorError extends Error {}

/** Any option of `entrakey emulator` has its own name here, in camelCase; `true` stands for one without a value. */
export interface EmulatorOptions {
  /** How long a token is valid: `'5s'`, `'10m'`; `'1h'` if not given. */
  tokenLifetime?: string | undefined;
  /** Says what happens, on this process's standard error. */
  verbose?: boolean | undefined;
  [option: string]: string | number | boolean | undefined;
}

/** The connections of one identity, as the emulator counted them. */
export interface ConnectionCounts {
  /** Counted at the first accepted AUTH of each. */
  connections: number;
  /** Every accepted AUTH, the first included. */
  auths: number;
  /** Closed because the token expired. */
  expired: number;
  /** Commands other than AUTH, HELLO and CLIENT. */
  commands: number;
  connected: number;
}

/** What has happened so far. */
export interface EmulatorStats {
  token_requests: {
    total: number;
    issued_by_object_id: Record<string, number>;
    failed: Record<string, number>;
    by_route: Record<string, number>;
    scripted: number;
  };
  redis: { by_object_id: Record<string, ConnectionCounts>; auth_rejected: Record<string, number> };
}

/** A running emulator. It ends with `stop()`, and at the latest with this process, which it does not keep alive. */
export declare class Emulator implements AsyncDisposable {
  private constructor();

  /** Starts `entrakey emulator` on free ports; resolves when it answers. Rejects with {@link EmulatorError}. */
  static start(options?: EmulatorOptions): Promise<Emulator>;

  /** The variables that point a program at it: a virtual machine's, and an application's with a secret. */
  readonly environment: Record<string, string>;

  /**
   * The variables of one environment: `imds`, `app_service`, `workload_identity`, … (`entrakey emulator --help`).
   * The first question for one that needs a key waits until the emulator has made it, some tenths of a second.
   */
  env(name?: string): Promise<Record<string, string>>;

  /**
   * For `spawn(…, { env })`: this process's environment, as it would be there. What configures Azure's tools,
   * proxies and certificates in the present shell is taken away; `more` comes on top.
   */
  processEnvironment(name?: string, more?: Record<string, string>): Promise<Record<string, string>>;

  /** Makes {@link processEnvironment} that of this process, until `restore()` or `stop()`. */
  use(name?: string, more?: Record<string, string>): Promise<void>;

  /** Undoes `use`. */
  restore(): void;

  /** Asks the control API, for instance `control('POST', '/emulator/redis/stop')`; body and answer are JSON. */
  control(method: string, path: string, body?: unknown): Promise<any>;

  /** What has happened so far, counted: requests for tokens, and connections to the Redis. */
  stats(): Promise<EmulatorStats>;

  /** How many requests for a token were answered, well or not. */
  tokenRequests(): Promise<number>;

  /** What the Redis saw of an identity. */
  connections(objectId: string): Promise<ConnectionCounts>;

  /** Ends it; resolves when it has gone. Once is enough; more does nothing. */
  stop(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}
