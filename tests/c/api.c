/* The C API as a careful and as a careless caller meets it. Run by tests/e2e/c.rs with the environment of an
 * emulator, and in TEST_DYING_ENDPOINT a source that answers once; prints what failed and exits 1. */
#include "check.h"

/* The next try would come after the time of whoever waits: how long the first may take is the machine's affair. */
static const char *const FIRST_FAILURE_IS_LAST = "30000";

static void null_everywhere(void) {
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    entrakey_config *config = entrakey_config_new();
    size_t a, b;
    char byte;
    expect(entrakey_config_set(NULL, "k", "v"), ENTRAKEY_ERROR_INVALID_ARGUMENT, "config");
    expect(entrakey_config_set(config, NULL, "v"), ENTRAKEY_ERROR_INVALID_ARGUMENT, "key");
    expect(entrakey_config_set(config, "scope", NULL), ENTRAKEY_ERROR_INVALID_ARGUMENT, "value");
    expect(entrakey_config_set(config, "scope", "\xff\xfe"), ENTRAKEY_ERROR_INVALID_ARGUMENT, "UTF-8");
    expect(entrakey_provider_new(NULL, &provider), ENTRAKEY_ERROR_INVALID_ARGUMENT, "config");
    expect(entrakey_provider_new(config, NULL), ENTRAKEY_ERROR_INVALID_ARGUMENT, "provider");
    expect(entrakey_provider_get_token(NULL, 0, &token), ENTRAKEY_ERROR_INVALID_ARGUMENT, "provider");
    expect(entrakey_provider_copy_credentials(NULL, &byte, 1, &a, &byte, 1, &b, NULL, NULL),
           ENTRAKEY_ERROR_INVALID_ARGUMENT, "provider");
    CHECK(provider == NULL && token == NULL);
    CHECK(entrakey_provider_version(NULL) == 0 && entrakey_token_version(NULL) == 0);
    CHECK(!entrakey_token_secret(NULL) && !entrakey_token_username(NULL) && !entrakey_token_expires_unix_ms(NULL));
    CHECK(!entrakey_error_kind(NULL) && !entrakey_error_message(NULL) && !entrakey_error_name(NULL));
    CHECK(!entrakey_error_correlation_id(NULL) && !entrakey_error_aadsts(NULL) && !entrakey_error_retriable(NULL));
    entrakey_provider_close(NULL), entrakey_provider_free(NULL), entrakey_token_free(NULL);
    entrakey_config_free(NULL), entrakey_error_free(NULL), entrakey_config_free(config);
}

static void bad_configuration(void) {
    entrakey_provider *provider = NULL;
    const char *typo[] = {"identity", "managed_identity", "clientid", "x", NULL};
    const char *unsaid[] = {"identity", "custom", NULL};
    const char *half[] = {"identity", "service_principal", "tenant_id", "t", "client_id", "c", NULL};
    expect(make(&provider, typo), ENTRAKEY_ERROR_INVALID_CONFIG, "did you mean \"client_id\"");
    expect(make(&provider, unsaid), ENTRAKEY_ERROR_INVALID_CONFIG, "callback");
    char *secret = strdup(getenv("AZURE_CLIENT_SECRET"));
    unsetenv("AZURE_CLIENT_SECRET");
    expect(make(&provider, half), ENTRAKEY_ERROR_INVALID_CONFIG, "client_secret");
    setenv("AZURE_CLIENT_SECRET", secret, 1);
    free(secret);
    CHECK(provider == NULL);
}

static void refusals(void) {
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    const char *wrong[] = {"identity", "service_principal", "client_secret", "not-the-secret-at-all", NULL};
    ok(make(&provider, wrong));
    entrakey_error *error = entrakey_provider_get_token(provider, 0, &token);
    CHECK(entrakey_error_aadsts(error) == 7000215 && entrakey_error_http_status(error) == 401);
    CHECK(!strcmp(entrakey_error_name(error), "AUTH_REJECTED") && !entrakey_error_retriable(error));
    CHECK(entrakey_error_correlation_id(error) && !strstr(entrakey_error_message(error), "not-the-secret"));
    expect(error, ENTRAKEY_ERROR_AUTH_REJECTED, "client_secret");
    entrakey_provider_free(provider);

    const char *nobody[] = {"identity", "managed_identity", "client_id",
                            getenv("ENTRAKEY_EMULATOR_WITHOUT_OID_CLIENT_ID"), NULL};
    ok(make(&provider, nobody));
    expect(entrakey_provider_get_token(provider, 0, &token), ENTRAKEY_ERROR_USERNAME_UNAVAILABLE, "username");
    entrakey_provider_free(provider);

    const char *nowhere[] = {"identity", "managed_identity", "imds_endpoint", "http://127.0.0.1:9",
                             "retry_initial_ms", FIRST_FAILURE_IS_LAST, NULL};
    ok(make(&provider, nowhere));
    expect(entrakey_provider_get_token(provider, 0, &token), ENTRAKEY_ERROR_NETWORK, "127.0.0.1:9");
    entrakey_provider_free(provider);
    CHECK(token == NULL);
}

static void copying(void) {
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    const char *managed[] = {"identity", "managed_identity", NULL};
    char user[64], secret[8192];
    size_t user_len = 0, secret_len = 0;
    uint64_t expires = 0, version = 0;
    ok(make(&provider, managed));
    CHECK(entrakey_provider_version(provider) == 0);
    expect(entrakey_provider_copy_credentials(provider, user, 64, &user_len, secret, 8192, &secret_len, NULL, NULL),
           ENTRAKEY_ERROR_TIMEOUT, "not answered yet"); /* never blocks, but has started a request */
    ok(entrakey_provider_get_token(provider, 0, &token));
    ok(entrakey_provider_copy_credentials(provider, NULL, 0, &user_len, NULL, 0, &secret_len, NULL, NULL));
    CHECK(user_len == 36 && secret_len > 500);
    expect(entrakey_provider_copy_credentials(provider, user, 64, &user_len, secret, secret_len, &secret_len, NULL, NULL),
           ENTRAKEY_ERROR_INVALID_ARGUMENT, "secret has room");
    memset(user, '#', sizeof user);
    expect(entrakey_provider_copy_credentials(provider, user, user_len, &user_len, secret, 8192, &secret_len, NULL, NULL),
           ENTRAKEY_ERROR_INVALID_ARGUMENT, "user has room");
    CHECK(user[0] == '#' && user[user_len] == '#'); /* nothing is written if not all of it fits */
    ok(entrakey_provider_copy_credentials(provider, user, user_len + 1, &user_len, secret, secret_len + 1, &secret_len,
                                          &expires, &version));
    CHECK(user[user_len] == 0 && user[user_len + 1] == '#');
    CHECK(!strcmp(user, entrakey_token_username(token)) && !strcmp(secret, entrakey_token_secret(token)));
    CHECK(strlen(secret) == secret_len && version == 1 && version == entrakey_token_version(token));
    CHECK(expires == entrakey_token_expires_unix_ms(token) && entrakey_token_refresh_unix_ms(token) < expires);
    CHECK(!strcmp(user, getenv("ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID")));

    entrakey_provider_close(provider);
    entrakey_provider_close(provider);
    expect(entrakey_provider_copy_credentials(provider, user, 64, &user_len, secret, 8192, &secret_len, NULL, NULL),
           ENTRAKEY_ERROR_CLOSED, "closed");
    entrakey_provider_free(provider);
    CHECK(!strcmp(secret, entrakey_token_secret(token))); /* a token outlives its provider */
    entrakey_token_free(token);
}

/* A caller that polls until long after the expiry gets an error and never the expired token. */
static void no_expired_token_is_copied(void) {
    const uint64_t coarse_ms = 50, patience_ms = 20000; /* the hit path's clocks tick every few milliseconds only */
    const char *dying[] = {"identity", "managed_identity", "imds_endpoint", getenv("TEST_DYING_ENDPOINT"), NULL};
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    entrakey_error *error = NULL;
    char user[64], secret[8192];
    size_t user_len, secret_len;
    ok(make(&provider, dying));
    ok(entrakey_provider_get_token(provider, 0, &token));
    const uint64_t expires = entrakey_token_expires_unix_ms(token), start = unix_ms();
    for (uint64_t asked = start; asked < expires + 4 * coarse_ms && asked < start + patience_ms; asked = unix_ms()) {
        entrakey_error_free(error);
        error = entrakey_provider_copy_credentials(provider, user, 64, &user_len, secret, 8192, &secret_len, NULL, NULL);
        if (!error) CHECK(asked < expires + coarse_ms);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    CHECK(unix_ms() >= expires && entrakey_error_retriable(error));
    entrakey_error_free(error);
    entrakey_token_free(token);
    entrakey_provider_free(provider);
}

static void *ask(void *provider) {
    entrakey_token *token = NULL;
    ok(entrakey_provider_get_token(provider, 0, &token));
    CHECK(entrakey_token_version(token) == 1);
    entrakey_token_free(token);
    return NULL;
}

static void many_threads_and_a_fork(void) {
    entrakey_provider *provider = NULL;
    const char *managed[] = {"identity", "managed_identity", NULL};
    pthread_t threads[64];
    ok(make(&provider, managed));
    for (int i = 0; i < 64; i++) pthread_create(&threads[i], NULL, ask, provider);
    for (int i = 0; i < 64; i++) pthread_join(threads[i], NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        failures = 0; /* earlier failures are reported by the parent */
        ask(provider);
        entrakey_provider_free(provider);
        _exit(failures ? 1 : 0);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    entrakey_provider_free(provider);
}

/* A host that supplies tokens itself: each request goes to a thread of its own, which answers it. */
static atomic_int finalized;
static const char *const OWN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln"; /* oid "me", expires in 2100 */

static void *answer_later(void *request) {
    CHECK(!strcmp(entrakey_request_scope(request), "https://redis.azure.com/.default"));
    CHECK(entrakey_request_time_left_ms(request) > 0);
    ok(entrakey_request_complete(request, OWN, 0));
    return NULL;
}

static void hand_on(entrakey_request *request, void *user_data) {
    pthread_t thread;
    CHECK(!strcmp(user_data, "mine"));
    pthread_create(&thread, NULL, answer_later, request);
    pthread_detach(thread);
}

static void answer_badly(entrakey_request *request, void *user_data) {
    (void)user_data;
    expect(entrakey_request_complete(request, NULL, 0), ENTRAKEY_ERROR_INVALID_ARGUMENT, "secret");
}

static void finalize(void *user_data) {
    CHECK(!strcmp(user_data, "mine"));
    finalized++;
}

static void tokens_of_the_hosts_own(void) {
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    entrakey_config *config = entrakey_config_new();
    ok(entrakey_config_on_token_request(config, hand_on, "mine", finalize));
    ok(entrakey_provider_new(config, &provider));
    entrakey_config_free(config);
    CHECK(!finalized); /* the provider needs it */
    ok(entrakey_provider_get_token(provider, 0, &token));
    CHECK(!strcmp(entrakey_token_username(token), "me") && !strcmp(entrakey_token_secret(token), OWN));
    entrakey_token_free(token), token = NULL;
    entrakey_provider_free(provider), provider = NULL;
    while (!finalized) usleep(1000); /* on any thread, soon; alarm() ends a wait that does not */

    config = entrakey_config_new();
    ok(entrakey_config_on_token_request(config, answer_badly, NULL, NULL));
    ok(entrakey_config_set(config, "retry_initial_ms", FIRST_FAILURE_IS_LAST));
    ok(entrakey_provider_new(config, &provider));
    expect(entrakey_provider_get_token(provider, 0, &token), ENTRAKEY_ERROR_CALLBACK_FAILED, "without an answer");
    entrakey_provider_free(provider);

    expect(entrakey_config_on_token_request(config, NULL, "mine", finalize), ENTRAKEY_ERROR_INVALID_ARGUMENT, "callback");
    expect(entrakey_config_on_token_request(NULL, hand_on, "mine", finalize), ENTRAKEY_ERROR_INVALID_ARGUMENT, "config");
    expect(entrakey_request_complete(NULL, OWN, 0), ENTRAKEY_ERROR_INVALID_ARGUMENT, "request");
    entrakey_request_fail(NULL, NULL);
    CHECK(!entrakey_request_scope(NULL) && !entrakey_request_time_left_ms(NULL));
    entrakey_config_free(config);
    CHECK(finalized == 1);
}

int main(void) {
    alarm(300); /* a call that hangs ends this program, and with it the test */
    CHECK(entrakey_abi() == ENTRAKEY_ABI && entrakey_version()[0]);
    null_everywhere();
    bad_configuration();
    refusals();
    copying();
    no_expired_token_is_copied();
    many_threads_and_a_fork();
    tokens_of_the_hosts_own();
    return failures ? 1 : 0;
}
