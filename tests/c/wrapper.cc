// include/entrakey.hpp: objects that free themselves, exceptions, callbacks that throw. Run by tests/e2e/c.rs with the
// environment of an emulator whose tokens live for seconds.
#include <entrakey.hpp>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <optional>
#include <poll.h>
#include <thread>
#include <unistd.h>

static int failures = 0;

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) std::fprintf(stderr, "%d: %s\n", __LINE__, #condition), failures++; \
    } while (0)

// oid "me", expires in 2100
static const char *const OWN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";

template <class function>
static std::uint32_t kind_of(function failing) {
    try {
        failing();
    } catch (const entrakey::error &thrown) {
        CHECK(std::strlen(thrown.what()) > 10 && !thrown.name().empty());
        return thrown.kind();
    }
    return 0;
}

static entrakey::provider managed() {
    return entrakey::provider(entrakey::config().set_json(R"({"identity": "managed_identity", "reauth_spread": 0})"));
}

static void errors_are_exceptions() {
    CHECK(kind_of([] { entrakey::config().set("clientid", "x"); }) == ENTRAKEY_ERROR_INVALID_CONFIG);
    auto custom = [] { entrakey::provider(entrakey::config().set("identity", "custom")); };
    CHECK(kind_of(custom) == ENTRAKEY_ERROR_INVALID_CONFIG);
    // C would take the text up to the NUL: half of a secret.
    const std::string cut("half\0of it", 10);
    CHECK(kind_of([&] { entrakey::config().set("client_secret", cut); }) == ENTRAKEY_ERROR_INVALID_ARGUMENT);
    CHECK(kind_of([&] { entrakey::config().set(cut, "x"); }) == ENTRAKEY_ERROR_INVALID_ARGUMENT);
    CHECK(kind_of([&] { entrakey::config().set_json(cut); }) == ENTRAKEY_ERROR_INVALID_ARGUMENT);
    auto provider = managed();
    provider.close();
    CHECK(kind_of([&] { (void)provider.get_token(); }) == ENTRAKEY_ERROR_CLOSED);
    CHECK(kind_of([&] { (void)provider.watch_tokens(); }) == ENTRAKEY_ERROR_CLOSED);
    auto counted = std::make_shared<int>(0);
    CHECK(kind_of([&] { (void)provider.subscribe([counted](auto...) {}); }) == ENTRAKEY_ERROR_CLOSED);
    CHECK(counted.use_count() == 1);
}

static void tokens_outlive_their_provider() {
    std::optional<entrakey::token> kept;
    {
        auto provider = managed();
        kept = provider.get_token();
        CHECK(provider.version() == kept->version() && provider.get_token_no_wait().secret() == kept->secret());
        CHECK(provider.status().find("\"ready\":true") != std::string::npos);
        CHECK(provider.metrics().find("entrakey_build_info") != std::string::npos);
        CHECK(provider.reauth_in(kept->version()).count() > 0 && provider.reauth_in(kept->version() - 1).count() == 0);
        CHECK(provider.report_rejected(kept->version(), "NOPERM").reason == "no_permission");
    }
    CHECK(kept->username().size() == 36 && kept->secret().size() > 500);
    CHECK(kept->expires() > std::chrono::system_clock::now() && kept->refresh() < kept->expires());
}

static void what_was_moved_from_is_empty() {
    auto from = managed();
    auto token = from.get_token();
    auto moved = std::move(token);
    CHECK(token.username().empty() && token.secret().empty() && token.version() == 0 && !moved.secret().empty());
    auto provider = std::move(from);
    CHECK(kind_of([&] { (void)from.get_token(); }) == ENTRAKEY_ERROR_INVALID_ARGUMENT && from.version() == 0);
    entrakey::request none(nullptr);
    auto other = std::move(none);
    CHECK(none.scope().empty() && other.time_left().count() == 0);
    CHECK(kind_of([&] { none.complete(OWN); }) == ENTRAKEY_ERROR_INVALID_ARGUMENT);
    none.fail("nothing"), other.fail("nothing");
}

static void callbacks_are_destroyed_once_and_may_throw() {
    auto held = std::make_shared<std::atomic<int>>(0);
    auto logged = std::make_shared<std::atomic<int>>(0);
    {
        auto provider = managed();
        auto observation = provider.observe(ENTRAKEY_LEVEL_INFO, [logged](auto, const char *, const char *) {
            ++*logged;
            throw 1;
        });
        auto subscription = provider.subscribe([held](const char *, const char *secret, std::uint64_t version) {
            if (std::strlen(secret) > 500 && version > 1) ++*held;
            throw std::runtime_error("as a host might");
        });
        auto watch = provider.watch_tokens();
        provider.ready();
        pollfd wait{static_cast<int>(watch.handle()), POLLIN, 0};
        CHECK(poll(&wait, 1, 20000) == 1 && watch.take() >= 1);
        while (*held < 2 || *logged < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        subscription.ack(provider.version(), true);
        auto connection = subscription.opened(1), other = watch.opened(1);
        connection.authenticated(1);
        CHECK(connection.is_behind(2) && !other.is_behind(1));
        CHECK(connection.refused(2, "LOADING Redis is loading the dataset in memory").reason == "not_a_refusal");
        CHECK(subscription.unsubscribe(std::chrono::seconds(20)));
    }
    while (held.use_count() > 1 || logged.use_count() > 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

static void tokens_of_the_hosts_own() {
    std::thread later;
    entrakey::provider own(entrakey::config().on_token_request([&later](entrakey::request asked) {
        CHECK(asked.scope() == "https://redis.azure.com/.default" && asked.time_left().count() > 0);
        later = std::thread([asked = std::move(asked)]() mutable { asked.complete(OWN); });
    }));
    CHECK(own.get_token(std::chrono::seconds(20)).username() == "me");
    later.join();
    entrakey::provider past(entrakey::config().set("retry_initial_ms", "30000").on_token_request([](entrakey::request asked) {
        asked.complete(OWN, entrakey::time_point(entrakey::milliseconds(-1)));
    }));
    CHECK(kind_of([&] { (void)past.get_token(); }) != 0);
    entrakey::config failing;
    failing.on_token_request([](entrakey::request) { throw std::runtime_error("the vault is sealed"); });
    failing.set("retry_initial_ms", "30000");
    try {
        (void)entrakey::provider(failing).get_token();
        CHECK(!"it throws");
    } catch (const entrakey::error &thrown) {
        CHECK(thrown.kind() == ENTRAKEY_ERROR_CALLBACK_FAILED && thrown.retriable());
        CHECK(std::strstr(thrown.what(), "the vault is sealed"));
    }
}

int main() {
    alarm(300);  // a call that hangs ends this program, and with it the test
    errors_are_exceptions();
    tokens_outlive_their_provider();
    what_was_moved_from_is_empty();
    callbacks_are_destroyed_once_and_may_throw();
    tokens_of_the_hosts_own();
    return failures ? 1 : 0;
}
