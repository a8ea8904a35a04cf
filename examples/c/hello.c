#include <entrakey.h>
#include <stdio.h>

int main(void) {
    entrakey_config *config = entrakey_config_new();
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    entrakey_error *error = entrakey_provider_new(config, &provider); /* identity: from ENTRAKEY_IDENTITY */
    if (!error) error = entrakey_provider_get_token(provider, 0, &token);
    if (error) fprintf(stderr, "%s\n", entrakey_error_message(error));
    else printf("AUTH %s <%s>\n", entrakey_token_username(token), "secret");
    int failed = error != NULL;
    entrakey_error_free(error), entrakey_token_free(token), entrakey_provider_free(provider), entrakey_config_free(config);
    return failed;
}
