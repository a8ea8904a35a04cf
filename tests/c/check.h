/* What the C tests share: checks that go on after a failure, and waits with an end. */
#ifndef CHECK_H
#define CHECK_H

#include <entrakey.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_int failures; /* threads count too */

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            failures++;                                                     \
        }                                                                   \
    } while (0)

/* Checks kind and text of an error and frees it. */
static inline void expect(entrakey_error *error, uint32_t kind, const char *says) {
    if (entrakey_error_kind(error) != kind || !strstr(entrakey_error_message(error), says)) {
        fprintf(stderr, "expected kind %u saying \"%s\", got %u: %s\n", (unsigned)kind, says,
                (unsigned)entrakey_error_kind(error), error ? entrakey_error_message(error) : "(success)");
        failures++;
    }
    entrakey_error_free(error);
}

static inline void ok(entrakey_error *error) {
    if (error) fprintf(stderr, "unexpected: %s\n", entrakey_error_message(error)), failures++;
    entrakey_error_free(error);
}

/* A provider with these keys and values, NULL at the end. */
static inline entrakey_error *make(entrakey_provider **provider, const char *const *pairs) {
    entrakey_config *config = entrakey_config_new();
    entrakey_error *error = NULL;
    for (; !error && *pairs; pairs += 2) error = entrakey_config_set(config, pairs[0], pairs[1]);
    if (!error) error = entrakey_provider_new(config, provider);
    entrakey_config_free(config);
    return error;
}

/* Asked by LeakSanitizer when a process ends. In a forked child, what the parent's other threads held is nobody's. */
static bool is_child;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return is_child; }

static inline uint64_t unix_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Waits until the condition holds; alarm() in main ends a wait that does not. */
#define WAIT_FOR(condition) \
    while (!(condition)) usleep(1000)

static inline bool has(const char *text, const char *part) {
    if (text && strstr(text, part)) return true;
    fprintf(stderr, "\"%s\" is not in: %s\n", part, text ? text : "(NULL)");
    return false;
}

#endif
