/* Every function with NULL in the place of every pointer: an error that names the argument, a neutral value, or
 * nothing. tests/e2e/c.rs sees to it that no function is missing here. */
#include "check.h"

static void nobody_asks(entrakey_request *request, void *user_data) {
    (void)user_data, entrakey_request_fail(request, "");
}
static void nobody_listens(const entrakey_token *token, void *user_data) { (void)token, (void)user_data; }
static void nobody_logs(uint32_t level, const char *name, const char *message, void *user_data) {
    (void)level, (void)name, (void)message, (void)user_data;
}

static void null(entrakey_error *error, const char *argument) {
    expect(error, ENTRAKEY_ERROR_INVALID_ARGUMENT, argument);
}

static void of_configs_and_requests(void) {
    entrakey_config *config = entrakey_config_new();
    null(entrakey_config_set(NULL, "k", "v"), "config");
    null(entrakey_config_set(config, NULL, "v"), "key");
    null(entrakey_config_set(config, "scope", NULL), "value");
    null(entrakey_config_set_json(NULL, "{}", 0), "config");
    null(entrakey_config_set_json(config, NULL, 0), "text");
    null(entrakey_config_on_token_request(NULL, nobody_asks, NULL, NULL), "config");
    null(entrakey_config_on_token_request(config, NULL, NULL, NULL), "callback");
    null(entrakey_config_on_assertion_request(NULL, nobody_asks, NULL, NULL), "config");
    null(entrakey_config_on_assertion_request(config, NULL, NULL, NULL), "callback");
    null(entrakey_request_complete(NULL, "e30", 0), "request");
    entrakey_request_fail(NULL, NULL);
    CHECK(!entrakey_request_scope(NULL) && !entrakey_request_time_left_ms(NULL));
    null(entrakey_provider_new(config, NULL), "provider");
    entrakey_config_free(config), entrakey_config_free(NULL);
}

static void of_providers(entrakey_provider *provider) {
    entrakey_provider *made = NULL;
    entrakey_token *token = NULL;
    entrakey_status *status = NULL;
    entrakey_metrics *metrics = NULL;
    entrakey_rejection *rejection = NULL;
    size_t a, b;
    char byte;
    null(entrakey_provider_new(NULL, &made), "config");
    null(entrakey_provider_get_token(NULL, 0, &token), "provider");
    null(entrakey_provider_get_token(provider, 0, NULL), "token");
    null(entrakey_provider_get_token_no_wait(NULL, 0, &token), "provider");
    null(entrakey_provider_get_token_no_wait(provider, 0, NULL), "token");
    null(entrakey_provider_copy_credentials(NULL, &byte, 1, &a, &byte, 1, &b, NULL, NULL), "provider");
    null(entrakey_provider_copy_credentials(provider, &byte, 1, NULL, &byte, 1, &b, NULL, NULL), "user_len");
    null(entrakey_provider_copy_credentials(provider, &byte, 1, &a, &byte, 1, NULL, NULL, NULL), "secret_len");
    null(entrakey_provider_ready(NULL, 0), "provider");
    null(entrakey_provider_refresh(NULL), "provider");
    null(entrakey_provider_status(NULL, &status), "provider");
    null(entrakey_provider_status(provider, NULL), "status");
    null(entrakey_provider_report_rejected(NULL, 1, "x", &rejection), "provider");
    null(entrakey_provider_report_rejected(provider, 1, NULL, &rejection), "message");
    null(entrakey_metrics_new(NULL, 1, &metrics), "providers");
    null(entrakey_metrics_new(NULL, 0, NULL), "metrics");
    CHECK(!entrakey_provider_current(NULL) && entrakey_provider_version(NULL) == 0);
    CHECK(entrakey_provider_reauth_in_ms(NULL, 1) == 0);
    CHECK(!made && !token && !status && !metrics && !rejection);
    entrakey_provider_close(NULL), entrakey_provider_free(NULL);
}

static void of_listeners(entrakey_provider *provider) {
    entrakey_subscription *subscription = NULL;
    entrakey_observation *observation = NULL;
    entrakey_watch *watch = NULL;
    uint64_t version;
    null(entrakey_provider_subscribe(NULL, nobody_listens, NULL, NULL, &subscription), "provider");
    null(entrakey_provider_subscribe(provider, NULL, NULL, NULL, &subscription), "callback");
    null(entrakey_provider_subscribe(provider, nobody_listens, NULL, NULL, NULL), "subscription");
    null(entrakey_provider_observe(NULL, ENTRAKEY_LEVEL_INFO, nobody_logs, NULL, NULL, &observation), "provider");
    null(entrakey_provider_observe(provider, ENTRAKEY_LEVEL_INFO, NULL, NULL, NULL, &observation), "callback");
    null(entrakey_provider_observe(provider, ENTRAKEY_LEVEL_INFO, nobody_logs, NULL, NULL, NULL), "observation");
    null(entrakey_watch_new(NULL, &watch), "provider");
    null(entrakey_watch_new(provider, NULL), "watch");
    null(entrakey_watch_take(NULL, &version), "watch");
    CHECK(!subscription && !observation && !watch && entrakey_watch_handle(NULL) == -1);
    ok(entrakey_watch_new(provider, &watch));
    null(entrakey_watch_take(watch, NULL), "version");
    entrakey_watch_free(watch), entrakey_watch_free(NULL), entrakey_watch_ack(NULL, 1, true);
    CHECK(entrakey_subscription_unsubscribe(NULL, 1));
    entrakey_subscription_ack(NULL, 1, true), entrakey_subscription_free(NULL), entrakey_observation_free(NULL);
}

static void of_connections(entrakey_provider *provider) {
    entrakey_watch *watch = NULL;
    entrakey_rejection *rejection = NULL;
    ok(entrakey_watch_new(provider, &watch));
    entrakey_connection *connection = entrakey_watch_opened(watch, 1);
    CHECK(connection && !entrakey_watch_opened(NULL, 1) && !entrakey_subscription_opened(NULL, 1));
    CHECK(!entrakey_connection_is_behind(NULL, 1));
    entrakey_connection_authenticated(NULL, 1);
    null(entrakey_connection_refused(NULL, 1, "x", &rejection), "connection");
    null(entrakey_connection_refused(connection, 1, NULL, &rejection), "message");
    ok(entrakey_connection_refused(connection, 1, "x", NULL));
    entrakey_watch_free(watch), entrakey_connection_free(connection), entrakey_connection_free(NULL);
    null(entrakey_check_plaintext(NULL, "name", "remedy"), "peer");
    null(entrakey_check_plaintext("localhost", NULL, "remedy"), "name");
    null(entrakey_check_plaintext("localhost", "name", NULL), "remedy");
    ok(entrakey_check_plaintext("127.0.0.1", "name", "remedy"));
    expect(entrakey_check_plaintext("192.0.2.1", "cache", "say tls"), ENTRAKEY_ERROR_INVALID_CONFIG, "cache has no TLS");
    CHECK(!rejection);
}

static void of_getters(void) {
    CHECK(!entrakey_token_secret(NULL) && !entrakey_token_username(NULL) && !entrakey_token_version(NULL));
    CHECK(!entrakey_token_expires_unix_ms(NULL) && !entrakey_token_refresh_unix_ms(NULL));
    CHECK(!entrakey_error_kind(NULL) && !entrakey_error_message(NULL) && !entrakey_error_name(NULL));
    CHECK(!entrakey_error_correlation_id(NULL) && !entrakey_error_aadsts(NULL) && !entrakey_error_retriable(NULL));
    CHECK(!entrakey_error_http_status(NULL) && !entrakey_status_ready(NULL) && !entrakey_status_json(NULL));
    CHECK(!entrakey_metrics_text(NULL) && !entrakey_metrics_content_type(NULL));
    CHECK(!entrakey_rejection_reason(NULL) && !entrakey_rejection_explanation(NULL));
    entrakey_token_free(NULL), entrakey_error_free(NULL), entrakey_status_free(NULL);
    entrakey_metrics_free(NULL), entrakey_rejection_free(NULL);
}

int main(void) {
    alarm(300);
    const char *managed[] = {"identity", "managed_identity", NULL};
    entrakey_provider *provider = NULL;
    ok(make(&provider, managed));
    of_configs_and_requests();
    of_providers(provider);
    of_listeners(provider);
    of_connections(provider);
    of_getters();
    entrakey_provider_free(provider);
    return failures ? 1 : 0;
}
