/* entrakey for C++17: the objects of entrakey.h, freed by themselves, with exceptions in the place of errors.
 *
 * Header only; link with libentrakey. Threads and processes are as entrakey.h says. A function object that is given as
 * a callback is moved to the heap, called on a thread of the library's and destroyed after its last call. What it
 * throws ends with it: a listener is called again next time, a token request has failed. */
#ifndef ENTRAKEY_HPP
#define ENTRAKEY_HPP

#include "entrakey.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace entrakey {

using milliseconds = std::chrono::milliseconds;
using time_point = std::chrono::time_point<std::chrono::system_clock, milliseconds>;

/* What went wrong, in a sentence that says what to do. */
class error : public std::runtime_error {
public:
    explicit error(const entrakey_error *failed)
        : std::runtime_error(entrakey_error_message(failed)), kind_(entrakey_error_kind(failed)),
          aadsts_(entrakey_error_aadsts(failed)), http_status_(entrakey_error_http_status(failed)),
          retriable_(entrakey_error_retriable(failed)), name_(entrakey_error_name(failed)) {
        if (const char *id = entrakey_error_correlation_id(failed)) correlation_id_ = id;
    }
    /* An argument that C cannot take. */
    explicit error(const std::string &message)
        : std::runtime_error(message), kind_(ENTRAKEY_ERROR_INVALID_ARGUMENT), aadsts_(0), http_status_(0),
          retriable_(false), name_("INVALID_ARGUMENT") {}

    /* One of the ENTRAKEY_ERROR_ numbers, and its name. */
    std::uint32_t kind() const noexcept { return kind_; }
    const std::string &name() const noexcept { return name_; }
    /* Whether the same call can succeed later with nothing changed. */
    bool retriable() const noexcept { return retriable_; }
    /* The number of Entra's refusal, and the HTTP status; 0 if there is none. */
    std::uint32_t aadsts() const noexcept { return aadsts_; }
    std::uint32_t http_status() const noexcept { return http_status_; }
    /* What Microsoft's support asks for; empty if there is none. */
    const std::string &correlation_id() const noexcept { return correlation_id_; }

private:
    std::uint32_t kind_, aadsts_, http_status_;
    bool retriable_;
    std::string name_, correlation_id_;
};

namespace detail {

template <auto free>
struct freer {
    template <class object>
    void operator()(object *owned) const noexcept { free(owned); }
};

template <class object, auto free>
using owner = std::unique_ptr<object, freer<free>>;

inline void check(entrakey_error *failed) {
    owner<entrakey_error, entrakey_error_free> owned(failed);
    if (failed) throw error(failed);
}

/* A text with a NUL in it would be cut there. */
inline const char *whole(const std::string &text, const char *name) {
    if (text.find('\0') != std::string::npos) throw error(std::string(name) + " contains a NUL character.");
    return text.c_str();
}

/* The same for a text that is only shown: without its NULs. */
inline std::string shown(std::string text) {
    for (char &c : text)
        if (!c) c = ' ';
    return text;
}

/* What was moved from gives NULL. */
inline std::string_view view(const char *borrowed) noexcept { return borrowed ? borrowed : ""; }
inline std::string text(const char *borrowed) { return std::string(view(borrowed)); }

inline std::uint64_t count(milliseconds timeout) {
    /* 0 would mean the configured one. */
    return timeout.count() < 1 ? 1 : static_cast<std::uint64_t>(timeout.count());
}

/* A function object as user_data. */
template <class function>
void destroy(void *user_data) { delete static_cast<function *>(user_data); }

}  // namespace detail

/* A token and the user name that goes with it. Cheap to move; outlives its provider. The views live as long as it. */
class token {
public:
    explicit token(entrakey_token *owned) : token_(owned) {}
    std::string_view username() const noexcept { return detail::view(entrakey_token_username(token_.get())); }
    /* A bearer secret: do not log it. */
    std::string_view secret() const noexcept { return detail::view(entrakey_token_secret(token_.get())); }
    std::uint64_t version() const noexcept { return entrakey_token_version(token_.get()); }
    time_point expires() const noexcept { return time(entrakey_token_expires_unix_ms(token_.get())); }
    time_point refresh() const noexcept { return time(entrakey_token_refresh_unix_ms(token_.get())); }

private:
    static time_point time(std::uint64_t unix_ms) {
        return time_point(milliseconds(static_cast<std::int64_t>(unix_ms)));
    }
    detail::owner<entrakey_token, entrakey_token_free> token_;
};

/* The host is asked for a token or an assertion. Destroyed without an answer it has failed. */
class request {
public:
    explicit request(entrakey_request *owned) : asked_(std::make_shared<pending>(owned)) {}
    request(request &&) noexcept = default;
    request &operator=(request &&) noexcept = default;

    /* What the token is for; empty if it is an assertion that is wanted. */
    std::string scope() const { return detail::text(entrakey_request_scope(get())); }
    milliseconds time_left() const noexcept {
        return milliseconds(static_cast<std::int64_t>(entrakey_request_time_left_ms(get())));
    }
    /* expires: by this machine's clock; without it what the token itself says. */
    void complete(const std::string &secret, time_point expires = {}) {
        auto since = expires.time_since_epoch().count();
        auto unix_ms = since < 0 ? 1 : static_cast<std::uint64_t>(since); /* long ago is not never */
        if (secret.find('\0') != std::string::npos) fail("it gave a secret that contains a NUL character");
        detail::check(entrakey_request_complete(take(), detail::whole(secret, "secret"), unix_ms));
    }
    void fail(const std::string &message) noexcept {
        if (auto *open = take()) entrakey_request_fail(open, detail::shown(message).c_str());
    }

private:
    friend class config;

    struct pending {
        explicit pending(entrakey_request *owned) : open(owned) {}
        pending(const pending &) = delete;
        pending &operator=(const pending &) = delete;
        ~pending() {
            if (auto *left = open.load()) entrakey_request_fail(left, "it was destroyed without an answer");
        }
        std::atomic<entrakey_request *> open;
    };

    entrakey_request *get() const noexcept { return asked_ ? asked_->open.load() : nullptr; }
    entrakey_request *take() noexcept { return asked_ ? asked_->open.exchange(nullptr) : nullptr; }

    std::shared_ptr<pending> asked_;
};

/* Configuration by key. */
class config {
public:
    config() : config_(entrakey_config_new()) {}
    config &set(const std::string &key, const std::string &value) {
        return detail::check(entrakey_config_set(config_.get(), detail::whole(key, "key"),
                                                 detail::whole(value, "value"))), *this;
    }
    config &set_json(const std::string &text, std::uint32_t flags = 0) {
        return detail::check(entrakey_config_set_json(config_.get(), detail::whole(text, "text"), flags)), *this;
    }
    /* function(request): answers there, or moves the request away and answers later from any thread. */
    template <class function>
    config &on_token_request(function supply) { return on(entrakey_config_on_token_request, std::move(supply)); }
    template <class function>
    config &on_assertion_request(function supply) {
        return on(entrakey_config_on_assertion_request, std::move(supply));
    }
    const entrakey_config *get() const noexcept { return config_.get(); }

private:
    template <class registration, class function>
    config &on(registration entry, function supply) {
        auto owned = std::make_unique<function>(std::move(supply));
        auto call = [](entrakey_request *asked, void *user_data) noexcept {
            request answered(asked);
            auto kept = answered.asked_; /* the function's own is destroyed before what it throws is known here */
            try {
                (*static_cast<function *>(user_data))(std::move(answered));
            } catch (const std::exception &thrown) {
                answered.asked_.reset();
                auto *open = kept.use_count() == 1 ? kept->open.exchange(nullptr) : nullptr; /* else it was handed on */
                if (open) entrakey_request_fail(open, thrown.what());
            } catch (...) {
            }
        };
        detail::check(entry(config_.get(), call, owned.get(), detail::destroy<function>));
        owned.release();
        return *this;
    }
    detail::owner<entrakey_config, entrakey_config_free> config_;
};

/* Why a server refused a token. */
struct rejection {
    std::string reason, explanation;
};

namespace detail {

inline rejection explained(entrakey_rejection *found) {
    owner<entrakey_rejection, entrakey_rejection_free> owned(found);
    return {text(entrakey_rejection_reason(found)), text(entrakey_rejection_explanation(found))};
}

}  // namespace detail

/* An open connection of a client; closed when destroyed. */
class connection {
public:
    explicit connection(entrakey_connection *owned) : connection_(owned) {}
    bool is_behind(std::uint64_t version) const noexcept {
        return entrakey_connection_is_behind(connection_.get(), version);
    }
    void authenticated(std::uint64_t version) const noexcept {
        entrakey_connection_authenticated(connection_.get(), version);
    }
    rejection refused(std::uint64_t version, const std::string &message) const {
        entrakey_rejection *found = nullptr;
        detail::check(entrakey_connection_refused(connection_.get(), version, detail::shown(message).c_str(), &found));
        return detail::explained(found);
    }

private:
    detail::owner<entrakey_connection, entrakey_connection_free> connection_;
};

/* A callback's registration; ends when destroyed, and never waits then. */
class subscription {
public:
    explicit subscription(entrakey_subscription *owned) : subscription_(owned) {}
    /* A connection is about to authenticate with the token of this version. */
    [[nodiscard]] connection opened(std::uint64_t version) const noexcept {
        return connection(entrakey_subscription_opened(subscription_.get(), version));
    }
    void ack(std::uint64_t version, bool accepted) const noexcept {
        entrakey_subscription_ack(subscription_.get(), version, accepted);
    }
    /* Ends the calls and waits until none is under way; false if the time was over first. */
    bool unsubscribe(milliseconds timeout) const noexcept {
        return entrakey_subscription_unsubscribe(subscription_.get(), detail::count(timeout));
    }

private:
    detail::owner<entrakey_subscription, entrakey_subscription_free> subscription_;
};

/* A log callback's registration; ends when destroyed. */
class observation {
public:
    explicit observation(entrakey_observation *owned) : observation_(owned) {}

private:
    detail::owner<entrakey_observation, entrakey_observation_free> observation_;
};

/* A descriptor for an event loop. */
class watch {
public:
    explicit watch(entrakey_watch *owned) : watch_(owned) {}
    std::intptr_t handle() const noexcept { return entrakey_watch_handle(watch_.get()); }
    /* The newest version that there is news of, 0 for none; throws CLOSED when nothing will come any more. */
    std::uint64_t take() const {
        std::uint64_t version = 0;
        return detail::check(entrakey_watch_take(watch_.get(), &version)), version;
    }
    /* A connection is about to authenticate with the token of this version. */
    [[nodiscard]] connection opened(std::uint64_t version) const noexcept {
        return connection(entrakey_watch_opened(watch_.get(), version));
    }
    void ack(std::uint64_t version, bool accepted) const noexcept {
        entrakey_watch_ack(watch_.get(), version, accepted);
    }

private:
    detail::owner<entrakey_watch, entrakey_watch_free> watch_;
};

/* Supplies the token of one identity and keeps it fresh; closes when destroyed. Thread-safe. */
class provider {
public:
    explicit provider(const config &from = {}) {
        if (entrakey_abi() != ENTRAKEY_ABI)
            throw std::runtime_error("the loaded libentrakey has another ABI than entrakey.h");
        entrakey_provider *made = nullptr;
        detail::check(entrakey_provider_new(from.get(), &made));
        provider_.reset(made);
    }

    /* Waits for the configured get_token_timeout_ms at most, or for the time given. */
    token get_token() const { return get(entrakey_provider_get_token, 0); }
    token get_token(milliseconds timeout) const { return get(entrakey_provider_get_token, detail::count(timeout)); }
    /* In a known outage the error at once. */
    token get_token_no_wait() const { return get(entrakey_provider_get_token_no_wait, 0); }
    void ready() const { detail::check(entrakey_provider_ready(get(), 0)); }
    void ready(milliseconds timeout) const { detail::check(entrakey_provider_ready(get(), detail::count(timeout))); }
    /* One load: compare it before each command. */
    std::uint64_t version() const noexcept { return entrakey_provider_version(get()); }
    /* How long a connection on this token may wait before it authenticates again: a new draw at each call. */
    milliseconds reauth_in(std::uint64_t version) const noexcept {
        return milliseconds(static_cast<milliseconds::rep>(entrakey_provider_reauth_in_ms(get(), version)));
    }
    void refresh() const { detail::check(entrakey_provider_refresh(get())); }
    rejection report_rejected(std::uint64_t version, const std::string &message) const {
        entrakey_rejection *found = nullptr;
        detail::check(entrakey_provider_report_rejected(get(), version, detail::shown(message).c_str(), &found));
        return detail::explained(found);
    }
    /* As JSON. */
    std::string status() const {
        entrakey_status *now = nullptr;
        detail::check(entrakey_provider_status(get(), &now));
        detail::owner<entrakey_status, entrakey_status_free> owned(now);
        return entrakey_status_json(now);
    }
    std::string metrics() const {
        entrakey_metrics *made = nullptr;
        const entrakey_provider *self = get();
        detail::check(entrakey_metrics_new(&self, 1, &made));
        detail::owner<entrakey_metrics, entrakey_metrics_free> owned(made);
        return entrakey_metrics_text(made);
    }
    void close() const noexcept { entrakey_provider_close(get()); }

    /* function(const char *username, const char *secret, std::uint64_t version), with texts that end with the call. */
    template <class function>
    [[nodiscard]] subscription subscribe(function listener) const {
        auto call = [](const entrakey_token *token, void *user_data) noexcept {
            try {
                (*static_cast<function *>(user_data))(entrakey_token_username(token), entrakey_token_secret(token),
                                                      entrakey_token_version(token));
            } catch (...) {
            }
        };
        auto owned = std::make_unique<function>(std::move(listener));
        entrakey_subscription *made = nullptr;
        detail::check(entrakey_provider_subscribe(get(), call, owned.get(), detail::destroy<function>, &made));
        owned.release();
        return subscription(made);
    }
    /* function(std::uint32_t level, const char *name, const char *message), with texts that end with the call. */
    template <class function>
    [[nodiscard]] observation observe(std::uint32_t level, function observer) const {
        auto call = [](std::uint32_t of, const char *name, const char *message, void *user_data) noexcept {
            try {
                (*static_cast<function *>(user_data))(of, name, message);
            } catch (...) {
            }
        };
        auto owned = std::make_unique<function>(std::move(observer));
        entrakey_observation *made = nullptr;
        detail::check(entrakey_provider_observe(get(), level, call, owned.get(), detail::destroy<function>, &made));
        owned.release();
        return observation(made);
    }
    [[nodiscard]] watch watch_tokens() const {
        entrakey_watch *made = nullptr;
        detail::check(entrakey_watch_new(get(), &made));
        return watch(made);
    }
    /* For what is not wrapped. */
    const entrakey_provider *get() const noexcept { return provider_.get(); }

private:
    template <class call>
    token get(call entry, std::uint64_t timeout_ms) const {
        entrakey_token *found = nullptr;
        detail::check(entry(get(), timeout_ms, &found));
        return token(found);
    }
    detail::owner<entrakey_provider, entrakey_provider_free> provider_;
};

}  // namespace entrakey

#endif
