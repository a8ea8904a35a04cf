/* entrakey: Microsoft Entra ID access tokens for Redis clients.
 *
 * Ownership: every `_new` and every output parameter that is an object gives you that object, and you end it with its
 * `_free`, once; freeing NULL does nothing, and an object may outlive the one that it was made from. Strings belong to
 * the object that they came from and live as long as it does; there is no string to free. What you pass in is copied,
 * except user_data. NULL, and text that is not UTF-8, is an error or, for getters, a neutral
 * value, and never crashes. A pointer to something freed, or to something else, is undefined behaviour.
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
 * How long a client that is inside its own connect should wait for a token, in milliseconds, with
 * entrakey_provider_get_token_no_wait: clients give a connect a few seconds and try again by themselves.
 */
#define ENTRAKEY_CONNECT_TIMEOUT_MS 5000

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
 * One open connection of the client to a server, counted under a subscription or a watch. With connections, status,
 * metrics and log lines count each connection once. A client that connects again makes another object. Thread-safe.
 * Call entrakey_connection_free when the connection is closed, before or after its subscription, its watch and its
 * provider are freed. In a forked child it does nothing, because the connection is the parent's.
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
 * The registration of an event callback. Thread-safe. End it with entrakey_observation_free, which may be called
 * inside the callback. In a forked child it is dead.
 */
typedef struct entrakey_observation entrakey_observation;

/**
 * Supplies the access tokens of one identity and keeps them fresh on a background thread, which starts with the first
 * token. Thread-safe. A forked child may use it too and starts from its parent's token. End it with
 * entrakey_provider_free.
 */
typedef struct entrakey_provider entrakey_provider;

/**
 * Why a server probably refused a token. Holds ids, no secret. Immutable; may be shared between threads. End it with
 * entrakey_rejection_free.
 */
typedef struct entrakey_rejection entrakey_rejection;

/**
 * A question to the host: for a token, or for a client assertion that an application signs in with. The callback that
 * receives the request owns it and ends it once, in the callback or later, from any thread, with
 * entrakey_request_complete or entrakey_request_fail. An answer after entrakey_request_time_left_ms is dropped.
 */
typedef struct entrakey_request entrakey_request;

/**
 * What a provider was doing at one moment, for health checks. Holds no secret and no object id. Immutable; may be
 * shared between threads. End it with entrakey_status_free.
 */
typedef struct entrakey_status entrakey_status;

/**
 * The registration of a token callback. Thread-safe. End it with entrakey_subscription_free, which may be called
 * inside the callback. In a forked child it is dead: neither its callback nor its finalize is called there.
 */
typedef struct entrakey_subscription entrakey_subscription;

/**
 * A token and the Redis user name that goes with it. Immutable; may be shared between threads, and stays
 * valid after its provider is freed. End it with entrakey_token_free.
 */
typedef struct entrakey_token entrakey_token;

/**
 * A descriptor that becomes readable when connections have to re-authenticate. A watch is a subscription without a
 * callback, for event loops and for languages that native threads must not call. Each watch has a descriptor and a
 * random moment of its own: make one for each event loop. Thread-safe. End it with entrakey_watch_free. In a forked
 * child it is dead: free it and make another.
 */
typedef struct entrakey_watch entrakey_watch;

/**
 * Receives a request and owns it. The library calls it on a thread of its own, one call at a time, with no lock held.
 * The callback may block. If it waits for a token of the same provider, that call fails at once. No C++ exception and
 * no longjmp may leave it.
 */
typedef void (*entrakey_request_callback)(entrakey_request *request, void *user_data);

/**
 * Tells the host that user_data is no longer needed. It is called at most once, after the last call of the callback
 * that user_data was registered with. It is not called if the process exits before, and not in a forked child of the
 * process that registered user_data. It runs on any thread, perhaps on one of the host's that is inside a function of
 * this library; the library does not wait for it. No C++ exception and no longjmp may leave it.
 */
typedef void (*entrakey_finalize)(void *user_data);

/**
 * Receives each token that replaces another. The library calls it on a thread of its own, one call at a time for each
 * subscription, with no lock held. The token belongs to the library and ends with the call. The callback may block (if
 * 1,024 callbacks block at a time, further ones wait) and may call any function of this header, also
 * entrakey_provider_free. No C++ exception and no longjmp may leave it: that ends the process.
 */
typedef void (*entrakey_token_callback)(const entrakey_token *token, void *user_data);

/**
 * Receives the provider's events in their order: the level (an ENTRAKEY_LEVEL_), the name ("token_refreshed"; newer
 * libraries may add names) and a line for a log, which holds no secret. Both texts end with the call. The library
 * calls it on a thread of its own, one call at a time, with no lock held. The callback may block and may call any
 * function of this header. If events come faster than it returns, some are dropped and counted in the status. No C++
 * exception and no longjmp may leave it.
 */
typedef void (*entrakey_event_callback)(uint32_t level, const char *name, const char *message, void *user_data);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The ABI of the loaded library. A program that loads the library by hand (dlopen, a language's FFI) compares it with
 * ENTRAKEY_ABI first, and calls nothing else if the numbers differ.
 */
uint32_t entrakey_abi(void);

/**
 * The version of the loaded library, for people. The string lives as long as the process.
 */
const char *entrakey_version(void);

/**
 * Makes an empty configuration. When a provider is made from it, a key that is not set comes from the environment
 * (ENTRAKEY_<KEY>, then Azure's own variables), then from the file that config_file names.
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
 * Numbers and booleans may be written as such. Without ENTRAKEY_JSON_EXPAND in flags a value is taken literally, also
 * one with "${". Fails with INVALID_CONFIG, whose message names the key or the line and repeats no value, and with
 * INVALID_ARGUMENT for a flag that this library does not know.
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
 * Makes the host the source of tokens: the callback is asked for each. The key identity need not be set then. finalize
 * may be NULL; it is called when neither the configuration nor a provider made from it needs the callback any more,
 * and not if this fails.
 *
 * Valid use: config is NULL or live and used by this thread only; user_data may be used from any thread.
 */
entrakey_error *entrakey_config_on_token_request(entrakey_config *config,
                                                 entrakey_request_callback callback,
                                                 void *user_data,
                                                 entrakey_finalize finalize);

/**
 * Makes the host the source of client assertions, with which the application of tenant_id and client_id signs in: JWTs
 * that Entra trusts by a federated credential. The callback is asked before each request to Entra. finalize: as for
 * entrakey_config_on_token_request.
 *
 * Valid use: As entrakey_config_on_token_request.
 */
entrakey_error *entrakey_config_on_assertion_request(entrakey_config *config,
                                                     entrakey_request_callback callback,
                                                     void *user_data,
                                                     entrakey_finalize finalize);

/**
 * What the token is for. NULL if an assertion is wanted, and for NULL.
 *
 * Valid use: request is NULL or live.
 */
const char *entrakey_request_scope(const entrakey_request *request);

/**
 * How long the provider will still wait for the answer, in milliseconds; 0 for NULL.
 *
 * Valid use: request is NULL or live.
 */
uint64_t entrakey_request_time_left_ms(const entrakey_request *request);

/**
 * Answers the request with a token or an assertion, which is copied. This ends the request, whatever it returns.
 * expires_unix_ms: when the token expires, in milliseconds since the Unix epoch by this machine's clock; 0 if the
 * token itself says it; ignored for an assertion. Fails if secret is NULL or not UTF-8; the request has then failed
 * too.
 *
 * Valid use: request is NULL or live and not used again; secret is NULL or NUL-terminated.
 */
entrakey_error *entrakey_request_complete(entrakey_request *request,
                                          const char *secret,
                                          uint64_t expires_unix_ms);

/**
 * Answers the request with the reason why there is no token or assertion. The provider asks again later. This ends the
 * request. The message reaches errors and logs, so it must hold no secret. If request is NULL nothing happens; if
 * message is NULL a general message is used.
 *
 * Valid use: request is NULL or live and not used again; message is NULL or NUL-terminated.
 */
void entrakey_request_fail(entrakey_request *request,
                           const char *message);

/**
 * Makes a provider from a configuration and the environment, which is read now and never again. Does no network I/O.
 * Fails with INVALID_CONFIG if a key is missing, contradicts another or has an unsafe value.
 *
 * Valid use: config is NULL or live; provider is NULL or writable.
 */
entrakey_error *entrakey_provider_new(const entrakey_config *config,
                                      entrakey_provider **provider);

/**
 * Gives a valid token from memory, or else from the source. In the second case the call blocks, through failures that
 * pass, for timeout_ms at most (0: the configured get_token_timeout_ms). Any number of threads that call cause one
 * request. Fails with what the source said last, with TIMEOUT or with CLOSED.
 *
 * Valid use: provider is NULL or live; token is NULL or writable.
 */
entrakey_error *entrakey_provider_get_token(const entrakey_provider *provider,
                                            uint64_t timeout_ms,
                                            entrakey_token **token);

/**
 * As entrakey_provider_get_token, except during an outage: if there is no valid token and the last request failed, the
 * call fails at once with that error instead of waiting for the next attempt. For hooks that a client calls again and
 * again while it connects: the first call of an outage waits, the others do not.
 *
 * Valid use: As entrakey_provider_get_token.
 */
entrakey_error *entrakey_provider_get_token_no_wait(const entrakey_provider *provider,
                                                    uint64_t timeout_ms,
                                                    entrakey_token **token);

/**
 * Gives the token in memory, yours to free, if it is still valid, however little is left of it. Returns NULL
 * otherwise. Never blocks and never causes a request.
 *
 * Valid use: provider is NULL or live.
 */
entrakey_token *entrakey_provider_current(const entrakey_provider *provider);

/**
 * Waits until entrakey_provider_get_token would answer from memory, for timeout_ms at most (0: the configured
 * get_token_timeout_ms). For health checks at start-up. Causes the first request if there was none. Fails as
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
 * The version of the newest token; 0 before the first one, after close and for NULL. Costs one atomic load: compare it
 * before each command with the version that the connection last authenticated with. In a forked child this returns the
 * parent's version until the child makes its first other call. Copying credentials counts as one.
 *
 * Valid use: provider is NULL or live.
 */
uint64_t entrakey_provider_version(const entrakey_provider *provider);

/**
 * How many milliseconds a connection on the token of this version may wait before it authenticates again: until a newer
 * token is due, if there is none, and then up to a random moment inside what reauth_spread allows, well before its token
 * expires. Each call draws anew, so call it once for each connection and token: the moment of a watch or a subscription is
 * one for all of its connections. 0 for a token that should be left at once, after close and for NULL. Never blocks.
 *
 * Valid use: provider is NULL or live.
 */
uint64_t entrakey_provider_reauth_in_ms(const entrakey_provider *provider,
                                        uint64_t version);

/**
 * Asks for a new token soon, whatever is left of the current one, which stays in service meanwhile. For when a secret
 * was replaced. Never blocks. There is still one request at a time, and requests keep their distance, so calling this
 * often does no harm. Fails with CLOSED.
 *
 * Valid use: provider is NULL or live.
 */
entrakey_error *entrakey_provider_refresh(const entrakey_provider *provider);

/**
 * Ends the background work and forgets the token. Calls that wait fail with CLOSED, and so do later ones. Does not
 * block. NULL and a second call do nothing.
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
 * The token's number among its provider's tokens, from 1; 0 for NULL.
 *
 * Valid use: token is NULL or live.
 */
uint64_t entrakey_token_version(const entrakey_token *token);

/**
 * When the token expires, in milliseconds since the Unix epoch by this machine's clock; 0 for NULL.
 *
 * Valid use: token is NULL or live.
 */
uint64_t entrakey_token_expires_unix_ms(const entrakey_token *token);

/**
 * When the provider means to replace the token, in milliseconds since the Unix epoch; 0 for NULL.
 *
 * Valid use: token is NULL or live.
 */
uint64_t entrakey_token_refresh_unix_ms(const entrakey_token *token);

/**
 * Ends a token and wipes this copy of the secret.
 *
 * Valid use: token is NULL or live, and not used again.
 */
void entrakey_token_free(entrakey_token *token);

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
 * Whether the same call can succeed later if nothing is changed.
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
 * Tells the provider what a server answered to an AUTH with the token of this version, in the server's or a client
 * library's words, and gives an explanation. If another token could help, the provider asks for one in the background:
 * once for each version, then ever more rarely. Ignored: a version that is older than the current one, and a message
 * that says nothing of the token (reason "not_a_refusal"), as from a server that is loading or a connection that went
 * away. Never blocks. rejection may be NULL. Whatever is not UTF-8 in the message is replaced. Fails with CLOSED.
 *
 * Valid use: provider is NULL or live; message is NULL or NUL-terminated; rejection is NULL or writable.
 */
entrakey_error *entrakey_provider_report_rejected(const entrakey_provider *provider,
                                                  uint64_t version,
                                                  const char *message,
                                                  entrakey_rejection **rejection);

/**
 * The reason's name, for example "no_access_policy"; newer libraries may add names. NULL for NULL.
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
 * Registers a callback for each token that replaces another: connections then have to re-authenticate. The call comes
 * early enough, at a random moment of this subscription's own. The first token replaces none and causes no call:
 * subscribe first, then connect with entrakey_provider_get_token. The callback never runs inside this function.
 * finalize may be NULL; it is not called if this fails, for example with CLOSED.
 *
 * Valid use: provider is NULL or live; user_data may be used from any thread; subscription is NULL or writable.
 */
entrakey_error *entrakey_provider_subscribe(const entrakey_provider *provider,
                                            entrakey_token_callback callback,
                                            void *user_data,
                                            entrakey_finalize finalize,
                                            entrakey_subscription **subscription);

/**
 * Says whether connections re-authenticated with the token of this version, so that status and metrics know which
 * token they are on. From the first acknowledgement on, the subscription counts as being on a token only when that
 * token was acknowledged. accepted = false also reports a rejection, as entrakey_provider_report_rejected does. Never
 * blocks. After entrakey_subscription_unsubscribe it has no effect. NULL does nothing.
 *
 * Valid use: subscription is NULL or live.
 */
void entrakey_subscription_ack(const entrakey_subscription *subscription,
                               uint64_t version,
                               bool accepted);

/**
 * Ends the subscription's calls and waits until no call is running, for timeout_ms at most. Returns at once inside the
 * callback itself. Returns false if the time was over first: the running call may still finish, and no other follows.
 * After true the library does not use user_data any more, except that finalize may still be called with it. The object
 * must still be freed. Returns true for NULL and in a forked child.
 *
 * Valid use: subscription is NULL or live.
 */
bool entrakey_subscription_unsubscribe(const entrakey_subscription *subscription,
                                       uint64_t timeout_ms);

/**
 * Ends the subscription's calls, and the object. Never waits: a running call may still finish, and then finalize is
 * called.
 *
 * Valid use: subscription is NULL or live, and not used again.
 */
void entrakey_subscription_free(entrakey_subscription *subscription);

/**
 * Makes a watch. Its descriptor becomes readable when a token replaces another, early enough and at a random moment of
 * the watch's own. If the provider has no valid token now, the descriptor becomes readable at once when the next token
 * comes. When the provider is closed it stays readable. So make the watch first, then connect. Fails with CLOSED, or
 * with NETWORK if the system gives no descriptor.
 *
 * Valid use: provider is NULL or live; watch is NULL or writable.
 */
entrakey_error *entrakey_watch_new(const entrakey_provider *provider,
                                   entrakey_watch **watch);

/**
 * The file descriptor for poll, epoll, kqueue or whatever the loop uses. Wait until it is readable, and do nothing
 * else with it. It belongs to the watch: take it out of the loop before entrakey_watch_free closes it. -1 for NULL and
 * in a forked child.
 *
 * Valid use: watch is NULL or live.
 */
intptr_t entrakey_watch_handle(const entrakey_watch *watch);

/**
 * Makes the descriptor unreadable again and gives the newest version since the last call, or 0 if there is no news.
 * Then authenticate with entrakey_provider_copy_credentials, which may give an even newer token. Never blocks. Fails
 * with CLOSED if nothing will come any more: the provider was closed, or this is a forked child.
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
 * Ends a watch and closes its descriptor (in a forked child the copy of it stays open). Never waits. A watch may
 * outlive its provider.
 *
 * Valid use: watch is NULL or live, and not used again.
 */
void entrakey_watch_free(entrakey_watch *watch);

/**
 * Counts a connection of the client's that is about to send AUTH with the token of this version. From the first such
 * connection on, the connections say which tokens the subscription is on, and entrakey_subscription_ack no longer
 * does. Never blocks. Returns NULL for NULL.
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
 * Whether the connection should authenticate with the token of this version: it is on an older token, and its server
 * has not refused this one. Cheap enough to ask before every command, with entrakey_provider_version. Returns false
 * for NULL.
 *
 * Valid use: connection is NULL or live.
 */
bool entrakey_connection_is_behind(const entrakey_connection *connection,
                                   uint64_t version);

/**
 * Says that the server answered OK to an AUTH with the token of this version, the connection's first AUTH or a later
 * one. Never blocks. NULL does nothing.
 *
 * Valid use: connection is NULL or live.
 */
void entrakey_connection_authenticated(const entrakey_connection *connection,
                                       uint64_t version);

/**
 * Says that the server answered an AUTH with this message instead of OK. The message is explained as
 * entrakey_provider_report_rejected does it. If it is a verdict on the token (the reason is not "not_a_refusal"), the
 * connection counts as being on the token that it had before, and is not behind on the token of this version. Never
 * blocks. rejection may be NULL. Fails with CLOSED, also in a forked child.
 *
 * Valid use: connection is NULL or live; message is NULL or NUL-terminated; rejection is NULL or writable.
 */
entrakey_error *entrakey_connection_refused(const entrakey_connection *connection,
                                            uint64_t version,
                                            const char *message,
                                            entrakey_rejection **rejection);

/**
 * Says that the connection is closed, and ends the object. Never blocks. NULL does nothing.
 *
 * Valid use: connection is NULL or live, and not used again.
 */
void entrakey_connection_free(entrakey_connection *connection);

/**
 * Refuses a connection without TLS that leaves this machine, with INVALID_CONFIG. peer is the host or address that the
 * connection goes to; name is the same as the user wrote it; remedy says how the user's client switches TLS on, and
 * becomes part of the message. Resolves no name. Never blocks.
 *
 * Valid use: peer, name and remedy are NULL or NUL-terminated.
 */
entrakey_error *entrakey_check_plaintext(const char *peer,
                                         const char *name,
                                         const char *remedy);

/**
 * Registers a callback for the events of this level and of the more important ones (ENTRAKEY_LEVEL_INFO: warnings
 * too). finalize may be NULL; it is not called if this fails: with INVALID_ARGUMENT for an unknown level, or with
 * CLOSED.
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
 * Ends the observation's calls, and the object. Never waits: a running call may still finish, and then finalize is
 * called.
 *
 * Valid use: observation is NULL or live, and not used again.
 */
void entrakey_observation_free(entrakey_observation *observation);

/**
 * Gives what the provider is doing now. Never blocks on I/O and never causes a request. A closed provider has a status
 * too.
 *
 * Valid use: provider is NULL or live; status is NULL or writable.
 */
entrakey_error *entrakey_provider_status(const entrakey_provider *provider,
                                         entrakey_status **status);

/**
 * Whether entrakey_provider_get_token would have answered from memory at that moment; false for NULL.
 *
 * Valid use: status is NULL or live.
 */
bool entrakey_status_ready(const entrakey_status *status);

/**
 * The whole status as one JSON object: state, validity left, next refresh, last error, clock skew, listeners,
 * counters. Newer libraries may add keys. NULL for NULL.
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
 * Gives the metrics of count providers for a Prometheus endpoint. The configuration key name tells the providers
 * apart. Pass all providers of a process in one call: a page must not describe a metric twice.
 *
 * Valid use: providers is readable for count live providers (NULL if that is 0); metrics is NULL or writable.
 */
entrakey_error *entrakey_metrics_new(const entrakey_provider *const *providers,
                                     size_t count,
                                     entrakey_metrics **metrics);

/**
 * The text of the metrics; NULL for NULL.
 *
 * Valid use: metrics is NULL or live.
 */
const char *entrakey_metrics_text(const entrakey_metrics *metrics);

/**
 * The Content-Type of that text; NULL for NULL.
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

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ENTRAKEY_H */
