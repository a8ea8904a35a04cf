/* Faults on purpose, chosen by the argument. If the sanitizers and valgrind did not find these, their silence about the
 * other programs would prove nothing. */
#include "check.h"

static pthread_barrier_t together;

static void *set_a_key(void *config) {
    pthread_barrier_wait(&together);
    for (int i = 0; i < 5000; i++) entrakey_error_free(entrakey_config_set(config, "scope", i % 2 ? "a" : "b"));
    return NULL;
}

int main(int argc, char **argv) {
    const char *fault = argc > 1 ? argv[1] : "";
    alarm(60);
    entrakey_config *config = entrakey_config_new();
    if (!strcmp(fault, "use-after-free")) { /* the read is in Rust code */
        entrakey_error *error = entrakey_config_set(config, "k", "v");
        entrakey_error_free(error);
        printf("%u\n", entrakey_error_kind(error));
    } else if (!strcmp(fault, "overflow")) { /* the write is in Rust code */
        char user[8], *secret = malloc(8);
        size_t user_len, secret_len;
        const char *managed[] = {"identity", "managed_identity", NULL};
        entrakey_provider *provider = NULL;
        ok(make(&provider, managed));
        ok(entrakey_provider_ready(provider, 0));
        ok(entrakey_provider_copy_credentials(provider, user, 64, &user_len, secret, 8192, &secret_len, NULL, NULL));
        free(secret), entrakey_provider_free(provider);
    } else if (!strcmp(fault, "undefined")) { /* in C: UndefinedBehaviorSanitizer looks at the programs, not at Rust */
        volatile int most = 0x7fffffff;
        printf("%d\n", most + argc);
    } else if (!strcmp(fault, "leak")) { /* what Rust code has allocated */
        config = NULL;
        for (int i = 0; i < 8; i++) entrakey_config_set(entrakey_config_new(), "k", "v");
    } else if (!strcmp(fault, "race")) { /* two threads in Rust code, on an object that belongs to one */
        pthread_t threads[2];
        pthread_barrier_init(&together, NULL, 2);
        for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, set_a_key, config);
        for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    }
    entrakey_config_free(config);
    return failures ? 1 : 0;
}
