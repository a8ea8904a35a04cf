/* One asynchronous hiredis connection (RESP3, pub/sub and commands on it) whose token is replaced while messages flow.
 *
 * usage: async SECONDS     (identity and addresses from the environment, see `entrakey emulator`;
 * REDIS_TLS_NAME if the certificate is for another name than REDIS_HOST)
 * Prints one line of JSON every half second: messages, re-authentications, errors and disconnects so far.
 *
 * The pattern: a watch is one more descriptor of the event loop. When it is readable, take the news, copy the
 * credentials, send AUTH on the connection (hiredis is not thread-safe: never from a callback of another thread),
 * and acknowledge what became of it. With RESP2 a connection in subscriber mode cannot AUTH: connect it anew. */
#include <async.h>
#include <entrakey.h>
#include <hiredis.h>
#include <hiredis_ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct program {
    entrakey_provider *provider;
    entrakey_watch *watch;
    redisAsyncContext *redis; /* NULL after a disconnect */
    uint64_t version;         /* of the token that AUTH was last sent with */
    short wants;              /* what hiredis waits for: POLLIN, POLLOUT */
    unsigned long messages, reauths, errors, disconnects;
};

/* The functions that hiredis calls to tell an event loop what to wait for. hiredis/adapters has them for most loops. */
static void add_read(void *program) { ((struct program *)program)->wants |= POLLIN; }
static void del_read(void *program) { ((struct program *)program)->wants &= ~POLLIN; }
static void add_write(void *program) { ((struct program *)program)->wants |= POLLOUT; }
static void del_write(void *program) { ((struct program *)program)->wants &= ~POLLOUT; }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Prints an error and frees it. */
static int failed(entrakey_error *error) {
    if (!error) return 0;
    fprintf(stderr, "async: %s: %s\n", entrakey_error_name(error), entrakey_error_message(error));
    entrakey_error_free(error);
    return 1;
}

static void on_disconnect(const redisAsyncContext *redis, int status) {
    struct program *program = redis->data;
    if (status != REDIS_OK) fprintf(stderr, "async: disconnected: %s\n", redis->errstr), program->disconnects++;
    program->redis = NULL;
}

static int refused(redisAsyncContext *redis, const redisReply *reply) {
    if (reply && reply->type != REDIS_REPLY_ERROR) return 0;
    if (!reply) return 1; /* the connection has gone; on_disconnect says why */
    fprintf(stderr, "async: %s\n", reply->str);
    ((struct program *)redis->data)->errors++;
    return 1;
}

/* The answer to HELLO and AUTH: a refusal is explained, and the provider looks for another token. */
static void on_authenticated(redisAsyncContext *redis, void *answer, void *unused) {
    struct program *program = redis->data;
    const redisReply *reply = answer;
    (void)unused;
    entrakey_watch_ack(program->watch, program->version, reply && reply->type != REDIS_REPLY_ERROR);
    if (!refused(redis, reply)) return;
    entrakey_rejection *why = NULL;
    if (reply && !failed(entrakey_provider_report_rejected(program->provider, program->version, reply->str, &why)))
        fprintf(stderr, "async: %s\n", entrakey_rejection_explanation(why));
    entrakey_rejection_free(why);
}

static int authenticate(struct program *program, const char *command) {
    char user[128], secret[8192];
    size_t user_len, secret_len;
    if (failed(entrakey_provider_copy_credentials(program->provider, user, sizeof user, &user_len, secret,
                                                  sizeof secret, &secret_len, NULL, &program->version)))
        return 0;
    const char *hello[] = {"HELLO", "3", "AUTH", user, secret}, *auth[] = {"AUTH", user, secret};
    int first = !strcmp(command, "HELLO");
    int sent = redisAsyncCommandArgv(program->redis, on_authenticated, NULL, first ? 5 : 3, first ? hello : auth, NULL);
    memset(secret, 0, sizeof secret);
    return sent == REDIS_OK;
}

static void on_news(struct program *program) {
    uint64_t version;
    if (failed(entrakey_watch_take(program->watch, &version)) || version <= program->version) return;
    if (program->redis && authenticate(program, "AUTH")) program->reauths++;
}

static void on_message(redisAsyncContext *redis, void *answer, void *unused) {
    const redisReply *reply = answer;
    (void)unused;
    if (reply && reply->elements == 3 && !strcmp(reply->element[0]->str, "message"))
        ((struct program *)redis->data)->messages++;
}

static void on_published(redisAsyncContext *redis, void *answer, void *unused) {
    (void)unused;
    refused(redis, answer);
}

static redisSSLContext *tls_context(void) {
    redisSSLOptions options = {0};
    redisSSLContextError reason = REDIS_SSL_CTX_NONE;
    options.cacert_filename = getenv("REDIS_CA_FILE");
    options.verify_mode = REDIS_SSL_VERIFY_PEER;
    options.server_name = getenv("REDIS_TLS_NAME") ? getenv("REDIS_TLS_NAME") : getenv("REDIS_HOST");
    options.verify_name = options.server_name; /* without it any certificate of a trusted authority would do */
    redisSSLContext *tls = redisCreateSSLContextWithOptions(&options, &reason);
    if (!tls) fprintf(stderr, "async: %s\n", redisSSLContextGetError(reason));
    return tls;
}

static int connect_and_subscribe(struct program *program, redisSSLContext *tls) {
    redisAsyncContext *redis = redisAsyncConnect(getenv("REDIS_HOST"), atoi(getenv("REDIS_PORT")));
    if (!redis || redis->err || redisInitiateSSLWithContext(&redis->c, tls) != REDIS_OK) return 0;
    program->redis = redis;
    redis->data = redis->ev.data = program;
    redis->ev.addRead = add_read, redis->ev.delRead = del_read;
    redis->ev.addWrite = add_write, redis->ev.delWrite = del_write;
    redisAsyncSetDisconnectCallback(redis, on_disconnect);
    return authenticate(program, "HELLO") &&
           redisAsyncCommand(redis, on_message, NULL, "SUBSCRIBE demo:news") == REDIS_OK;
}

/* One turn of the loop: waits for the connection and for the watch. */
static void turn(struct program *program, int timeout_ms) {
    struct pollfd waits[2] = {{(int)entrakey_watch_handle(program->watch), POLLIN, 0}, {-1, program->wants, 0}};
    if (program->redis) waits[1].fd = program->redis->c.fd;
    if (poll(waits, 2, timeout_ms) <= 0) return;
    if (waits[0].revents) on_news(program);
    if (program->redis && waits[1].revents & (POLLIN | POLLERR | POLLHUP)) redisAsyncHandleRead(program->redis);
    if (program->redis && waits[1].revents & POLLOUT) redisAsyncHandleWrite(program->redis);
}

static void report(const struct program *program) {
    printf("{\"messages\": %lu, \"reauths\": %lu, \"errors\": %lu, \"disconnects\": %lu}\n", program->messages,
           program->reauths, program->errors, program->disconnects);
    fflush(stdout);
}

int main(int argc, char **argv) {
    double end = now() + (argc > 1 ? atof(argv[1]) : 10), next = 0, said = 0;
    struct program program = {0};
    if (!getenv("REDIS_HOST") || !getenv("REDIS_PORT")) return fputs("set REDIS_HOST and REDIS_PORT\n", stderr), 2;
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets that the other side has closed */
    entrakey_config *config = entrakey_config_new();
    if (failed(entrakey_provider_new(config, &program.provider))) return 2;
    entrakey_config_free(config);
    if (failed(entrakey_watch_new(program.provider, &program.watch))) return 2; /* first the watch, then the token */
    if (failed(entrakey_provider_ready(program.provider, 0))) return 2;

    redisInitOpenSSL();
    redisSSLContext *tls = tls_context();
    if (!tls || !connect_and_subscribe(&program, tls)) return fputs("async: no connection\n", stderr), 2;
    while (program.redis && now() < end) {
        turn(&program, 10);
        if (program.redis && now() > next) {
            redisAsyncCommand(program.redis, on_published, NULL, "PUBLISH demo:news %s", "a message");
            next = now() + 0.02;
        }
        if (now() > said) report(&program), said = now() + 0.5;
    }
    if (program.redis) redisAsyncFree(program.redis);
    report(&program);
    redisFreeSSLContext(tls);
    entrakey_watch_free(program.watch);
    entrakey_provider_free(program.provider);
    return program.errors + program.disconnects || !program.messages ? 1 : 0;
}
