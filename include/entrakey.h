/* entrakey: Microsoft Entra ID access tokens for Redis clients.
 *
 * Ownership: every `_new` and every output parameter that is an object gives you that object, and you end it with its
 * `_free`, once; freeing NULL does nothing, and an object may outlive the one that it was made from. Strings belong to
 * the object that they came from and live as long as it does; there is no string to free. What you pass in is copied,
 * except user_data. Whatever cannot be an object of yours (a NULL, text that is not UTF-8) is an error or, for getters,
 * a neutral value, and never crashes; a pointer to something freed, or to something else, is undefined behaviour.
 *
 * Threads: a provider, a subscription, a watch, an observation and a connection may be used from any number of threads at once,
 * and freed when no thread is inside one of their functions; tokens, errors, statuses, metrics and rejections never
 * change and may be shared; a config and a request belong to one thread at a time. Callbacks come on threads of the
 * library's that block all signals, with no lock held, never inside the call that registers them. Only
 * get_token, get_token_no_wait, ready and unsubscribe wait for anything, and each has an end.
 * A thread that is cancelled (pthread_cancel) inside a call is cancelled after it. Nothing may leave a callback but a
 * return: an exception, longjmp, pthread_exit, or the end of a thread that a language's runtime brings about in it (Python
 * does so when the interpreter ends before the provider is closed), ends the process.
 *
 * Memory: when the system has none left the process is aborted, as the library cannot say so in an error without some.
 * entrakey_provider_copy_credentials with a token in memory, entrakey_provider_version, every function that reads from an
 * object, and every _free of a token, error, status, metrics or rejection allocate nothing.
 *
 * Errors: a call that can fail returns NULL for success or an error object that you free. Outputs come last and are
 * written only on success, unless a function says otherwise.
 *
 * Processes: after fork the child uses its parent's providers and starts from their tokens (not after a raw _Fork or
 * clone); subscriptions, watches, observations and connections are dead there. A process may end at any time without closing
 * anything. The library is never unmapped: dlclose does nothing. Nothing here reads the environment but
 * entrakey_provider_new, and entrakey_config_set_json when it is told to: call these two before other threads change
 * it, as with any reader of the environment. A setuid or setgid program, or one whose file has capabilities, reads no variable.
 */

#ifndef ENTRAKEY_H
#define ENTRAKEY_H

/* Generated from ffi/src by `cargo test -p entrakey-ffi`. Do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The number of this header's ABI. It changes when a program built against an older header would break; functions,
 * keys and kinds are added without. It is also the number in the shared library's name (SONAME), so that the system
 * loads no other for a program that was linked.
 */
#define ENTRAKEY_ABI 1

/**
 * A flag of entrakey_config_set_json: ${NAME} in a value is the environment variable of that name, as in a
 * configuration file ($${ stands for ${).
 */
#define ENTRAKEY_JSON_EXPAND 1

/**
 * How long a client that is inside its own connect should wait for a token, in milliseconds, with
 * entrakey_provider_get_token_no_wait: clients give a connect a few seconds and try again by themselves.
 */
#define ENTRAKEY_CONNECT_TIMEOUT_MS 5000

/**
 * An argument of the call makes no sense: NULL, not UTF-8, a buffer that is too small.
 */
#define ENTRAKEY_ERROR_INVALID_ARGUMENT 1

/**
 * A configuration key is unknown, missing or contradicts another.
 */
#define ENTRAKEY_ERROR_INVALID_CONFIG 2

/**
 * The identity does not exist on this machine, or no managed identity endpoint is here.
 */
#define ENTRAKEY_ERROR_IDENTITY_UNAVAILABLE 3

/**
 * Entra refused the identity; entrakey_error_aadsts says why.
 */
#define ENTRAKEY_ERROR_AUTH_REJECTED 4

/**
 * The source asks for fewer requests.
 */
#define ENTRAKEY_ERROR_THROTTLED 5

/**
 * The source could not be reached, or this process may not have what that takes (a thread, a descriptor).
 */
#define ENTRAKEY_ERROR_NETWORK 6

/**
 * No answer within the time allowed.
 */
#define ENTRAKEY_ERROR_TIMEOUT 7

/**
 * The source answered something that is not a token.
 */
#define ENTRAKEY_ERROR_BAD_RESPONSE 8

/**
 * The token has no claim to take the Redis user name from.
 */
#define ENTRAKEY_ERROR_USERNAME_UNAVAILABLE 9

/**
 * The provider was closed.
 */
#define ENTRAKEY_ERROR_CLOSED 10

/**
 * The host's own callback failed.
 */
#define ENTRAKEY_ERROR_CALLBACK_FAILED 11

/**
 * A defect in this library; please report it.
 */
#define ENTRAKEY_ERROR_INTERNAL 12

/**
 * Something an operator should look at: the state has changed for the worse.
 */
#define ENTRAKEY_LEVEL_WARN 1

/**
 * A change that is as it should be: a new token.
 */
#define ENTRAKEY_LEVEL_INFO 2

/**
 * Each single step: every retry, every re-authentication.
 */
#define ENTRAKEY_LEVEL_DEBUG 3

/**
 * Configuration by key. Belongs to one thread at a time. A provider copies what it needs, so it may be
 * freed right after entrakey_provider_new. End it with entrakey_config_free.
 */
typedef struct entrakey_config entrakey_config;

/**
 * An open connection to a server, in the books of a subscription or a watch, for clients that know their connections
 * one by one: with them status, metrics and log lines count connections, each once. A connection that connects anew
 * is another one. Thread-safe. End it with entrakey_connection_free, which says that the connection is closed; before
 * or after its subscription, its watch and its provider. In a forked child, where it is the parent's, it does nothing.
 */
typedef struct entrakey_connection entrakey_connection;

/**
 * What went wrong, in a sentence that says what to do. Immutable; may be shared between threads. It holds
 * no secret. End it with entrakey_error_free.
 */
typedef struct entrakey_error entrakey_error;

/**
 * The metrics of some providers at one moment. Immutable; may be shared between threads. End it with
 * entrakey_metrics_free.
 */
typedef struct entrakey_metrics entrakey_metrics;

/**
 * A log callback's registration. Thread-safe. End it with entrakey_observation_free, also inside its own callback. In
 * a forked child it is dead.
 */
typedef struct entrakey_observation entrakey_observation;

/**
 * Supplies the access token of one identity and keeps it fresh on a background thread, which the first
 * token starts. Thread-safe, also in a forked child, which starts from its parent's token. End it with
 * entrakey_provider_free.
 */
typedef struct entrakey_provider entrakey_provider;

/**
 * The likely reason of a rejection. Holds ids, no secret. Immutable; may be shared between threads. End it with
 * entrakey_rejection_free.
 */
typedef struct entrakey_rejection entrakey_rejection;

/**
 * The host is asked for a token, or for a client assertion that an application signs in with. The callback that
 * receives it owns it and ends it once, there or later and from any thread: with entrakey_request_complete or
 * entrakey_request_fail. What comes after entrakey_request_time_left_ms is dropped.
 */
typedef struct entrakey_request entrakey_request;

/**
 * What a provider was doing at one moment, for health checks. Holds no secret and no object id. Immutable; may be
 * shared between threads. End it with entrakey_status_free.
 */
typedef struct entrakey_status entrakey_status;

/**
 * A callback's registration. Thread-safe. End it with entrakey_subscription_free, also inside its own callback. In a
 * forked child it is dead: neither its callback nor its finalize is called there.
 */
typedef struct entrakey_subscription entrakey_subscription;

/**
 * A token and the Redis user name that goes with it. Immutable; may be shared between threads, and stays
 * valid after its provider is freed. End it with entrakey_token_free.
 */
typedef struct entrakey_token entrakey_token;

/**
 * A descriptor that becomes readable when connections have to re-authenticate: a subscription without a callback, for
 * event loops and for languages that native threads should not call. Each watch has a descriptor and a random
 * moment of its own: make one for each event loop. Thread-safe. End it with entrakey_watch_free. In a forked child
 * it is dead: free it and make another.
 */
typedef struct entrakey_watch entrakey_watch;

/**
 * Is called with each token that replaces another, on a thread of the library's, one call at a time for each
 * subscription, with no lock held. The token belongs to the library and ends with the call. The callback may block
 * (with 1,024 that block at a time, those behind them wait) and may call any function here, entrakey_provider_free
 * among them. No C++ exception and no longjmp may leave it: that ends the process.
 */
typedef void (*entrakey_token_callback)(const entrakey_token *token, void *user_data);

/**
 * Is called with user_data after the last call of its callback, on any thread, perhaps one of the host's own that is
 * in a function of this library: at most once, and exactly once unless the process exits before or this is a forked
 * child of the process that handed user_data over. Nothing waits for it. The same rules as for a callback: no C++
 * exception and no longjmp may leave it.
 */
typedef void (*entrakey_finalize)(void *user_data);

/**
 * Is called with each event, in their order: its level (an ENTRAKEY_LEVEL_), its name ("token_refreshed"; more may be
 * added) and a line for a log, which holds no secret. Both texts end with the call. It comes on a thread of the
 * library's, one call at a time, with no lock held, and may block and call any function here; of events that come
 * too fast for it some are dropped and counted in the status. No C++ exception and no longjmp may leave it.
 */
typedef void (*entrakey_event_callback)(uint32_t level, const char *name, const char *message, void *user_data);

/**
 * Is called with a request that it owns, on a thread of the library's, one call at a time, with no lock held. It may
 * block. It must neither throw nor longjmp out, and must not wait for a token of the same provider: that is an
 * error at once.
 */
typedef void (*entrakey_request_callback)(entrakey_request *request, void *user_data);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The ABI of the loaded library. Whoever loads it by hand (dlopen, a language's FFI) compares it with ENTRAKEY_ABI
 * first and uses nothing else of a library that says another number.
 */
uint32_t entrakey_abi(void);

/**
 * The version of the loaded library, for people. Lives as long as the process.
 */
const char *entrakey_version(void);

/**
 * An empty configuration. What is not set comes from the environment (ENTRAKEY_<KEY>, then Azure's own
 * variables), then from the file that config_file names, when a provider is made.
 */
entrakey_config *entrakey_config_new(void);

/**
 * Sets one key; a later call for the same key wins. Numbers are written as text ("30000"). Both strings are
 * copied. Fails with INVALID_CONFIG for an unknown key (naming the nearest) or a value of the wrong type.
 *
 * Valid use: config is NULL or live and used by this thread only; key and value are NULL or NUL-terminated.
 */
entrakey_error *entrakey_config_set(entrakey_config *config, const char *key, const char *value);

/**
 * Sets the keys of a JSON object, {"client_id": "…", "refresh_ratio": 0.5}: all of them, or none if one is refused.
 * Numbers and booleans may be written as such. Without a flag a value is what it is, "${" and all. Fails with
 * INVALID_CONFIG, which names the key or the line and repeats no value, and with INVALID_ARGUMENT for a flag that
 * this library does not know.
 *
 * Valid use: config is NULL or live and used by this thread only; text is NULL or NUL-terminated.
 */
entrakey_error *entrakey_config_set_json(entrakey_config *config,
                                         const char *text,
                                         uint32_t flags);

/**
 * Ends a configuration; its secrets are wiped.
 *
 * Valid use: config is NULL or live, and not used again.
 */
void entrakey_config_free(entrakey_config *config);

/**
 * A connection is about to send AUTH with the token of this version. From the first one on, the connections say which
 * tokens the subscription is on, and entrakey_subscription_ack says nothing of that any more. Never blocks. NULL for
 * NULL.
 *
 * Valid use: subscription is NULL or live.
 */
entrakey_connection *entrakey_subscription_opened(const entrakey_subscription *subscription,
                                                  uint64_t version);

/**
 * As entrakey_subscription_opened.
 *
 * Valid use: watch is NULL or live.
 */
entrakey_connection *entrakey_watch_opened(const entrakey_watch *watch, uint64_t version);

/**
 * Whether a connection is to be authenticated with the token of this version: it is on an older one, and its server
 * has not refused this one. Cheap enough to ask before every command, with entrakey_provider_version. false for NULL.
 *
 * Valid use: connection is NULL or live.
 */
bool entrakey_connection_is_behind(const entrakey_connection *connection,
                                   uint64_t version);

/**
 * The server answered OK to an AUTH with the token of this version, the first or a later one. Never blocks. NULL does
 * nothing.
 *
 * Valid use: connection is NULL or live.
 */
void entrakey_connection_authenticated(const entrakey_connection *connection,
                                       uint64_t version);

/**
 * Something else than OK came, with this message: as entrakey_provider_report_rejected, and for this connection. If it
 * is a verdict on the token (the reason is not "not_a_refusal"), the connection stays on the token that it was on, and
 * is not behind on this one. Never blocks. rejection may be NULL. Fails with CLOSED, also in a forked child.
 *
 * Valid use: connection is NULL or live; message is NULL or NUL-terminated; rejection is NULL or writable.
 */
entrakey_error *entrakey_connection_refused(const entrakey_connection *connection,
                                            uint64_t version,
                                            const char *message,
                                            entrakey_rejection **rejection);

/**
 * The connection is closed. Never blocks. NULL does nothing.
 *
 * Valid use: connection is NULL or live, and not used again.
 */
void entrakey_connection_free(entrakey_connection *connection);

/**
 * Refuses a connection without TLS that leaves this machine, with INVALID_CONFIG. peer: the host or address at its
 * other end; name: the same as the user wrote it; remedy: how her client switches TLS on, for the sentence. Resolves
 * no name. Never blocks.
 *
 * Valid use: peer, name and remedy are NULL or NUL-terminated.
 */
entrakey_error *entrakey_check_plaintext(const char *peer,
                                         const char *name,
                                         const char *remedy);

/**
 * One of the ENTRAKEY_ERROR_ numbers, 0 for NULL. Newer libraries may know more kinds.
 *
 * Valid use: error is NULL or a live error.
 */
uint32_t entrakey_error_kind(const entrakey_error *error);

/**
 * The kind's name, "INVALID_CONFIG" for example; NULL for NULL.
 *
 * Valid use: error is NULL or a live error.
 */
const char *entrakey_error_name(const entrakey_error *error);

/**
 * What happened and what to do about it; NULL for NULL.
 *
 * Valid use: error is NULL or a live error.
 */
const char *entrakey_error_message(const entrakey_error *error);

/**
 * Whether the same call can succeed later with nothing changed.
 *
 * Valid use: error is NULL or a live error.
 */
bool entrakey_error_retriable(const entrakey_error *error);

/**
 * The number of Entra's refusal, 7000215 for AADSTS7000215; 0 if it was not Entra that refused.
 *
 * Valid use: error is NULL or a live error.
 */
uint32_t entrakey_error_aadsts(const entrakey_error *error);

/**
 * The HTTP status of the source's answer, 0 if there was none.
 *
 * Valid use: error is NULL or a live error.
 */
uint32_t entrakey_error_http_status(const entrakey_error *error);

/**
 * The correlation id that Microsoft's support asks for; NULL if there is none.
 *
 * Valid use: error is NULL or a live error.
 */
const char *entrakey_error_correlation_id(const entrakey_error *error);

/**
 * Ends an error and its strings.
 *
 * Valid use: error is NULL or a live error that is not used again.
 */
void entrakey_error_free(entrakey_error *error);

/**
 * Has callback called when connections have to re-authenticate, early enough and at a random moment of its own. Not
 * for the first token, which replaces none: subscribe first, and connect with entrakey_provider_get_token
 * afterwards. Never calls from inside; finalize may be NULL, and is not called when this fails, with CLOSED for
 * example.
 *
 * Valid use: provider is NULL or live; user_data may be used from any thread; subscription is NULL or writable.
 */
entrakey_error *entrakey_provider_subscribe(const entrakey_provider *provider,
                                            entrakey_token_callback callback,
                                            void *user_data,
                                            entrakey_finalize finalize,
                                            entrakey_subscription **subscription);

/**
 * Says what became of a re-authentication with the token of this version, so that status and metrics know which
 * connections are on which token. From the first call on, a subscription counts as being on a token only when that
 * was acknowledged. accepted = false also tells the provider, as entrakey_provider_report_rejected does. Never
 * blocks. After entrakey_subscription_unsubscribe nobody counts it any more. NULL does nothing.
 *
 * Valid use: subscription is NULL or live.
 */
void entrakey_subscription_ack(const entrakey_subscription *subscription,
                               uint64_t version,
                               bool accepted);

/**
 * Ends the calls and waits until none is under way, for timeout_ms at most; at once inside its own callback. False if
 * the time was over first: the call under way may still finish, no other follows. What user_data points to may be
 * gone after true, unless there is a finalize, which may still be to come. The object is still to be freed. True for
 * NULL and in a forked child.
 *
 * Valid use: subscription is NULL or live.
 */
bool entrakey_subscription_unsubscribe(const entrakey_subscription *subscription,
                                       uint64_t timeout_ms);

/**
 * Ends the calls, and the object. Never waits: a call under way may still finish, and then finalize follows.
 *
 * Valid use: subscription is NULL or live, and not used again.
 */
void entrakey_subscription_free(entrakey_subscription *subscription);

/**
 * Has callback called with the events up to level (ENTRAKEY_LEVEL_INFO: warnings too). finalize may be NULL, and is
 * not called when this fails: INVALID_ARGUMENT for a level that there is not, CLOSED.
 *
 * Valid use: provider is NULL or live; user_data may be used from any thread; observation is NULL or writable.
 */
entrakey_error *entrakey_provider_observe(const entrakey_provider *provider,
                                          uint32_t level,
                                          entrakey_event_callback callback,
                                          void *user_data,
                                          entrakey_finalize finalize,
                                          entrakey_observation **observation);

/**
 * Ends the calls, and the object. Never waits: a call under way may still finish, and then finalize follows.
 *
 * Valid use: observation is NULL or live, and not used again.
 */
void entrakey_observation_free(entrakey_observation *observation);

/**
 * Makes a provider from a configuration and the environment, which is read now and never again. No network
 * I/O. Fails with INVALID_CONFIG if a key is missing, contradicts another or has an unsafe value.
 *
 * Valid use: config is NULL or live; provider is NULL or writable.
 */
entrakey_error *entrakey_provider_new(const entrakey_config *config, entrakey_provider **provider);

/**
 * A valid token: from memory, or else from the source, in which case it blocks, through failures that pass,
 * for timeout_ms at most (0: the configured get_token_timeout_ms). However many threads call, there is one
 * request. Fails with what the source said last, TIMEOUT or CLOSED.
 *
 * Valid use: provider is NULL or live; token is NULL or writable.
 */
entrakey_error *entrakey_provider_get_token(const entrakey_provider *provider,
                                            uint64_t timeout_ms,
                                            entrakey_token **token);

/**
 * As entrakey_provider_get_token, but when there is no valid token and the last request failed, that failure at once
 * instead of waiting for the next attempt. For hooks that a client calls again and again while it connects: the
 * first call of an outage waits, the others do not.
 *
 * Valid use: As entrakey_provider_get_token.
 */
entrakey_error *entrakey_provider_get_token_no_wait(const entrakey_provider *provider,
                                                    uint64_t timeout_ms,
                                                    entrakey_token **token);

/**
 * The token in memory, yours to free, if it is still valid, however little is left of it; else NULL. Never blocks and
 * never fetches.
 *
 * Valid use: provider is NULL or live.
 */
entrakey_token *entrakey_provider_current(const entrakey_provider *provider);

/**
 * Waits until entrakey_provider_get_token would answer from memory, for timeout_ms at most (0: the configured
 * get_token_timeout_ms): for health checks at start-up. Causes the first request if there was none. Fails as
 * entrakey_provider_get_token.
 *
 * Valid use: provider is NULL or live.
 */
entrakey_error *entrakey_provider_ready(const entrakey_provider *provider, uint64_t timeout_ms);

/**
 * Copies user name and secret of one token, each with a NUL at its end, into the caller's buffers. Never
 * blocks; allocates nothing unless it fails. With no usable token in memory it starts a request in the
 * background and fails at once (TIMEOUT, or the last error).
 *
 * Unlike elsewhere, the lengths (without the NUL) are written even when a buffer is too small, which is
 * INVALID_ARGUMENT: compare them with the capacities. With both capacities 0 only the lengths are asked
 * for. expires_unix_ms and version may be NULL.
 *
 * Valid use: provider is NULL or live; user and secret are writable for their capacities (NULL if those are 0); the
 * other outputs are NULL or writable.
 */
entrakey_error *entrakey_provider_copy_credentials(const entrakey_provider *provider,
                                                   char *user,
                                                   size_t user_cap,
                                                   size_t *user_len,
                                                   char *secret,
                                                   size_t secret_cap,
                                                   size_t *secret_len,
                                                   uint64_t *expires_unix_ms,
                                                   uint64_t *version);

/**
 * The version of the newest token, 0 before the first one, after close and for NULL. One atomic load: compare it before
 * each command with the version that the connection last authenticated with. In a forked child it stands still until the
 * first other call there, which copying credentials for a connection of the child's own is.
 *
 * Valid use: provider is NULL or live.
 */
uint64_t entrakey_provider_version(const entrakey_provider *provider);

/**
 * Asks for a new token soon, whatever is left of the current one, which stays in service meanwhile: for when a secret
 * was replaced. Never blocks. Requests stay one at a time and spaced, so calling it often does no harm. Fails with
 * CLOSED.
 *
 * Valid use: provider is NULL or live.
 */
entrakey_error *entrakey_provider_refresh(const entrakey_provider *provider);

/**
 * Ends the background work and forgets the token; calls that wait get CLOSED, and so do later ones. Does
 * not block. NULL and a second call do nothing.
 *
 * Valid use: provider is NULL or live.
 */
void entrakey_provider_close(const entrakey_provider *provider);

/**
 * Closes a provider and ends it. Tokens that it gave stay valid. Does not block.
 *
 * Valid use: provider is NULL or live, no other thread is inside one of its functions, and it is not used again.
 */
void entrakey_provider_free(entrakey_provider *provider);

/**
 * Says what a server answered to an AUTH with the token of this version, in its own or a client library's words, and
 * explains it. If another token could help, one is asked for, in the background: once for each version, then ever
 * more rarely. A version that is older than the current one is ignored, and so is what says nothing of the token
 * (reason "not_a_refusal"): a server that is loading, a connection that went away. Never blocks. rejection may be
 * NULL. What is not UTF-8 in the message is replaced. Fails with CLOSED.
 *
 * Valid use: provider is NULL or live; message is NULL or NUL-terminated; rejection is NULL or writable.
 */
entrakey_error *entrakey_provider_report_rejected(const entrakey_provider *provider,
                                                  uint64_t version,
                                                  const char *message,
                                                  entrakey_rejection **rejection);

/**
 * The reason's name, "no_access_policy" for example; more may be added. NULL for NULL.
 *
 * Valid use: rejection is NULL or live.
 */
const char *entrakey_rejection_reason(const entrakey_rejection *rejection);

/**
 * Who the token was for (object id, tenant, audience, source of the identity), and what to do. NULL for NULL.
 *
 * Valid use: rejection is NULL or live.
 */
const char *entrakey_rejection_explanation(const entrakey_rejection *rejection);

/**
 * Ends a rejection and its strings.
 *
 * Valid use: rejection is NULL or live, and not used again.
 */
void entrakey_rejection_free(entrakey_rejection *rejection);

/**
 * Tokens come from the host (the key identity need not be set then). finalize may be NULL; it is called when neither
 * the configuration nor a provider made from it needs the callback any more, and not when this fails.
 *
 * Valid use: config is NULL or live and used by this thread only; user_data may be used from any thread.
 */
entrakey_error *entrakey_config_on_token_request(entrakey_config *config,
                                                 entrakey_request_callback callback,
                                                 void *user_data,
                                                 entrakey_finalize finalize);

/**
 * The application of tenant_id and client_id signs in with assertions of the host's: JWTs that Entra trusts by a
 * federated credential. As entrakey_config_on_token_request; called before each request to Entra.
 *
 * Valid use: As entrakey_config_on_token_request.
 */
entrakey_error *entrakey_config_on_assertion_request(entrakey_config *config,
                                                     entrakey_request_callback callback,
                                                     void *user_data,
                                                     entrakey_finalize finalize);

/**
 * What the token is for; NULL if it is an assertion that is wanted, and for NULL.
 *
 * Valid use: request is NULL or live.
 */
const char *entrakey_request_scope(const entrakey_request *request);

/**
 * How long an answer will still be waited for, in milliseconds; 0 for NULL.
 *
 * Valid use: request is NULL or live.
 */
uint64_t entrakey_request_time_left_ms(const entrakey_request *request);

/**
 * Hands the token or the assertion over, which is copied, and ends the request whatever is returned.
 * expires_unix_ms: when the token expires, in milliseconds since the Unix epoch by this machine's clock; 0 for what
 * the token itself says. Of an assertion it does not matter. Fails if secret is NULL or not UTF-8; the request has
 * then failed too.
 *
 * Valid use: request is NULL or live and not used again; secret is NULL or NUL-terminated.
 */
entrakey_error *entrakey_request_complete(entrakey_request *request,
                                          const char *secret,
                                          uint64_t expires_unix_ms);

/**
 * Says that there is none, and why; it is asked again later. Ends the request. The message reaches errors and logs: no
 * secrets. NULL for either does as well as it can.
 *
 * Valid use: request is NULL or live and not used again; message is NULL or NUL-terminated.
 */
void entrakey_request_fail(entrakey_request *request,
                           const char *message);

/**
 * What the provider is doing now. Never blocks on I/O and never fetches; a closed provider has a status too.
 *
 * Valid use: provider is NULL or live; status is NULL or writable.
 */
entrakey_error *entrakey_provider_status(const entrakey_provider *provider, entrakey_status **status);

/**
 * Whether entrakey_provider_get_token would have answered from memory; false for NULL.
 *
 * Valid use: status is NULL or live.
 */
bool entrakey_status_ready(const entrakey_status *status);

/**
 * The whole of it as one JSON object: state, validity left, next refresh, last error, clock skew, listeners, counters.
 * Newer libraries may add keys. NULL for NULL.
 *
 * Valid use: status is NULL or live.
 */
const char *entrakey_status_json(const entrakey_status *status);

/**
 * Ends a status and its text.
 *
 * Valid use: status is NULL or live, and not used again.
 */
void entrakey_status_free(entrakey_status *status);

/**
 * The metrics of count providers, for a Prometheus endpoint, told apart by their configuration key name. All of a
 * process in one call: a metric must not be described twice in one page.
 *
 * Valid use: providers is readable for count live providers (NULL if that is 0); metrics is NULL or writable.
 */
entrakey_error *entrakey_metrics_new(const entrakey_provider *const *providers,
                                     size_t count,
                                     entrakey_metrics **metrics);

/**
 * The text; NULL for NULL.
 *
 * Valid use: metrics is NULL or live.
 */
const char *entrakey_metrics_text(const entrakey_metrics *metrics);

/**
 * Its Content-Type; NULL for NULL.
 *
 * Valid use: metrics is NULL or live.
 */
const char *entrakey_metrics_content_type(const entrakey_metrics *metrics);

/**
 * Ends metrics and their text.
 *
 * Valid use: metrics is NULL or live, and not used again.
 */
void entrakey_metrics_free(entrakey_metrics *metrics);

/**
 * The user name for Redis's AUTH: the identity's object id. NULL for NULL.
 *
 * Valid use: token is NULL or live.
 */
const char *entrakey_token_username(const entrakey_token *token);

/**
 * The password for Redis's AUTH: the access token. A bearer secret: do not log it. NULL for NULL.
 *
 * Valid use: token is NULL or live.
 */
const char *entrakey_token_secret(const entrakey_token *token);

/**
 * Its number among the provider's tokens, from 1; 0 for NULL.
 *
 * Valid use: token is NULL or live.
 */
uint64_t entrakey_token_version(const entrakey_token *token);

/**
 * When it expires, in milliseconds since the Unix epoch by this machine's clock; 0 for NULL.
 *
 * Valid use: token is NULL or live.
 */
uint64_t entrakey_token_expires_unix_ms(const entrakey_token *token);

/**
 * When the provider means to replace it, in milliseconds since the Unix epoch; 0 for NULL.
 *
 * Valid use: token is NULL or live.
 */
uint64_t entrakey_token_refresh_unix_ms(const entrakey_token *token);

/**
 * Ends a token; this copy of the secret is wiped.
 *
 * Valid use: token is NULL or live, and not used again.
 */
void entrakey_token_free(entrakey_token *token);

/**
 * Makes a watch. Its handle becomes readable when a token replaces another, early enough and at a random moment of its
 * own; if the provider has no valid token now, also with the next one, at once; and for good when the provider is
 * closed. So make it first, and connect afterwards. Fails with CLOSED, or NETWORK if the system gives no descriptor.
 *
 * Valid use: provider is NULL or live; watch is NULL or writable.
 */
entrakey_error *entrakey_watch_new(const entrakey_provider *provider,
                                   entrakey_watch **watch);

/**
 * The file descriptor for poll, epoll, kqueue or whatever the loop uses: wait until it is readable, and do nothing
 * else with it. It belongs to the watch: take it out of the loop before entrakey_watch_free closes it. -1 for NULL
 * and in a forked child.
 *
 * Valid use: watch is NULL or live.
 */
intptr_t entrakey_watch_handle(const entrakey_watch *watch);

/**
 * Makes the handle unreadable and says which version there is news of, the newest since the last call: authenticate
 * with entrakey_provider_copy_credentials, which may give a newer one still. version 0: it woke for nothing. Never
 * blocks. Fails with CLOSED when nothing will come any more: the provider was closed, or this is a forked child.
 *
 * Valid use: watch is NULL or live; version is NULL or writable.
 */
entrakey_error *entrakey_watch_take(const entrakey_watch *watch,
                                    uint64_t *version);

/**
 * As entrakey_subscription_ack.
 *
 * Valid use: watch is NULL or live.
 */
void entrakey_watch_ack(const entrakey_watch *watch, uint64_t version, bool accepted);

/**
 * Ends a watch and closes its handle (in a forked child the copy of it stays open). Never waits. A watch may outlive
 * its provider.
 *
 * Valid use: watch is NULL or live, and not used again.
 */
void entrakey_watch_free(entrakey_watch *watch);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ENTRAKEY_H */
