/* Every text that C passes in beside JSON; the first byte says which. */
#include <entrakey.h>
#include <stdlib.h>
#include <string.h>

static void key_and_value(const char *key, const char *value) {
    entrakey_config *config = entrakey_config_new();
    entrakey_provider *provider = NULL;
    entrakey_error *error = entrakey_config_set(config, key, value);
    if (!error) error = entrakey_provider_new(config, &provider);
    entrakey_error_free(error);
    entrakey_provider_free(provider);
    entrakey_config_free(config);
}

static void complete(entrakey_request *request, void *secret) {
    entrakey_error_free(entrakey_request_complete(request, secret, 0));
}

static void fail(entrakey_request *request, void *message) { entrakey_request_fail(request, message); }

/* What the host supplies as a token, or says why there is none: it goes through claims, errors and status. */
static void supplied(entrakey_request_callback callback, char *text) {
    entrakey_config *config = entrakey_config_new();
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    entrakey_status *status = NULL;
    entrakey_error *error = entrakey_config_on_token_request(config, callback, text, NULL);
    if (!error) error = entrakey_provider_new(config, &provider);
    if (!error) error = entrakey_provider_get_token_no_wait(provider, 5000, &token);
    if (!error != (token != NULL)) abort();
    if (token && strcmp(entrakey_token_secret(token), text)) abort();
    entrakey_error_free(error);
    if (provider && !entrakey_provider_status(provider, &status) && !entrakey_status_json(status)[0]) abort();
    entrakey_status_free(status);
    entrakey_token_free(token);
    entrakey_provider_free(provider);
    entrakey_config_free(config);
}

static void rejected(const char *message) {
    static entrakey_provider *provider;
    if (!provider) {
        entrakey_config *config = entrakey_config_new();
        entrakey_error_free(entrakey_config_set(config, "identity", "managed_identity"));
        entrakey_error_free(entrakey_provider_new(config, &provider));
        entrakey_config_free(config);
    }
    entrakey_rejection *rejection = NULL;
    if (entrakey_provider_report_rejected(provider, 0, message, &rejection)) abort();
    if (!entrakey_rejection_explanation(rejection)[0]) abort();
    entrakey_rejection_free(rejection);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    const char *second = memchr(text, 0, size); /* what follows the first NUL, if anything does */
    second = second + 1 < text + size ? second + 1 : "";
    switch (data[0] & 3) {
    case 0: key_and_value(text, second); break;
    case 1: supplied(complete, text); break;
    case 2: supplied(fail, text); break;
    default: rejected(text);
    }
    free(text);
    return 0;
}
