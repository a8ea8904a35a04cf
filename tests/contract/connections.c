/* The story of tests/vectors/connections.json, told by hiredis. Prints the status when it is connected, goes on after a line
 * on standard input, and prints it again when three re-authentications were accepted. */
#include <entrakey.h>
#include <hiredis.h>
#include <hiredis_ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS = 3, PATIENCE_MS = 100, ROUNDS = 200 };

static entrakey_provider *provider;
static entrakey_watch *watch;

static struct {
    redisContext *redis;
    entrakey_connection *entry;
} all[CONNECTIONS];

static void ok(entrakey_error *error) {
    if (!error) return;
    fprintf(stderr, "%s\n", entrakey_error_message(error));
    exit(1);
}

static void authenticate(int i) {
    char user[128], secret[8192];
    size_t user_len, secret_len;
    uint64_t version;
    ok(entrakey_provider_copy_credentials(provider, user, sizeof user, &user_len, secret, sizeof secret, &secret_len, NULL,
                                          &version));
    if (!all[i].entry) all[i].entry = entrakey_watch_opened(watch, version);
    redisReply *reply = redisCommand(all[i].redis, "AUTH %b %b", user, user_len, secret, secret_len);
    if (!reply) fprintf(stderr, "%s\n", all[i].redis->errstr), exit(1);
    if (reply->type == REDIS_REPLY_ERROR) ok(entrakey_connection_refused(all[i].entry, version, reply->str, NULL));
    else entrakey_connection_authenticated(all[i].entry, version);
    freeReplyObject(reply);
}

static int say_status(const char *when) {
    entrakey_status *status = NULL;
    ok(entrakey_provider_status(provider, &status));
    int done = !when || strstr(entrakey_status_json(status), when);
    if (done) printf("%s\n", entrakey_status_json(status)), fflush(stdout);
    entrakey_status_free(status);
    return done;
}

int main(void) {
    redisSSLOptions options = {.cacert_filename = getenv("REDIS_CA_FILE"), .server_name = getenv("REDIS_HOST"),
                               .verify_mode = REDIS_SSL_VERIFY_PEER, .verify_name = getenv("REDIS_HOST")};
    redisSSLContextError reason;
    uint64_t news;
    redisInitOpenSSL();
    redisSSLContext *tls = redisCreateSSLContextWithOptions(&options, &reason);
    entrakey_config *config = entrakey_config_new();
    ok(entrakey_provider_new(config, &provider));
    ok(entrakey_provider_ready(provider, 0));
    ok(entrakey_watch_new(provider, &watch));
    for (int i = 0; i < CONNECTIONS; i++) {
        all[i].redis = redisConnect(getenv("REDIS_HOST"), atoi(getenv("REDIS_PORT")));
        if (redisInitiateSSLWithContext(all[i].redis, tls) != REDIS_OK) return 1;
        authenticate(i);
    }
    say_status(NULL);
    if (getchar() == EOF) return 1;
    entrakey_connection_free(all[0].entry), redisFree(all[0].redis);
    ok(entrakey_provider_refresh(provider));
    for (int round = 0; round < ROUNDS; round++) {
        struct pollfd wait = {.fd = (int)entrakey_watch_handle(watch), .events = POLLIN};
        poll(&wait, 1, PATIENCE_MS);
        ok(entrakey_watch_take(watch, &news));
        for (int i = 1; i < CONNECTIONS; i++)
            if (entrakey_connection_is_behind(all[i].entry, entrakey_provider_version(provider))) authenticate(i);
        if (say_status("\"reauths_accepted\":3")) break;
    }
    for (int i = 1; i < CONNECTIONS; i++) entrakey_connection_free(all[i].entry), redisFree(all[i].redis);
    entrakey_watch_free(watch), entrakey_provider_free(provider), entrakey_config_free(config);
    redisFreeSSLContext(tls);
    return 0;
}
