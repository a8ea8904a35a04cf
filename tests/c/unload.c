/* A plugin that is loaded, used and "unloaded" while its threads run: the library stays where it is. The library is in
 * the first argument. */
#include "check.h"
#include <dlfcn.h>

/* What the header declares, as a pointer; ISO C has no cast for it. */
#define LOAD(library, name) \
    __typeof__(name) *name##_;  \
    *(void **)&name##_ = dlsym(library, #name)

int main(int argc, char **argv) {
    alarm(60);
    if (argc != 2) return 2;
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
