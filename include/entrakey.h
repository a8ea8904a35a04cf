/* entrakey: Microsoft Entra ID access tokens for Redis clients.
 *
 * Ownership: every `_new` and every output parameter gives you an object, and you end it with that object's
 * `_free`, once; freeing NULL does nothing. Strings belong to the object that they came from and live as long
 * as it does. Fallible calls return NULL for success or an error object that you free; outputs are written
 * only on success, unless a function says otherwise.
 *
 * Threads: a provider may be used from any number of threads at once and after fork (not after a raw _Fork or
 * clone); tokens and errors are immutable and may be shared; a config and a
 * request belong to one thread at a time. NULL
 * where an object is expected is an error or, for getters, a neutral value; it never crashes.
 */

#ifndef ENTRAKEY_H
#define ENTRAKEY_H

/* Generated from ffi/src by `cargo test -p entrakey-ffi`. Do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The number of this header's ABI. It changes when a program built against an older header would break.
 */
#define ENTRAKEY_ABI 0

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
 * The source could not be reached.
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
 * Configuration by key. Belongs to one thread at a time. A provider copies what it needs, so it may be
 * freed right after entrakey_provider_new. End it with entrakey_config_free.
 */
typedef struct entrakey_config entrakey_config;

/**
 * What went wrong, in a sentence that says what to do. Immutable; may be shared between threads. It holds
 * no secret. End it with entrakey_error_free.
 */
typedef struct entrakey_error entrakey_error;

/**
 * Supplies the access token of one identity and keeps it fresh on a background thread, which the first
 * token starts. Thread-safe, also in a forked child, which starts from its parent's token. End it with
 * entrakey_provider_free.
 */
typedef struct entrakey_provider entrakey_provider;

/**
 * The host is asked for a token, or for a client assertion that an application signs in with. The callback that
 * receives it owns it and ends it once, there or later and from any thread: with entrakey_request_complete or
 * entrakey_request_fail. What comes after entrakey_request_time_left_ms is dropped.
 */
typedef struct entrakey_request entrakey_request;

/**
 * A token and the Redis user name that goes with it. Immutable; may be shared between threads, and stays
 * valid after its provider is freed. End it with entrakey_token_free.
 */
typedef struct entrakey_token entrakey_token;

/**
 * Is called with a request that it owns, on a thread of the library's, one call at a time, with no lock held. It may
 * block. It must neither throw nor longjmp out, and must not wait for a token of the same provider: that is an
 * error at once.
 */
typedef void (*entrakey_request_callback)(entrakey_request *request, void *user_data);

/**
 * Is called once with user_data after the last call of its callback, on any thread, when neither the
 * configuration nor a provider made from it needs the callback any more; not at all if the process exits before.
 */
typedef void (*entrakey_finalize)(void *user_data);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The ABI of the loaded library: compare it with ENTRAKEY_ABI.
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
 * Ends a configuration; its secrets are wiped.
 *
 * Valid use: config is NULL or live, and not used again.
 */
void entrakey_config_free(entrakey_config *config);

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
 * each command with the version that the connection last authenticated with.
 *
 * Valid use: provider is NULL or live.
 */
uint64_t entrakey_provider_version(const entrakey_provider *provider);

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
 * Tokens come from the host (the key identity need not be set then). finalize may be NULL. When this fails,
 * finalize is not called.
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

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ENTRAKEY_H */
