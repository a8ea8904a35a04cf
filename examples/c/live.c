/* One hiredis connection that reads and writes while its token is replaced under it.
 *
 * usage: live SECONDS     (identity and addresses from the environment, see `entrakey emulator`)
 * Prints one line of JSON every half second: commands, errors and reconnects so far.
 *
 * The pattern: before a command, compare the provider's version (one atomic load) with the one that this
 * connection authenticated with; if it is newer, copy the credentials and send AUTH on the same connection. */
#include <entrakey.h>
#include <hiredis.h>
#include <hiredis_ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct connection {
    redisContext *redis;
    uint64_t version; /* of the token that it is authenticated with */
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* Prints an error and frees it. */
static int failed(entrakey_error *error) {
    if (!error) return 0;
    fprintf(stderr, "hiredis: %s: %s\n", entrakey_error_name(error), entrakey_error_message(error));
    entrakey_error_free(error);
    return 1;
}

/* Runs a command that must answer `expected` (NULL: anything but an error). */
static int command(redisContext *redis, int argc, const char **argv, const char *expected) {
    redisReply *reply = redisCommandArgv(redis, argc, argv, NULL);
    int ok = reply && reply->type != REDIS_REPLY_ERROR && (!expected || (reply->str && !strcmp(reply->str, expected)));
    if (!ok) fprintf(stderr, "hiredis: %s failed: %s\n", argv[0], reply && reply->str ? reply->str : redis->errstr);
    if (reply) freeReplyObject(reply);
    return ok;
}

static int authenticate(struct connection *connection, const entrakey_provider *provider) {
    char user[128], secret[8192];
    size_t user_len, secret_len;
    uint64_t version;
    entrakey_error *error = entrakey_provider_copy_credentials(
        provider, user, sizeof user, &user_len, secret, sizeof secret, &secret_len, NULL, &version);
    if (failed(error)) return 0;
    const char *auth[] = {"AUTH", user, secret};
    int ok = command(connection->redis, 3, auth, "OK");
    memset(secret, 0, sizeof secret);
    if (ok) connection->version = version;
    return ok;
}

static int open_connection(struct connection *connection, const entrakey_provider *provider, redisSSLContext *tls) {
    struct timeval timeout = {5, 0};
    if (connection->redis) redisFree(connection->redis);
    connection->redis = redisConnectWithTimeout(getenv("REDIS_HOST"), atoi(getenv("REDIS_PORT")), timeout);
    connection->version = 0;
    if (!connection->redis || connection->redis->err) return 0;
    if (redisInitiateSSLWithContext(connection->redis, tls) != REDIS_OK) return 0;
    return authenticate(connection, provider);
}

static redisSSLContext *tls_context(void) {
    redisSSLOptions options = {0};
    redisSSLContextError reason = REDIS_SSL_CTX_NONE;
    options.cacert_filename = getenv("REDIS_CA_FILE");
    options.server_name = getenv("REDIS_HOST");
    options.verify_mode = REDIS_SSL_VERIFY_PEER;
    options.verify_name = getenv("REDIS_HOST"); /* without it any certificate of a trusted authority would do */
    redisSSLContext *tls = redisCreateSSLContextWithOptions(&options, &reason);
    if (!tls) fprintf(stderr, "hiredis: %s\n", redisSSLContextGetError(reason));
    return tls;
}

/* Writes a value and reads it back, after making sure that the newest token is the one in use. */
static int step(struct connection *connection, const entrakey_provider *provider, unsigned long n) {
    char value[32];
    snprintf(value, sizeof value, "%lu", n);
    if (entrakey_provider_version(provider) != connection->version && !authenticate(connection, provider)) return 0;
    const char *set[] = {"SET", "demo:hiredis", value}, *get[] = {"GET", "demo:hiredis"};
    return command(connection->redis, 3, set, "OK") && command(connection->redis, 2, get, value);
}

int main(int argc, char **argv) {
    double end = now() + (argc > 1 ? atof(argv[1]) : 10), report = 0;
    unsigned long commands = 0, errors = 0, reconnects = 0;
    struct connection connection = {NULL, 0};
    if (!getenv("REDIS_HOST") || !getenv("REDIS_PORT")) return fputs("set REDIS_HOST and REDIS_PORT\n", stderr), 2;

    entrakey_config *config = entrakey_config_new();
    entrakey_provider *provider = NULL;
    entrakey_token *token = NULL;
    if (failed(entrakey_provider_new(config, &provider))) return 2;
    entrakey_config_free(config);
    if (failed(entrakey_provider_get_token(provider, 0, &token))) return 2;
    entrakey_token_free(token);

    redisInitOpenSSL();
    redisSSLContext *tls = tls_context();
    if (!tls || !open_connection(&connection, provider, tls)) return fputs("hiredis: no connection\n", stderr), 2;
    while (now() < end) {
        if (step(&connection, provider, commands)) {
            commands += 2;
        } else {
            errors++;
            pause_ms(200);
            if (open_connection(&connection, provider, tls)) reconnects++;
        }
        if (now() > report) {
            printf("{\"commands\": %lu, \"errors\": %lu, \"reconnects\": %lu}\n", commands, errors, reconnects);
            fflush(stdout);
            report = now() + 0.5;
        }
        pause_ms(10);
    }
    printf("{\"commands\": %lu, \"errors\": %lu, \"reconnects\": %lu}\n", commands, errors, reconnects);
    redisFree(connection.redis);
    redisFreeSSLContext(tls);
    entrakey_provider_free(provider);
    return errors + reconnects ? 1 : 0;
}
