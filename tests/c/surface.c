/* What a program does with a provider beside asking for tokens: configuration as JSON, watches, subscriptions,
 * observations, status, metrics, rejections. Run by tests/e2e/c.rs with the environment of an emulator whose tokens
 * live for seconds; prints what failed and exits 1. */
#include "check.h"
#include <poll.h>

static entrakey_provider *provider_of(const char *json) {
    entrakey_provider *provider = NULL;
    entrakey_config *config = entrakey_config_new();
    ok(entrakey_config_set_json(config, json, 0));
    ok(entrakey_provider_new(config, &provider));
    entrakey_config_free(config);
    return provider;
}

static entrakey_provider *rotating(void) {
    return provider_of("{\"identity\": \"managed_identity\", \"reauth_spread\": 0, \"name\": \"orders\"}");
}

static void configuration_as_json(void) {
    entrakey_config *config = entrakey_config_new();
    expect(entrakey_config_set_json(NULL, "{}", 0), ENTRAKEY_ERROR_INVALID_ARGUMENT, "config");
    expect(entrakey_config_set_json(config, NULL, 0), ENTRAKEY_ERROR_INVALID_ARGUMENT, "text");
    expect(entrakey_config_set_json(config, "\xff", 0), ENTRAKEY_ERROR_INVALID_ARGUMENT, "UTF-8");
    expect(entrakey_config_set_json(config, "{}", 6), ENTRAKEY_ERROR_INVALID_ARGUMENT, "0x6");
    expect(entrakey_config_set_json(config, "{\"clientid\": 1}", 0), ENTRAKEY_ERROR_INVALID_CONFIG, "client_id");
    ok(entrakey_config_set_json(config, "{\"identity\": \"custom\", \"name\": \"${NOBODY_SETS_THIS}\"}", 0));
    setenv("TEST_IDENTITY", "workload_identity", 1);
    ok(entrakey_config_set_json(config, "{\"identity\": \"${TEST_IDENTITY}\"}", ENTRAKEY_JSON_EXPAND));
    entrakey_provider *provider = NULL;
    expect(entrakey_provider_new(config, &provider), ENTRAKEY_ERROR_INVALID_CONFIG, "token_file");
    entrakey_config_free(config);
}

static bool readable(intptr_t handle, int timeout_ms) {
    struct pollfd wait = {.fd = (int)handle, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) == 1;
}

static void watches(void) {
    const int patience_ms = 20000;
    entrakey_provider *provider = rotating();
    entrakey_watch *early = NULL, *late = NULL;
    uint64_t version = 7;
    ok(entrakey_watch_new(provider, &early));
    ok(entrakey_watch_take(early, &version));
    CHECK(version == 0 && !readable(entrakey_watch_handle(early), 0));
    ok(entrakey_provider_ready(provider, 0));
    CHECK(readable(entrakey_watch_handle(early), patience_ms)); /* the first token */
    ok(entrakey_watch_take(early, &version));
    CHECK(version >= 1);

    ok(entrakey_watch_new(provider, &late));
    CHECK(entrakey_watch_handle(late) != entrakey_watch_handle(early));
    for (int rotation = 0; rotation < 2; rotation++) { /* each watch hears of each token */
        uint64_t before = version, other = 0;
        CHECK(readable(entrakey_watch_handle(early), patience_ms));
        ok(entrakey_watch_take(early, &version));
        CHECK(version > before && version <= entrakey_provider_version(provider));
        CHECK(entrakey_provider_reauth_in_ms(provider, before) == 0); /* reauth_spread is 0 */
        while (other <= before) { /* on a machine that stalls, this watch may be a token behind */
            CHECK(readable(entrakey_watch_handle(late), patience_ms));
            ok(entrakey_watch_take(late, &other));
        }
        entrakey_watch_ack(early, version, true);
    }
    entrakey_status *status = NULL;
    ok(entrakey_provider_status(provider, &status));
    CHECK(has(entrakey_status_json(status), "\"reauths_accepted\":2"));
    entrakey_status_free(status);

    pid_t child = fork();
    if (child == 0) { /* what the parent is to hear must not be taken away here */
        failures = 0;
        CHECK(entrakey_watch_handle(early) == -1);
        expect(entrakey_watch_take(early, &version), ENTRAKEY_ERROR_CLOSED, "closed");
        entrakey_watch_free(early);
        entrakey_watch *own = NULL;
        ok(entrakey_watch_new(provider, &own));
        CHECK(entrakey_watch_handle(own) >= 0);
        entrakey_watch_free(own);
        entrakey_provider_free(provider);
        _exit(failures ? 1 : 0);
    }
    int ended = 1;
    CHECK(waitpid(child, &ended, 0) == child && ended == 0);
    CHECK(readable(entrakey_watch_handle(early), patience_ms));
    entrakey_watch_free(late);
    entrakey_provider_free(provider);
    entrakey_error *closed = NULL;
    while (!closed) { /* there may be news of a token before the end */
        CHECK(readable(entrakey_watch_handle(early), patience_ms));
        closed = entrakey_watch_take(early, &version);
    }
    expect(closed, ENTRAKEY_ERROR_CLOSED, "closed");
    entrakey_watch_free(early); /* after its provider */
}

static void supply(entrakey_request *request, void *user_data) {
    (void)user_data; /* oid "me", expires in 2100 */
    ok(entrakey_request_complete(request, "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln", 0));
}

/* No other token follows the first, so nothing else can have woken the watch. */
static void the_first_token_wakes_a_watch(void) {
    entrakey_provider *provider = NULL;
    entrakey_watch *watch = NULL;
    uint64_t version = 0;
    entrakey_config *config = entrakey_config_new();
    ok(entrakey_config_on_token_request(config, supply, NULL, NULL));
    ok(entrakey_provider_new(config, &provider));
    entrakey_config_free(config);
    ok(entrakey_watch_new(provider, &watch));
    ok(entrakey_provider_ready(provider, 0));
    CHECK(readable(entrakey_watch_handle(watch), 20000));
    ok(entrakey_watch_take(watch, &version));
    CHECK(version == 1 && !readable(entrakey_watch_handle(watch), 0));
    entrakey_provider_close(provider); /* wakes the watch too, for good */
    for (int i = 0; i < 2; i++) {
        CHECK(readable(entrakey_watch_handle(watch), 20000));
        expect(entrakey_watch_take(watch, &version), ENTRAKEY_ERROR_CLOSED, "closed");
    }
    CHECK(readable(entrakey_watch_handle(watch), 0));
    entrakey_watch_free(watch);
    entrakey_provider_free(provider);
}

/* What a callback was called with. */
struct seen {
    entrakey_provider *provider;
    entrakey_subscription *subscription;
    atomic_int calls, finalized;
    atomic_bool hold;
    _Atomic(uint64_t) version;
};

static void finalized(void *seen) { ((struct seen *)seen)->finalized++; }

static void on_token(const entrakey_token *token, void *user_data) {
    struct seen *seen = user_data;
    CHECK(!seen->finalized);
    CHECK(entrakey_token_version(token) > seen->version && strlen(entrakey_token_secret(token)) > 500);
    seen->version = entrakey_token_version(token);
    seen->calls++;
    while (seen->hold) usleep(1000);
}

static void subscriptions(void) {
    struct seen seen = {.hold = true};
    entrakey_provider *provider = rotating();
    entrakey_subscription *subscription = NULL;
    ok(entrakey_provider_subscribe(provider, on_token, &seen, finalized, &subscription));
    ok(entrakey_provider_ready(provider, 0));
    WAIT_FOR(seen.calls == 1);
    CHECK(seen.version >= 2); /* the first one replaced none */
    entrakey_status *status = NULL;
    entrakey_subscription_ack(subscription, seen.version, true);
    ok(entrakey_provider_status(provider, &status));
    CHECK(has(entrakey_status_json(status), "\"reauths_accepted\":1"));
    entrakey_status_free(status);
    CHECK(!entrakey_subscription_unsubscribe(subscription, 20)); /* the callback is running */
    seen.hold = false;
    CHECK(entrakey_subscription_unsubscribe(subscription, UINT64_MAX));
    CHECK(seen.calls == 1);
    entrakey_subscription_free(subscription);
    WAIT_FOR(seen.finalized);
    entrakey_provider_close(provider);
    subscription = NULL;
    expect(entrakey_provider_subscribe(provider, on_token, &seen, finalized, &subscription), ENTRAKEY_ERROR_CLOSED, "");
    CHECK(!subscription && seen.finalized == 1);
    entrakey_provider_free(provider);
}

static bool status_has(entrakey_provider *provider, const char *text) {
    entrakey_status *status = NULL;
    ok(entrakey_provider_status(provider, &status));
    bool found = strstr(entrakey_status_json(status), text) != NULL;
    entrakey_status_free(status);
    return found;
}

/* Three connections: one renewed, one refused, one closed. tests/vectors tells Redis clients the same story. */
static void connections(void) {
    const char *refusal = "WRONGPASS invalid username-password pair or user is disabled.";
    struct seen seen = {0};
    entrakey_provider *provider = rotating();
    entrakey_subscription *subscription = NULL;
    entrakey_rejection *rejection = NULL;
    ok(entrakey_provider_subscribe(provider, on_token, &seen, NULL, &subscription));
    ok(entrakey_provider_ready(provider, 0));
    entrakey_connection *all[3];
    for (int i = 0; i < 3; i++) {
        all[i] = entrakey_subscription_opened(subscription, 1);
        CHECK(!entrakey_connection_is_behind(all[i], 1) && entrakey_connection_is_behind(all[i], 2));
        entrakey_connection_authenticated(all[i], 1);
    }
    CHECK(status_has(provider, "\"connections\":3") && status_has(provider, "\"oldest_version\":1"));
    CHECK(status_has(provider, "\"reauths_accepted\":0"));
    WAIT_FOR(seen.calls >= 1);
    entrakey_connection_authenticated(all[0], 2);
    CHECK(!entrakey_connection_is_behind(all[0], 2));
    ok(entrakey_connection_refused(all[1], 2, "LOADING Redis is loading the dataset in memory", &rejection));
    CHECK(!strcmp(entrakey_rejection_reason(rejection), "not_a_refusal"));
    CHECK(entrakey_connection_is_behind(all[1], 2) && status_has(provider, "\"reauths_rejected\":0"));
    entrakey_rejection_free(rejection);
    ok(entrakey_connection_refused(all[1], 2, refusal, NULL));
    ok(entrakey_connection_refused(all[1], 2, refusal, NULL)); /* counts once */
    CHECK(!entrakey_connection_is_behind(all[1], 2) && entrakey_connection_is_behind(all[1], 3));
    entrakey_connection_free(all[2]);
    CHECK(status_has(provider, "\"connections\":2") && status_has(provider, "\"oldest_version\":1"));
    CHECK(status_has(provider, "\"reauths_accepted\":1") && status_has(provider, "\"reauths_rejected\":1"));
    pid_t child = fork();
    if (child == 0) {
        CHECK(!entrakey_connection_is_behind(all[1], 3)); /* the child inherited the connection from its parent */
        entrakey_connection_free(all[1]), entrakey_connection_free(all[0]);
        _exit(failures ? 1 : 0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0 && status_has(provider, "\"connections\":2"));
    entrakey_connection_free(all[1]);
    CHECK(status_has(provider, "\"oldest_version\":2"));
    entrakey_subscription_free(subscription);
    entrakey_provider_free(provider);
    expect(entrakey_connection_refused(all[0], 2, refusal, NULL), ENTRAKEY_ERROR_CLOSED, "");
    entrakey_connection_free(all[0]); /* after everything else */
}

/* A callback that frees every object, its own subscription included. */
static void on_token_end_it_all(const entrakey_token *token, void *user_data) {
    struct seen *seen = user_data;
    entrakey_token *same = entrakey_provider_current(seen->provider);
    CHECK(entrakey_token_version(same) >= entrakey_token_version(token));
    CHECK(entrakey_subscription_unsubscribe(seen->subscription, UINT64_MAX)); /* does not wait for itself */
    entrakey_subscription_free(seen->subscription);
    entrakey_provider_free(seen->provider);
    CHECK(!seen->finalized && entrakey_token_secret(token)[0] && entrakey_token_secret(same)[0]);
    entrakey_token_free(same);
    seen->calls++;
}

static void a_callback_that_frees_its_subscription_and_its_provider(void) {
    struct seen seen = {0};
    seen.provider = rotating();
    ok(entrakey_provider_subscribe(seen.provider, on_token_end_it_all, &seen, finalized, &seen.subscription));
    ok(entrakey_provider_ready(seen.provider, 0));
    WAIT_FOR(seen.finalized);
    CHECK(seen.calls == 1 && seen.finalized == 1);
}

struct heard {
    atomic_int tokens, ends, finalized, secrets, reauths, level;
};

static void on_event(uint32_t level, const char *name, const char *message, void *user_data) {
    struct heard *heard = user_data;
    CHECK(level >= ENTRAKEY_LEVEL_WARN && level <= (uint32_t)heard->level);
    if (strstr(message, "eyJ")) heard->secrets++;
    if (!strcmp(name, "token_refreshed")) heard->tokens += has(message, "new token: version");
    if (!strcmp(name, "closed")) heard->ends++;
    if (!strcmp(name, "reauthenticated")) heard->reauths += level == ENTRAKEY_LEVEL_DEBUG;
}

static void heard_all(void *heard) { ((struct heard *)heard)->finalized++; }

static void observations(void) {
    struct heard heard = {.level = ENTRAKEY_LEVEL_INFO}, warned = {.level = ENTRAKEY_LEVEL_WARN};
    struct heard all = {.level = ENTRAKEY_LEVEL_DEBUG};
    entrakey_provider *provider = rotating();
    entrakey_observation *observation = NULL, *warnings = NULL, *steps = NULL;
    entrakey_watch *watch = NULL;
    expect(entrakey_provider_observe(provider, 4, on_event, &heard, heard_all, &observation),
           ENTRAKEY_ERROR_INVALID_ARGUMENT, "level");
    ok(entrakey_provider_observe(provider, ENTRAKEY_LEVEL_INFO, on_event, &heard, heard_all, &observation));
    ok(entrakey_provider_observe(provider, ENTRAKEY_LEVEL_WARN, on_event, &warned, heard_all, &warnings));
    ok(entrakey_provider_observe(provider, ENTRAKEY_LEVEL_DEBUG, on_event, &all, heard_all, &steps));
    ok(entrakey_watch_new(provider, &watch));
    ok(entrakey_provider_ready(provider, 0));
    entrakey_watch_ack(watch, 1, true);
    WAIT_FOR(heard.tokens >= 1 && all.tokens >= 1 && all.reauths == 1);
    CHECK(heard.reauths == 0 && warned.tokens == 0);
    entrakey_provider_close(provider);
    WAIT_FOR(heard.ends && all.ends);
    entrakey_observation_free(observation), entrakey_observation_free(warnings), entrakey_observation_free(steps);
    WAIT_FOR(heard.finalized && warned.finalized && all.finalized);
    CHECK(heard.finalized == 1 && heard.ends == 1 && heard.secrets == 0 && all.secrets == 0);
    observation = NULL;
    expect(entrakey_provider_observe(provider, ENTRAKEY_LEVEL_INFO, on_event, &heard, heard_all, &observation),
           ENTRAKEY_ERROR_CLOSED, "closed");
    CHECK(!observation && heard.finalized == 1); /* user_data of a failed call stays the host's */
    entrakey_watch_free(watch);
    entrakey_provider_free(provider);
}

static void status_metrics_and_rejections(void) {
    entrakey_provider *provider = rotating();
    entrakey_status *status = NULL;
    entrakey_metrics *metrics = NULL;
    entrakey_rejection *rejection = NULL;
    entrakey_token *token = NULL;
    CHECK(!entrakey_provider_current(provider));
    ok(entrakey_provider_status(provider, &status));
    CHECK(!entrakey_status_ready(status) && has(entrakey_status_json(status), "\"state\":\"idle\""));
    entrakey_status_free(status);
    ok(entrakey_provider_get_token_no_wait(provider, 0, &token));
    ok(entrakey_provider_status(provider, &status));
    CHECK(entrakey_status_ready(status) && has(entrakey_status_json(status), "\"name\":\"orders\""));
    CHECK(!strstr(entrakey_status_json(status), entrakey_token_username(token)));
    entrakey_status_free(status);

    const entrakey_provider *two[] = {provider, provider}, *none[] = {provider, NULL};
    ok(entrakey_metrics_new(two, 2, &metrics));
    CHECK(has(entrakey_metrics_text(metrics), "entrakey_token_refreshes_total{provider=\"orders\""));
    CHECK(has(entrakey_metrics_content_type(metrics), "openmetrics"));
    entrakey_metrics_free(metrics), metrics = NULL;
    expect(entrakey_metrics_new(none, 2, &metrics), ENTRAKEY_ERROR_INVALID_ARGUMENT, "element");
    expect(entrakey_metrics_new(two, SIZE_MAX, &metrics), ENTRAKEY_ERROR_INVALID_ARGUMENT, "elements");
    expect(entrakey_metrics_new(NULL, 1, &metrics), ENTRAKEY_ERROR_INVALID_ARGUMENT, "providers");
    ok(entrakey_metrics_new(NULL, 0, &metrics));
    entrakey_metrics_free(metrics);

    uint64_t version = entrakey_token_version(token);
    ok(entrakey_provider_report_rejected(provider, version, "NOPERM \xff this user has no permissions", &rejection));
    CHECK(!strcmp(entrakey_rejection_reason(rejection), "no_permission"));
    CHECK(has(entrakey_rejection_explanation(rejection), entrakey_token_username(token)));
    CHECK(!strstr(entrakey_rejection_explanation(rejection), entrakey_token_secret(token)));
    entrakey_rejection_free(rejection), rejection = NULL;
    ok(entrakey_provider_report_rejected(provider, version, "WRONGPASS invalid username-password pair", NULL));
    WAIT_FOR(entrakey_provider_version(provider) > version); /* another token could help, so it is asked for */
    ok(entrakey_provider_refresh(provider));
    entrakey_provider_close(provider);
    expect(entrakey_provider_refresh(provider), ENTRAKEY_ERROR_CLOSED, "closed");
    expect(entrakey_provider_ready(provider, 0), ENTRAKEY_ERROR_CLOSED, "closed");
    expect(entrakey_provider_report_rejected(provider, 1, "x", &rejection), ENTRAKEY_ERROR_CLOSED, "closed");
    ok(entrakey_provider_status(provider, &status)); /* also of a closed one */
    CHECK(has(entrakey_status_json(status), "\"state\":\"closed\"") && !rejection);
    entrakey_status_free(status);
    entrakey_token_free(token);
    entrakey_provider_free(provider);
}

static void a_known_outage_is_told_at_once(void) {
    const uint64_t soon_ms = 5000, timeout_ms = 60000;
    entrakey_provider *provider = provider_of(
        "{\"identity\": \"managed_identity\", \"imds_endpoint\": \"http://127.0.0.1:9\", \"retry_initial_ms\": 30000}");
    entrakey_token *token = NULL;
    expect(entrakey_provider_get_token_no_wait(provider, timeout_ms, &token), ENTRAKEY_ERROR_NETWORK, "127.0.0.1:9");
    uint64_t start = unix_ms();
    expect(entrakey_provider_get_token_no_wait(provider, timeout_ms, &token), ENTRAKEY_ERROR_NETWORK, "127.0.0.1:9");
    CHECK(unix_ms() - start < soon_ms && !token);
    entrakey_provider_free(provider);
}

/* A request that nobody answers before the time of the call is over. */
static void keep(entrakey_request *request, void *kept) { atomic_store((_Atomic(entrakey_request *) *)kept, request); }

static void a_call_waits_for_as_long_as_it_is_told(void) {
    const uint64_t soon_ms = 20000; /* get_token_timeout_ms is 30000 */
    _Atomic(entrakey_request *) kept = NULL;
    entrakey_config *config = entrakey_config_new();
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    ok(entrakey_config_on_token_request(config, keep, &kept, NULL));
    ok(entrakey_provider_new(config, &provider));
    entrakey_config_free(config);
    uint64_t start = unix_ms();
    entrakey_error *late[] = {entrakey_provider_ready(provider, 20), entrakey_provider_get_token(provider, 20, &token),
                              entrakey_provider_get_token_no_wait(provider, 20, &token)};
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) expect(late[i], ENTRAKEY_ERROR_TIMEOUT, "");
    CHECK(unix_ms() - start < soon_ms && !token);
    WAIT_FOR(kept);
    entrakey_request_fail(kept, "too late");
    entrakey_provider_free(provider);
}

int main(void) {
    alarm(300); /* a call that hangs ends this program, and with it the test */
    configuration_as_json();
    watches();
    the_first_token_wakes_a_watch();
    subscriptions();
    connections();
    a_callback_that_frees_its_subscription_and_its_provider();
    observations();
    status_metrics_and_rejections();
    a_known_outage_is_told_at_once();
    a_call_waits_for_as_long_as_it_is_told();
    return failures ? 1 : 0;
}
