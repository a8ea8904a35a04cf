/* Replies of a server: where each ends. See services/proxy/src/fuzzing.rs. */
#include <stddef.h>
#include <stdint.h>

void entrakey_fuzz_replies(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    entrakey_fuzz_replies(data, size);
    return 0;
}
