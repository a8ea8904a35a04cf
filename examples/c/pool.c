/* A pool of hiredis connections that threads share, re-authenticated while they are idle and when they come back.
 *
 * usage: pool SECONDS     (identity and addresses from the environment, see `entrakey emulator`;
 * REDIS_TLS_NAME if the certificate is for another name than REDIS_HOST)
 * Prints one line of JSON at the end: commands, errors, disconnects, and what the provider's status says of connections.
 *
 * The pattern: one subscription for the pool, one entrakey_connection for each open connection. A thread that has a
 * connection to itself asks whether the connection is behind: the subscription's callback takes each idle one for a
 * moment, a worker asks before it gives its own back. A refusal is reported, and the connection keeps its token. */
#include <entrakey.h>
#include <hiredis.h>
#include <hiredis_ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONNECTIONS = 3, THREADS = 4 };

struct slot {
    redisContext *redis;        /* NULL: not connected */
    entrakey_connection *entry; /* what the provider knows of it */
    int busy;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct slot slots[CONNECTIONS];
    entrakey_provider *provider;
    entrakey_subscription *subscription;
    redisSSLContext *tls;
    double end;
    unsigned long commands, errors, disconnects; /* under the lock */
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Prints an error and frees it. */
static int failed(entrakey_error *error) {
    if (!error) return 0;
    fprintf(stderr, "pool: %s: %s\n", entrakey_error_name(error), entrakey_error_message(error));
    entrakey_error_free(error);
    return 1;
}

static void disconnect(struct slot *slot) {
    entrakey_connection_free(slot->entry);
    if (slot->redis) redisFree(slot->redis);
    slot->entry = NULL, slot->redis = NULL;
}

static void refused(struct slot *slot, uint64_t version, const char *message) {
    entrakey_rejection *rejection = NULL;
    fprintf(stderr, "pool: AUTH: %s\n", message);
    if (failed(entrakey_connection_refused(slot->entry, version, message, &rejection))) return;
    fprintf(stderr, "pool: %s\n", entrakey_rejection_explanation(rejection));
    entrakey_rejection_free(rejection);
}

/* Authenticates with the newest token; the caller has the connection to itself. 0 if the connection is of no use. */
static int authenticate(struct pool *pool, struct slot *slot) {
    char user[128], secret[8192];
    size_t user_len, secret_len;
    uint64_t version;
    if (failed(entrakey_provider_copy_credentials(pool->provider, user, sizeof user, &user_len, secret, sizeof secret,
                                                  &secret_len, NULL, &version)))
        return slot->entry != NULL; /* an open one goes on with the token that it has */
    int first = !slot->entry;
    if (first) slot->entry = entrakey_subscription_opened(pool->subscription, version);
    redisReply *reply = redisCommand(slot->redis, "AUTH %b %b", user, user_len, secret, secret_len);
    memset(secret, 0, sizeof secret);
    if (!reply) return 0;
    int ok = reply->type != REDIS_REPLY_ERROR;
    if (ok) entrakey_connection_authenticated(slot->entry, version);
    else refused(slot, version, reply->str);
    freeReplyObject(reply);
    return ok || !first;
}

static int is_behind(struct pool *pool, struct slot *slot) {
    return entrakey_connection_is_behind(slot->entry, entrakey_provider_version(pool->provider));
}

static int connect_slot(struct pool *pool, struct slot *slot) {
    struct timeval timeout = {5, 0};
    entrakey_token *token = NULL;
    entrakey_error *error =
        entrakey_provider_get_token_no_wait(pool->provider, ENTRAKEY_CONNECT_TIMEOUT_MS, &token);
    entrakey_token_free(token);
    if (failed(error)) return 0;
    slot->redis = redisConnectWithTimeout(getenv("REDIS_HOST"), atoi(getenv("REDIS_PORT")), timeout);
    if (!slot->redis || slot->redis->err) return 0;
    if (redisInitiateSSLWithContext(slot->redis, pool->tls) != REDIS_OK) return 0;
    return authenticate(pool, slot);
}

/* Waits for a connection that nobody else has. */
static struct slot *borrow(struct pool *pool) {
    struct slot *slot = NULL;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        for (int i = 0; i < CONNECTIONS && !slot; i++)
            if (!pool->slots[i].busy) slot = &pool->slots[i];
        if (slot) break;
        pthread_cond_wait(&pool->freed, &pool->lock);
    }
    slot->busy = 1;
    pthread_mutex_unlock(&pool->lock);
    return slot;
}

static void give_back(struct pool *pool, struct slot *slot, int usable) {
    pthread_mutex_lock(&pool->lock);
    uint64_t tried = 0, newest;
    while (usable && is_behind(pool, slot)) { /* on_token skips busy connections, so ask again under the lock */
        newest = entrakey_provider_version(pool->provider);
        if (newest == tried) break; /* no verdict on the token: the next return of the connection tries again */
        tried = newest;
        pthread_mutex_unlock(&pool->lock);
        usable = authenticate(pool, slot);
        pthread_mutex_lock(&pool->lock);
    }
    int lost = slot->redis && !usable;
    if (!usable) disconnect(slot);
    slot->busy = 0;
    pool->disconnects += (unsigned long)lost;
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

/* Runs on a thread of the library. Renews the idle connections; those in use follow when they come back. */
static void on_token(const entrakey_token *token, void *user_data) {
    struct pool *pool = user_data;
    for (int i = 0; i < CONNECTIONS; i++) {
        struct slot *slot = &pool->slots[i];
        pthread_mutex_lock(&pool->lock);
        int behind = !slot->busy && entrakey_connection_is_behind(slot->entry, entrakey_token_version(token));
        if (behind) slot->busy = 1;
        pthread_mutex_unlock(&pool->lock);
        if (behind) give_back(pool, slot, 1);
    }
}

/* Writes a value and reads it back. */
static int step(redisContext *redis, unsigned thread, unsigned long n) {
    char value[32];
    snprintf(value, sizeof value, "%lu", n);
    redisReply *set = redisCommand(redis, "SET demo:pool:%u %s", thread, value);
    redisReply *get = redisCommand(redis, "GET demo:pool:%u", thread);
    int ok = get && get->type == REDIS_REPLY_STRING && !strcmp(get->str, value);
    if (!ok) fprintf(stderr, "pool: %s\n", get && get->str ? get->str : redis->errstr);
    freeReplyObject(set), freeReplyObject(get);
    return ok;
}

struct worker {
    pthread_t thread;
    struct pool *pool;
    unsigned number;
};

static void *work(void *argument) {
    struct worker *worker = argument;
    struct pool *pool = worker->pool;
    struct timespec pause = {0, 5000000};
    for (unsigned long n = 0; now() < pool->end; n++) {
        struct slot *slot = borrow(pool);
        int usable = slot->redis || connect_slot(pool, slot);
        usable = usable && step(slot->redis, worker->number, n);
        give_back(pool, slot, usable);
        pthread_mutex_lock(&pool->lock);
        usable ? (pool->commands += 2) : pool->errors++;
        pthread_mutex_unlock(&pool->lock);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static redisSSLContext *tls_context(void) {
    redisSSLOptions options = {0};
    redisSSLContextError reason = REDIS_SSL_CTX_NONE;
    const char *name = getenv("REDIS_TLS_NAME") ? getenv("REDIS_TLS_NAME") : getenv("REDIS_HOST");
    options.cacert_filename = getenv("REDIS_CA_FILE");
    options.server_name = options.verify_name = name;
    options.verify_mode = REDIS_SSL_VERIFY_PEER;
    redisSSLContext *tls = redisCreateSSLContextWithOptions(&options, &reason);
    if (!tls) fprintf(stderr, "pool: %s\n", redisSSLContextGetError(reason));
    return tls;
}

/* A number of the provider's status; -1 if it is not there. */
static long counted(const entrakey_status *status, const char *key) {
    const char *found = strstr(entrakey_status_json(status), key);
    return found ? atol(found + strlen(key)) : -1;
}

static int report(struct pool *pool) {
    entrakey_status *status = NULL;
    if (failed(entrakey_provider_status(pool->provider, &status))) return 2;
    printf("{\"commands\": %lu, \"errors\": %lu, \"disconnects\": %lu, \"connections\": %ld, \"reauths\": %ld}\n",
           pool->commands, pool->errors, pool->disconnects, counted(status, "\"connections\":"),
           counted(status, "\"reauths_accepted\":"));
    entrakey_status_free(status);
    return pool->errors || !pool->commands;
}

int main(int argc, char **argv) {
    static struct pool pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .freed = PTHREAD_COND_INITIALIZER};
    struct worker workers[THREADS];
    if (!getenv("REDIS_HOST") || !getenv("REDIS_PORT")) return fputs("set REDIS_HOST and REDIS_PORT\n", stderr), 2;
    redisInitOpenSSL();
    pool.tls = tls_context();
    pool.end = now() + (argc > 1 ? atof(argv[1]) : 10);
    entrakey_config *config = entrakey_config_new();
    int unusable = !pool.tls || failed(entrakey_provider_new(config, &pool.provider)) ||
                   failed(entrakey_provider_subscribe(pool.provider, on_token, &pool, NULL, &pool.subscription));
    entrakey_config_free(config);
    if (unusable) return 2;

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.pool = &pool, .number = i};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) return fputs("no thread\n", stderr), 2;
    }
    for (int i = 0; i < THREADS; i++) pthread_join(workers[i].thread, NULL);
    int status = report(&pool);
    entrakey_subscription_unsubscribe(pool.subscription, 5000); /* from here on the callback does not run */
    for (int i = 0; i < CONNECTIONS; i++) disconnect(&pool.slots[i]);
    entrakey_subscription_free(pool.subscription);
    entrakey_provider_free(pool.provider);
    redisFreeSSLContext(pool.tls);
    return status;
}
