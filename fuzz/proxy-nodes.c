/* Replies that name a cluster's nodes: with other ports they are replies still. See services/proxy/src/fuzzing.rs. */
#include <stddef.h>
#include <stdint.h>

void entrakey_fuzz_nodes(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    entrakey_fuzz_nodes(data, size);
    return 0;
}
