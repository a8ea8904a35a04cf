/* hiredis: the rounds of clients.py. */
#include <hiredis.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIPELINE = 500 };

static char channel[64], heard[64], nothing[64], key[64];

static void fail(const char *what, const redisContext *context, const redisReply *reply) {
    const char *text = reply == NULL ? context->errstr : reply->str == NULL ? "" : reply->str;
    fprintf(stderr, "hiredis: %s: %s (reply of type %d)\n", what, text, reply == NULL ? 0 : reply->type);
    _exit(1);
}

static redisReply *ask(redisContext *context, const char *format, const char *first, const char *second) {
    redisReply *reply = redisCommand(context, format, first, second);
    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) fail(format, context, reply);
    return reply;
}

static redisContext *connect_to_proxy(void) {
    redisContext *context = redisConnectUnix(getenv("REDIS_SOCKET"));
    if (context == NULL || context->err) fail("connect", context, NULL);
    freeReplyObject(ask(context, "AUTH %s", "a-dummy", NULL)); /* as in the settings of many programs */
    return context;
}

static void expect(const char *what, redisContext *context, redisReply *reply, const char *value) {
    if (reply == NULL || reply->str == NULL || strcmp(reply->str, value) != 0) fail(what, context, reply);
    freeReplyObject(reply);
}

/* Takes what it hears to a list, through a connection of its own. */
static void *listen_for_news(void *subscription) {
    redisContext *forwarder = connect_to_proxy();
    redisReply *message;
    while (redisGetReply(subscription, (void **)&message) == REDIS_OK) {
        if (message->type != REDIS_REPLY_ARRAY || message->elements != 3) fail("message", subscription, message);
        freeReplyObject(ask(forwarder, "RPUSH %s %s", heard, message->element[2]->str));
        freeReplyObject(message);
    }
    fail("subscription", subscription, NULL);
    return NULL;
}

static void long_pipeline(redisContext *context, int round) {
    char value[32];
    redisReply *reply;
    for (int i = 0; i < PIPELINE; i++) redisAppendCommand(context, "ECHO %d.%d", round, i);
    for (int i = 0; i < PIPELINE; i++) {
        snprintf(value, sizeof value, "%d.%d", round, i);
        if (redisGetReply(context, (void **)&reply) != REDIS_OK) fail("pipeline", context, NULL);
        expect("pipeline", context, reply, value);
    }
}

static void do_round(redisContext *context, int round) {
    char value[32];
    snprintf(value, sizeof value, "%d", round);
    expect("SET", context, ask(context, "SET %s %s", key, value), "OK");
    expect("GET", context, ask(context, "GET %s", key, NULL), value);
    long_pipeline(context, round);
    redisReply *reply = ask(context, "PUBLISH %s %s", channel, value);
    if (reply->integer != 1) fail("PUBLISH", context, reply);
    freeReplyObject(reply);
    reply = ask(context, "BLPOP %s 20", heard, NULL);
    if (reply->type != REDIS_REPLY_ARRAY || strcmp(reply->element[1]->str, value) != 0) fail("BLPOP", context, reply);
    freeReplyObject(reply);
    reply = ask(context, "BLPOP %s 1", nothing, NULL);
    if (reply->type != REDIS_REPLY_NIL) fail("BLPOP of nothing", context, reply);
    freeReplyObject(reply);
}

static int is_over(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) != 0;
}

int main(void) {
    const char *name = getenv("NAME");
    snprintf(channel, sizeof channel, "news:%s", name);
    snprintf(heard, sizeof heard, "heard:%s", name);
    snprintf(nothing, sizeof nothing, "nothing:%s", name);
    snprintf(key, sizeof key, "key:%s", name);
    redisContext *context = connect_to_proxy(), *subscription = connect_to_proxy();
    freeReplyObject(ask(context, "DEL %s", heard, NULL));
    freeReplyObject(ask(subscription, "SUBSCRIBE %s", channel, NULL));
    pthread_t listener;
    if (pthread_create(&listener, NULL, listen_for_news, subscription) != 0) return 1;
    int rounds = 0;
    while (!is_over()) {
        do_round(context, rounds++);
        if (rounds == 1) puts("ready"), fflush(stdout);
    }
    printf("{\"rounds\": %d}\n", rounds), fflush(stdout);
    _exit(0); /* the subscriber still listens */
}
