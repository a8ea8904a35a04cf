/* A plugin that is loaded, used and "unloaded" while its threads run: the library stays where it is. The library is in
 * the first argument. */
#include "check.h"
#include <dlfcn.h>

/* What the header declares, as a pointer; ISO C has no cast for it. */
#define LOAD(library, name) \
    __typeof__(name) *name##_;  \
    *(void **)&name##_ = dlsym(library, #name)

/* Runs on a thread that ends before the library is unloaded: a live thread's thread-locals would hold the library. */
static void *use_briefly(void *library) {
    LOAD(library, entrakey_config_new);
    LOAD(library, entrakey_config_free);
    LOAD(library, entrakey_provider_new);
    LOAD(library, entrakey_provider_free);
    entrakey_config *config = entrakey_config_new_();
    entrakey_provider *provider = NULL;
    CHECK(!entrakey_provider_new_(config, &provider));
    entrakey_config_free_(config), entrakey_provider_free_(provider);
    return NULL;
}

static void it_stays_when_nothing_of_it_is_in_use(const char *path) {
    pthread_t thread;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) fprintf(stderr, "%s\n", dlerror()), exit(1);
    pthread_create(&thread, NULL, use_briefly, library);
    pthread_join(thread, NULL);
    dlclose(library);
    CHECK(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == library);
}

int main(int argc, char **argv) {
    alarm(60);
    if (argc != 2) return 2;
    it_stays_when_nothing_of_it_is_in_use(argv[1]);
    for (int round = 0; round < 3; round++) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
        LOAD(library, entrakey_abi);
        LOAD(library, entrakey_config_new);
        LOAD(library, entrakey_provider_new);
        LOAD(library, entrakey_provider_version);
        LOAD(library, entrakey_provider_copy_credentials);
        CHECK(entrakey_abi_() == ENTRAKEY_ABI);
        entrakey_provider *provider = NULL;
        size_t a, b;
        CHECK(!entrakey_provider_new_(entrakey_config_new_(), &provider));
        entrakey_error *waiting = entrakey_provider_copy_credentials_(provider, NULL, 0, &a, NULL, 0, &b, NULL, NULL);
        CHECK(waiting != NULL); /* a request has begun */
        dlclose(library);
        WAIT_FOR(entrakey_provider_version_(provider)); /* its threads have gone on, and so does its code */
        CHECK(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) == library);
    }
    return failures ? 1 : 0;
}
