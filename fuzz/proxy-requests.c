/* Requests of a client: where each ends, and what its words are. See services/proxy/src/fuzzing.rs. */
#include <stddef.h>
#include <stdint.h>

void entrakey_fuzz_requests(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    entrakey_fuzz_requests(data, size);
    return 0;
}
