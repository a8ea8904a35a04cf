/* One provider from `key value ...` on the command line, one call of get_token: what a C program sees of it. */
#include <entrakey.h>
#include <stdio.h>
#include <string.h>

/* tests/c/no_getenv.c, which ends the program if the library reads the environment after this. */
void no_getenv_from_now_on(void) __attribute__((weak));

/* What a callback of the host's does: a text that begins with ! is why it fails. */
static void supply(entrakey_request *request, void *supplied) {
    const char *text = supplied;
    if (text[0] == '!') entrakey_request_fail(request, text + 1);
    else entrakey_error_free(entrakey_request_complete(request, text, 0));
}

static entrakey_error *set(entrakey_config *config, const char *key, char *value) {
    if (!strcmp(key, "token_callback")) return entrakey_config_on_token_request(config, supply, value, NULL);
    if (!strcmp(key, "assertion_callback"))
        return entrakey_config_on_assertion_request(config, supply, value, NULL);
    return entrakey_config_set(config, key, value);
}

int main(int count, char **words) {
    entrakey_config *config = entrakey_config_new();
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    entrakey_error *error = NULL;
    for (int i = 1; !error && i + 1 < count; i += 2) error = set(config, words[i], words[i + 1]);
    if (!error) error = entrakey_provider_new(config, &provider);
    if (no_getenv_from_now_on) no_getenv_from_now_on();
    if (!error) error = entrakey_provider_get_token(provider, 0, &token);
    if (error) {
        printf("error: %s\nretriable: %s\n", entrakey_error_name(error),
               entrakey_error_retriable(error) ? "true" : "false");
        printf("aadsts: %u\nmessage: %s\n", entrakey_error_aadsts(error), entrakey_error_message(error));
    } else {
        printf("username: %s\nversion: %llu\n", entrakey_token_username(token),
               (unsigned long long)entrakey_token_version(token));
    }
    entrakey_error_free(error);
    entrakey_token_free(token);
    entrakey_provider_free(provider);
    entrakey_config_free(config);
    return 0;
}
