/* From dlopen to the first token, and the memory that it adds. usage: start LIBRARY */
#include <dlfcn.h>
#include <entrakey.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOAD(name) (*(void **)&name##_ = dlsym(library, #name))

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long resident_kib(void) {
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%*d %ld", &pages) != 1) abort();
    fclose(statm);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv) {
    long before = resident_kib();
    double start = now_ms();
    void *library = dlopen(argc > 1 ? argv[1] : "libentrakey.so.1", RTLD_NOW);
    if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
    double loaded = now_ms();
    long with_library = resident_kib();
    __typeof__(&entrakey_config_new) entrakey_config_new_;
    __typeof__(&entrakey_provider_new) entrakey_provider_new_;
    __typeof__(&entrakey_provider_ready) entrakey_provider_ready_;
    LOAD(entrakey_config_new), LOAD(entrakey_provider_new), LOAD(entrakey_provider_ready);
    entrakey_provider *provider = NULL;
    if (entrakey_provider_new_(entrakey_config_new_(), &provider) || entrakey_provider_ready_(provider, 0)) return 1;
    printf("dlopen %.2f ms and %ld KiB; then to the first token %.2f ms; resident in all %ld KiB more\n",
           loaded - start, with_library - before, now_ms() - loaded, resident_kib() - before);
    return 0;
}
