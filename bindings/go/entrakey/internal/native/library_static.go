//go:build entrakey_static

package native

// The library is linked into the program, whose linker finds it by CGO_LDFLAGS=-L…; only the addresses of its functions are
// wanted here, so nothing is said of their types.

/*
#cgo LDFLAGS: -l:libentrakey.a
#cgo linux LDFLAGS: -lgcc_eh -lpthread -ldl -lm -lc
#include <stdint.h>
#include <string.h>

#define FUNCTIONS \
    X(entrakey_abi) \
    X(entrakey_version) \
    X(entrakey_config_new) \
    X(entrakey_config_set_json) \
    X(entrakey_config_on_token_request) \
    X(entrakey_config_on_assertion_request) \
    X(entrakey_config_free) \
    X(entrakey_request_scope) \
    X(entrakey_request_time_left_ms) \
    X(entrakey_request_complete) \
    X(entrakey_request_fail) \
    X(entrakey_provider_new) \
    X(entrakey_provider_get_token) \
    X(entrakey_provider_get_token_no_wait) \
    X(entrakey_provider_current) \
    X(entrakey_provider_copy_credentials) \
    X(entrakey_provider_version) \
    X(entrakey_provider_reauth_in_ms) \
    X(entrakey_provider_refresh) \
    X(entrakey_provider_report_rejected) \
    X(entrakey_provider_observe) \
    X(entrakey_provider_status) \
    X(entrakey_provider_close) \
    X(entrakey_provider_free) \
    X(entrakey_token_username) \
    X(entrakey_token_secret) \
    X(entrakey_token_version) \
    X(entrakey_token_expires_unix_ms) \
    X(entrakey_token_refresh_unix_ms) \
    X(entrakey_token_free) \
    X(entrakey_error_kind) \
    X(entrakey_error_name) \
    X(entrakey_error_message) \
    X(entrakey_error_retriable) \
    X(entrakey_error_aadsts) \
    X(entrakey_error_http_status) \
    X(entrakey_error_correlation_id) \
    X(entrakey_error_free) \
    X(entrakey_rejection_reason) \
    X(entrakey_rejection_explanation) \
    X(entrakey_rejection_free) \
    X(entrakey_observation_free) \
    X(entrakey_status_json) \
    X(entrakey_status_free) \
    X(entrakey_metrics_new) \
    X(entrakey_metrics_text) \
    X(entrakey_metrics_content_type) \
    X(entrakey_metrics_free) \
    X(entrakey_watch_new) \
    X(entrakey_watch_handle) \
    X(entrakey_watch_take) \
    X(entrakey_watch_ack) \
    X(entrakey_watch_free) \
    X(entrakey_watch_opened) \
    X(entrakey_connection_is_behind) \
    X(entrakey_connection_authenticated) \
    X(entrakey_connection_refused) \
    X(entrakey_connection_free) \
    X(entrakey_check_plaintext)

#define X(name) extern const char name[];
FUNCTIONS
#undef X

static uintptr_t entrakey_go_address(const char *wanted) {
#define X(name) if (strcmp(wanted, #name) == 0) return (uintptr_t)name;
    FUNCTIONS
#undef X
    return 0;
}
*/
import "C"

import "fmt"

type library struct {
	from string // for messages
}

func open() (library, error) { return library{"the library that this program was linked with"}, nil }

func (library) symbol(name string) (uintptr, error) {
	address := uintptr(C.entrakey_go_address(C.CString(name))) // once for each name: never freed
	if address == 0 {
		return 0, fmt.Errorf("%s is not in this module's list", name)
	}
	return address, nil
}
