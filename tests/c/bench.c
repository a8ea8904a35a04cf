/* Speed of the C library against floors in the same run. Run by scripts/bench/c.sh with the environment of an
 * emulator. Prints ratios, and which of them are over what is wanted. */
#include <entrakey.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 200, CALLS = 10000 };

static entrakey_provider *provider;
static char source[8192];
static size_t source_len;

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void copy_credentials(void) {
    char user[64], secret[8192];
    size_t user_len, secret_len;
    uint64_t expires, version;
    if (entrakey_provider_copy_credentials(provider, user, sizeof user, &user_len, secret, sizeof secret, &secret_len,
                                           &expires, &version))
        abort();
    __asm__ volatile("" : : "r"(secret), "r"(user) : "memory");
}

static void copy_by_memcpy(void) {
    char secret[8192];
    memcpy(secret, source, source_len + 1);
    __asm__ volatile("" : : "r"(secret) : "memory");
}

/* The floor with the checks that the API promises: both coarse clocks must call the token valid. */
static void copy_and_clocks(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    clock_gettime(CLOCK_REALTIME_COARSE, &time);
    copy_by_memcpy();
}

/* Called through a pointer that the compiler cannot see through, as a function of another shared object is. */
static uint64_t nothing(const entrakey_provider *unused) {
    __asm__ volatile("" : : "r"(unused));
    return 0;
}
static uint64_t (*volatile empty)(const entrakey_provider *) = nothing;
static uint64_t (*volatile version)(const entrakey_provider *) = entrakey_provider_version;

static void empty_call(void) { empty(provider); }
static void version_check(void) { version(provider); }

static double once(void (*call)(void)) {
    double start = now_ns();
    for (int i = 0; i < CALLS; i++) call();
    return (now_ns() - start) / CALLS;
}

static double lower(double a, double b) { return a < b ? a : b; }

/* The best round of each, in nanoseconds for each call. They take turns, so that other programs on the machine disturb
 * all of them alike. */
static void best(void (*const *calls)(void), double *results, int count) {
    for (int i = 0; i < count; i++) results[i] = 1e9;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < count; i++) results[i] = lower(results[i], once(calls[i]));
}

static pthread_barrier_t together;

/* Each round of both threads begins at once; the best round. */
static void *measured(void *result) {
    *(double *)result = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&together);
        *(double *)result = lower(*(double *)result, once(copy_credentials));
    }
    return NULL;
}

/* How long a call takes in the slower of two threads. */
static double with_two_threads(void) {
    pthread_t threads[2];
    double results[2];
    pthread_barrier_init(&together, NULL, 2);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, measured, &results[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    return results[0] > results[1] ? results[0] : results[1];
}

static void judge(const char *what, double value, double limit, const char *unit) {
    printf("%-54s %6.2f %s (wanted: at most %.1f)%s\n", what, value, unit, limit, value > limit ? "  OVER" : "");
}

int main(void) {
    entrakey_config *config = entrakey_config_new();
    entrakey_token *token = NULL;
    if (entrakey_config_set(config, "identity", "managed_identity") || entrakey_provider_new(config, &provider) ||
        entrakey_provider_get_token(provider, 0, &token))
        return fputs("no token\n", stderr), 2;
    source_len = strlen(entrakey_token_secret(token));
    memcpy(source, entrakey_token_secret(token), source_len + 1);
    void (*const calls[])(void) = {copy_by_memcpy, copy_and_clocks, copy_credentials, empty_call, version_check};
    double ns[5];
    best(calls, ns, 5);
    double both = with_two_threads();
    printf("a token of %zu bytes: memcpy %.1f ns, with two coarse clocks %.1f ns, copy_credentials %.1f ns, "
           "in two threads %.1f ns\n", source_len, ns[0], ns[1], ns[2], both);
    printf("an empty call %.1f ns, a version check %.1f ns\n", ns[3], ns[4]);
    judge("copy_credentials, in memcpys of the token", ns[2] / ns[0], 1.5, "times");
    judge("copy_credentials, in memcpys with two coarse clocks", ns[2] / ns[1], 1.5, "times");
    judge("copy_credentials in two threads, in those of one", both / ns[2], 1.3, "times");
    judge("a version check over an empty call", ns[4] - ns[3], 3, "ns");
    entrakey_token_free(token), entrakey_provider_free(provider), entrakey_config_free(config);
    return 0;
}
