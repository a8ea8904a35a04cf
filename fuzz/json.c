/* Configuration as JSON, and a provider made from whatever is accepted: parsers, expansion, validation, certificates. */
#include <entrakey.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    char *text = malloc(size); /* exactly as large as it is, so that a read beyond the end is seen */
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    entrakey_config *config = entrakey_config_new();
    entrakey_provider *provider = NULL;
    entrakey_error *error = entrakey_config_set_json(config, text, data[0] & ENTRAKEY_JSON_EXPAND);
    if (!error) error = entrakey_provider_new(config, &provider);
    if (error && !entrakey_error_message(error)[0]) abort();
    if (!error != (provider != NULL)) abort();
    entrakey_error_free(error);
    entrakey_config_free(config);
    entrakey_provider_free(provider);
    free(text);
    return 0;
}
