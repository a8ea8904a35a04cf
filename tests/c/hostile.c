/* Hosts that do what hosts should not, or must be allowed to: none may crash, hang or disturb anybody else. Run by
 * tests/e2e/c.rs with the environment of an emulator whose tokens live for seconds. */
#include "check.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static entrakey_provider *managed(void) {
    const char *pairs[] = {"identity", "managed_identity", "reauth_spread", "0", NULL};
    entrakey_provider *provider = NULL;
    ok(make(&provider, pairs));
    return provider;
}

static void text_that_is_not_utf8_or_enormous(void) {
    const size_t large = 64 * 1024 * 1024; /* bytes */
    const char *const broken[] = {"\xff", "\xc0\xaf", "\xed\xa0\x80", "a\x80", "\xf5\x80\x80\x80", "\xe2\x82"};
    entrakey_config *config = entrakey_config_new();
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        expect(entrakey_config_set(config, broken[i], "v"), ENTRAKEY_ERROR_INVALID_ARGUMENT, "key is not valid");
        expect(entrakey_config_set(config, "name", broken[i]), ENTRAKEY_ERROR_INVALID_ARGUMENT, "value is not valid");
        expect(entrakey_config_set_json(config, broken[i], 0), ENTRAKEY_ERROR_INVALID_ARGUMENT, "text is not valid");
    }
    char *text = malloc(large + 1);
    memset(text, 'x', large);
    text[large] = 0;
    entrakey_error *error = entrakey_config_set(config, text, "v");
    CHECK(entrakey_error_kind(error) == ENTRAKEY_ERROR_INVALID_CONFIG && strlen(entrakey_error_message(error)) < 4096);
    entrakey_error_free(error);
    expect(entrakey_config_set_json(config, text, 0), ENTRAKEY_ERROR_INVALID_CONFIG, "1 MiB");
    memset(text, '[', 1024 * 1024 - 1), text[1024 * 1024 - 1] = 0; /* no recursion as deep as the input nests */
    expect(entrakey_config_set_json(config, text, 0), ENTRAKEY_ERROR_INVALID_CONFIG, "JSON");
    expect(entrakey_config_set(config, "retry_max_ms", "99999999999999999999"), ENTRAKEY_ERROR_INVALID_CONFIG, "");
    memset(text, 'x', large);
    entrakey_error_free(entrakey_config_set(config, "client_secret", text)); /* may succeed or fail, but not crash */
    entrakey_config_free(config);

    entrakey_provider *provider = managed();
    entrakey_rejection *rejection = NULL;
    ok(entrakey_provider_ready(provider, UINT64_MAX));
    ok(entrakey_provider_report_rejected(provider, UINT64_MAX, text, &rejection));
    CHECK(strlen(entrakey_rejection_explanation(rejection)) < 8192);
    entrakey_rejection_free(rejection);
    entrakey_provider_free(provider);
    free(text);
}

/* 64 threads that use one provider in every way at once, while it is closed under them. */
static void *use_in_every_way(void *shared) {
    entrakey_provider *provider = shared;
    char user[64], secret[8192];
    size_t user_len, secret_len;
    uint64_t version;
    for (int round = 0; round < 30; round++) {
        entrakey_token *token = NULL;
        entrakey_watch *watch = NULL;
        entrakey_status *status = NULL;
        entrakey_error *error = entrakey_provider_get_token(provider, 0, &token);
        CHECK(!error || entrakey_error_kind(error) == ENTRAKEY_ERROR_CLOSED);
        entrakey_error_free(error), entrakey_token_free(token);
        error = entrakey_provider_copy_credentials(provider, user, sizeof user, &user_len, secret, sizeof secret,
                                                   &secret_len, NULL, &version);
        if (!error) CHECK(strlen(user) == 36 && strlen(secret) == secret_len);
        entrakey_error_free(error);
        error = entrakey_watch_new(provider, &watch);
        if (!error) error = entrakey_watch_take(watch, &version);
        CHECK(!error || entrakey_error_kind(error) == ENTRAKEY_ERROR_CLOSED);
        entrakey_error_free(error), entrakey_watch_free(watch);
        ok(entrakey_provider_status(provider, &status));
        entrakey_status_free(status);
        entrakey_error_free(entrakey_provider_refresh(provider));
    }
    return NULL;
}

static void use_from_64_threads_and_close_under_them(void) {
    entrakey_provider *provider = managed();
    pthread_t threads[64];
    for (int i = 0; i < 64; i++) pthread_create(&threads[i], NULL, use_in_every_way, provider);
    WAIT_FOR(entrakey_provider_version(provider));
    usleep(20000);
    entrakey_provider_close(provider);
    for (int i = 0; i < 64; i++) pthread_join(threads[i], NULL);
    CHECK(entrakey_provider_version(provider) == 0);
    entrakey_provider_free(provider);
}

static void a_closed_provider_is_used(void) {
    entrakey_provider *provider = managed();
    entrakey_token *token = NULL;
    entrakey_watch *watch = NULL;
    size_t a, b;
    ok(entrakey_provider_ready(provider, 0));
    entrakey_provider_close(provider), entrakey_provider_close(provider);
    expect(entrakey_provider_get_token(provider, UINT64_MAX, &token), ENTRAKEY_ERROR_CLOSED, "closed");
    expect(entrakey_provider_get_token_no_wait(provider, 1, &token), ENTRAKEY_ERROR_CLOSED, "closed");
    expect(entrakey_provider_copy_credentials(provider, NULL, 0, &a, NULL, 0, &b, NULL, NULL),
           ENTRAKEY_ERROR_CLOSED, "closed");
    expect(entrakey_watch_new(provider, &watch), ENTRAKEY_ERROR_CLOSED, "closed");
    CHECK(!entrakey_provider_current(provider) && entrakey_provider_version(provider) == 0 && !token && !watch);
    entrakey_provider_free(provider);
}

/* In the child of a fork, everything that a parent has is freed, and the child's own provider works. */
static void inherited_and_new(entrakey_provider *inherited, entrakey_watch *watch) {
    entrakey_token *token = NULL;
    entrakey_provider *own = managed();
    alarm(20), failures = 0;
    ok(entrakey_provider_get_token(own, 0, &token));
    entrakey_token_free(token), entrakey_provider_free(own);
    token = NULL;
    ok(entrakey_provider_get_token(inherited, 0, &token));
    entrakey_token_free(token), entrakey_watch_free(watch), entrakey_provider_free(inherited);
    _exit(failures ? 1 : 0);
}

static void forks_before_and_after_the_start(void) {
    entrakey_provider *provider = managed();
    entrakey_watch *watch = NULL;
    ok(entrakey_watch_new(provider, &watch));
    for (int started = 0; started < 2; started++) {
        pid_t child = fork();
        if (child == 0) inherited_and_new(provider, watch);
        int status = 1;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        ok(entrakey_provider_ready(provider, 0));
    }
    entrakey_watch_free(watch), entrakey_provider_free(provider);
}

/* A child must not finalize the user_data of its parent. */
static void count(void *number) { ++*(atomic_int *)number; }
static void answer_nobody(entrakey_request *request, void *user_data) {
    (void)user_data, entrakey_request_fail(request, "");
}

static void a_child_does_not_finalize_what_its_parent_registered(void) {
    atomic_int ended = 0;
    entrakey_config *config = entrakey_config_new();
    ok(entrakey_config_on_token_request(config, answer_nobody, &ended, count));
    pid_t child = fork();
    if (child == 0) {
        entrakey_config_free(config);
        _exit(ended);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child && status == 0 && ended == 0);
    ok(entrakey_config_on_token_request(config, answer_nobody, &ended, count)); /* replaces the first callback */
    CHECK(ended == 1);
    entrakey_config_free(config);
    CHECK(ended == 2);
}

/* A folder with an az in it that is signed in, put at the front of PATH. */
static void sign_in(char *folder) {
    char path[4096];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/az", folder);
    FILE *az = fopen(path, "w");
    fprintf(az, "#!/bin/sh\nprintf '%%s' '{\"accessToken\":\"%s\",\"expires_on\":4102444800,\"tokenType\":\"Bearer\"}'\n",
            "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln");
    fclose(az);
    chmod(path, 0700);
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", folder);
    setenv("PATH", path, 1);
}

static void sign_out(const char *folder) {
    char path[4096];
    snprintf(path, sizeof path, "%s/az", folder);
    unlink(path), rmdir(folder);
}

/* A host that waits for its signals in one thread must get them there, whatever threads of ours there are; one that
 * ignores the end of its children, or takes them all, must not disturb us. */
static void a_host_that_waits_for_signals_and_reaps_every_child(void) {
    sigset_t all, none;
    int taken = 0;
    sigemptyset(&none), sigemptyset(&all);
    sigaddset(&all, SIGUSR1), sigaddset(&all, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    entrakey_provider *provider = managed();
    ok(entrakey_provider_ready(provider, 0));
    for (int i = 0; i < 20; i++) {
        kill(getpid(), SIGUSR1);
        CHECK(sigwait(&all, &taken) == 0 && taken == SIGUSR1);
    }
    char folder[] = "/tmp/entrakey-az-XXXXXX";
    sign_in(folder);
    signal(SIGCHLD, SIG_IGN);
    const char *cli[] = {"identity", "azure_cli", "get_token_timeout_ms", "20000", NULL};
    entrakey_provider *tool = NULL;
    entrakey_token *token = NULL;
    ok(make(&tool, cli));
    ok(entrakey_provider_get_token(tool, 0, &token)); /* its az was reaped by the kernel */
    signal(SIGCHLD, SIG_DFL);
    sign_out(folder);
    entrakey_token_free(token), entrakey_provider_free(tool), entrakey_provider_free(provider);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
}

/* Another thread changes the environment all the time: we read it in entrakey_provider_new only. */
static atomic_bool changing;

static void *change_the_environment(void *unused) {
    char name[32];
    for (unsigned n = 0; changing; n++) {
        snprintf(name, sizeof name, "TEST_VARIABLE_%u", n % 500);
        n % 2 ? setenv(name, "a value that is longer than the one before", 1) : unsetenv(name);
    }
    return unused;
}

static void a_host_that_changes_the_environment(void) {
    pthread_t thread;
    entrakey_provider *provider = managed();
    changing = true;
    pthread_create(&thread, NULL, change_the_environment, NULL);
    ok(entrakey_provider_ready(provider, 0));
    for (uint64_t first = entrakey_provider_version(provider); entrakey_provider_version(provider) < first + 2;) {
        entrakey_token *token = NULL;
        ok(entrakey_provider_get_token(provider, 0, &token));
        entrakey_token_free(token);
        usleep(1000);
    }
    changing = false;
    pthread_join(thread, NULL);
    entrakey_provider_free(provider);
}

/* A thread that its host cancels is cancelled in the host's code, never in the middle of ours. */
static atomic_int cancelled_too_early;

static void *work_with_a_cancellation_pending(void *file) {
    entrakey_config *config = entrakey_config_new();
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    entrakey_watch *watch = NULL;
    pthread_cancel(pthread_self()); /* takes effect at the next call of libc that may block */
    cancelled_too_early = 1;
    ok(entrakey_config_set(config, "identity", "service_principal"));
    ok(entrakey_config_set(config, "client_secret_path", file)), ok(entrakey_config_set(config, "config_file", file));
    entrakey_error_free(entrakey_provider_new(config, &provider)); /* reads the file */
    entrakey_provider_free(provider), entrakey_config_free(config);
    provider = managed();
    ok(entrakey_watch_new(provider, &watch));
    ok(entrakey_provider_ready(provider, 0));
    ok(entrakey_provider_get_token(provider, 0, &token));
    entrakey_token_free(token), entrakey_watch_free(watch); /* closes descriptors */
    entrakey_provider_close(provider), entrakey_provider_free(provider);
    cancelled_too_early = 0;
    pthread_testcancel();
    return NULL;
}

static void a_thread_that_is_cancelled_inside_a_call(void) {
    char file[] = "/tmp/entrakey-cancelled-XXXXXX";
    void *result = NULL;
    pthread_t thread;
    int descriptor = mkstemp(file);
    CHECK(descriptor >= 0 && write(descriptor, "{}", 2) == 2 && close(descriptor) == 0);
    pthread_create(&thread, NULL, work_with_a_cancellation_pending, file);
    pthread_join(thread, &result);
    CHECK(result == PTHREAD_CANCELED && !cancelled_too_early);
    unlink(file);
}

static void a_host_without_descriptors(void) {
    entrakey_provider *provider = managed();
    entrakey_watch *watch = NULL;
    entrakey_token *token = NULL;
    struct rlimit before, few;
    getrlimit(RLIMIT_NOFILE, &before);
    few = before, few.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &few);
    expect(entrakey_watch_new(provider, &watch), ENTRAKEY_ERROR_NETWORK, "Raise the limit of open files");
    entrakey_error *error = entrakey_provider_get_token(provider, 200, &token);
    CHECK(error && !token && !watch && entrakey_error_retriable(error));
    entrakey_error_free(error);
    setrlimit(RLIMIT_NOFILE, &before);
    ok(entrakey_provider_ready(provider, 0)); /* and it recovers */
    entrakey_provider_free(provider);
}

/* A process that ends in the middle of everything ends at once and as it says. */
static void *ask_until_the_end(void *provider) {
    for (;;) {
        entrakey_token *token = NULL;
        entrakey_error_free(entrakey_provider_get_token(provider, 0, &token));
        entrakey_token_free(token);
    }
    return NULL;
}

static void an_exit_in_the_middle(void) {
    pid_t child = fork();
    if (child == 0) {
        entrakey_provider *provider = managed();
        entrakey_watch *watch = NULL;
        pthread_t thread;
        is_child = true;
        alarm(20);
        ok(entrakey_watch_new(provider, &watch));
        for (int i = 0; i < 8; i++) pthread_create(&thread, NULL, ask_until_the_end, provider);
        WAIT_FOR(entrakey_provider_version(provider));
        exit(42);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

int main(void) {
    alarm(300);
    text_that_is_not_utf8_or_enormous();
    use_from_64_threads_and_close_under_them();
    a_closed_provider_is_used();
    forks_before_and_after_the_start();
    a_child_does_not_finalize_what_its_parent_registered();
    a_host_that_waits_for_signals_and_reaps_every_child();
    a_host_that_changes_the_environment();
    a_thread_that_is_cancelled_inside_a_call();
    a_host_without_descriptors();
    an_exit_in_the_middle();
    return failures ? 1 : 0;
}
