/* After everything is given back, no secret is left in this process's memory. Run by tests/e2e/c.rs with a client
 * secret in the environment, which is on the first stack: the stacks and what files are mapped into are not searched. */
#include "check.h"

#define NEEDLE 24
#define MASK 0x55

/* The last characters of a secret, disguised: the search must not find its own needle in this program's memory. */
static void keep(unsigned char needle[NEEDLE], const char *secret) {
    size_t length = strlen(secret);
    CHECK(length >= NEEDLE);
    for (size_t i = 0; i < NEEDLE; i++) needle[i] = (unsigned char)secret[length - NEEDLE + i] ^ MASK;
}

static int is_needle(const unsigned char *at, const unsigned char needle[NEEDLE]) {
    size_t same = 0;
    while (same < NEEDLE && (at[same] ^ MASK) == needle[same]) same++;
    return same == NEEDLE;
}

/* How often the needle is in writable memory that is not mapped from a file. */
static int found(const unsigned char needle[NEEDLE]) {
    int count = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long start, end, inode;
        char access[5];
        if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &start, &end, access, &inode) != 4) continue;
        if (strncmp(access, "rw", 2) != 0 || inode != 0 || strstr(line, "[stack]") || strstr(line, "[v")) continue;
        for (const unsigned char *at = (const unsigned char *)start; at + NEEDLE <= (const unsigned char *)end; at++)
            count += is_needle(at, needle);
    }
    if (maps) fclose(maps);
    return count;
}

int main(void) {
    unsigned char client_secret[NEEDLE], signature[NEEDLE];
    keep(client_secret, getenv("AZURE_CLIENT_SECRET"));
    entrakey_config *config = entrakey_config_new();
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    ok(entrakey_provider_new(config, &provider));
    ok(entrakey_provider_get_token(provider, 20000, &token));
    keep(signature, entrakey_token_secret(token));
    CHECK(found(client_secret) > 0 && found(signature) > 0); /* the search finds what is there */
    entrakey_token_free(token);
    entrakey_config_free(config);
    entrakey_provider_close(provider);
    entrakey_provider_free(provider);
    /* The threads of the library end by themselves. */
    struct timespec moment = {0, 20000000};
    for (int i = 0; i < 500 && (found(client_secret) || found(signature)); i++) nanosleep(&moment, NULL);
    CHECK(found(client_secret) == 0);
    CHECK(found(signature) == 0);
    return failures != 0;
}
