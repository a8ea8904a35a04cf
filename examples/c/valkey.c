/* As live.c, with libvalkey: a connection that authenticates itself anew before a command when the token was replaced.
 *
 * usage: valkey SECONDS     (identity and addresses from the environment, see `entrakey emulator`;
 * REDIS_TLS_NAME if the certificate is for another name than REDIS_HOST)
 * Prints one line of JSON at the end: commands, re-authentications and errors.
 *
 * libvalkey does not check that a certificate is for the server's name, and any server that receives the token can use
 * it as a password. So this program makes the TLS object itself and tells OpenSSL to check the name. */
#include <entrakey.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <valkey/tls.h>
#include <valkey/valkey.h>

struct connection {
    valkeyContext *valkey;
    uint64_t version; /* of the token that it is authenticated with */
};

static int failed(entrakey_error *error) {
    if (!error) return 0;
    fprintf(stderr, "valkey: %s: %s\n", entrakey_error_name(error), entrakey_error_message(error));
    entrakey_error_free(error);
    return 1;
}

static int command(valkeyContext *valkey, int argc, const char **argv, const char *expected) {
    valkeyReply *reply = valkeyCommandArgv(valkey, argc, argv, NULL);
    int ok = reply && reply->str && !strcmp(reply->str, expected);
    if (!ok) fprintf(stderr, "valkey: %s failed: %s\n", argv[0], reply && reply->str ? reply->str : valkey->errstr);
    if (reply) freeReplyObject(reply);
    return ok;
}

static int authenticate(struct connection *connection, const entrakey_provider *provider) {
    char user[128], secret[8192];
    size_t user_len, secret_len;
    uint64_t version;
    if (failed(entrakey_provider_copy_credentials(provider, user, sizeof user, &user_len, secret, sizeof secret,
                                                  &secret_len, NULL, &version)))
        return 0;
    const char *auth[] = {"AUTH", user, secret};
    int ok = command(connection->valkey, 3, auth, "OK");
    memset(secret, 0, sizeof secret);
    if (ok) connection->version = version;
    return ok;
}

/* TLS that verifies the chain and the name. */
static int start_tls(valkeyContext *valkey, SSL_CTX *context, const char *host) {
    SSL *tls = SSL_new(context);
    if (!tls || !SSL_set1_host(tls, host) || !SSL_set_tlsext_host_name(tls, host)) return SSL_free(tls), 0;
    SSL_set_connect_state(tls);
    return valkeyInitiateTLS(valkey, tls) == VALKEY_OK; /* the connection owns `tls` from here on */
}

int main(int argc, char **argv) {
    time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
    const char *host = getenv("REDIS_HOST"), *port = getenv("REDIS_PORT"), *name = getenv("REDIS_TLS_NAME");
    unsigned long commands = 0, reauths = 0, errors = 0;
    struct connection connection = {NULL, 0};
    if (!host || !port) return fputs("set REDIS_HOST and REDIS_PORT\n", stderr), 2;

    entrakey_config *config = entrakey_config_new();
    entrakey_provider *provider = NULL;
    if (failed(entrakey_provider_new(config, &provider)) || failed(entrakey_provider_ready(provider, 0))) return 2;
    entrakey_config_free(config);

    valkeyInitOpenSSL();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_default_verify_paths(context);
    if (getenv("REDIS_CA_FILE")) SSL_CTX_load_verify_locations(context, getenv("REDIS_CA_FILE"), NULL);
    connection.valkey = valkeyConnectWithTimeout(host, atoi(port), (struct timeval){5, 0});
    if (!connection.valkey || connection.valkey->err || !start_tls(connection.valkey, context, name ? name : host) ||
        !authenticate(&connection, provider))
        return fputs("valkey: no connection\n", stderr), 2;

    while (!errors && time(NULL) < end) {
        const char *set[] = {"SET", "demo:valkey", "1"};
        if (entrakey_provider_version(provider) != connection.version) {
            if (authenticate(&connection, provider)) reauths++;
            else errors++;
        }
        if (command(connection.valkey, 3, set, "OK")) commands++;
        else errors++;
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    printf("{\"commands\": %lu, \"reauths\": %lu, \"errors\": %lu}\n", commands, reauths, errors);
    valkeyFree(connection.valkey);
    SSL_CTX_free(context);
    entrakey_provider_free(provider);
    return errors ? 1 : 0;
}
