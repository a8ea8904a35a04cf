package native

// function is one of the C library's, by its place in names.
type function int

const (
	abi function = iota
	libraryVersion
	configNew
	configSetJSON
	configOnTokenRequest
	configOnAssertionRequest
	configFree
	requestScope
	requestTimeLeft
	requestComplete
	requestFail
	providerNew
	providerGetToken
	providerGetTokenNoWait
	providerCurrent
	providerCopyCredentials
	providerVersion
	providerReauthIn
	providerRefresh
	providerReportRejected
	providerObserve
	providerStatus
	providerClose
	providerFree
	tokenUsername
	tokenSecret
	tokenVersion
	tokenExpires
	tokenRefresh
	tokenFree
	errorKind
	errorName
	errorMessage
	errorRetriable
	errorAADSTS
	errorHTTPStatus
	errorCorrelationID
	errorFree
	rejectionReason
	rejectionExplanation
	rejectionFree
	observationFree
	statusJSON
	statusFree
	metricsNew
	metricsText
	metricsContentType
	metricsFree
	watchNew
	watchHandle
	watchTake
	watchAck
	watchFree
	watchOpened
	connectionIsBehind
	connectionAuthenticated
	connectionRefused
	connectionFree
	checkPlaintext
)

var names = [...]string{
	abi:                      "entrakey_abi",
	libraryVersion:           "entrakey_version",
	configNew:                "entrakey_config_new",
	configSetJSON:            "entrakey_config_set_json",
	configOnTokenRequest:     "entrakey_config_on_token_request",
	configOnAssertionRequest: "entrakey_config_on_assertion_request",
	configFree:               "entrakey_config_free",
	requestScope:             "entrakey_request_scope",
	requestTimeLeft:          "entrakey_request_time_left_ms",
	requestComplete:          "entrakey_request_complete",
	requestFail:              "entrakey_request_fail",
	providerNew:              "entrakey_provider_new",
	providerGetToken:         "entrakey_provider_get_token",
	providerGetTokenNoWait:   "entrakey_provider_get_token_no_wait",
	providerCurrent:          "entrakey_provider_current",
	providerCopyCredentials:  "entrakey_provider_copy_credentials",
	providerVersion:          "entrakey_provider_version",
	providerReauthIn:         "entrakey_provider_reauth_in_ms",
	providerRefresh:          "entrakey_provider_refresh",
	providerReportRejected:   "entrakey_provider_report_rejected",
	providerObserve:          "entrakey_provider_observe",
	providerStatus:           "entrakey_provider_status",
	providerClose:            "entrakey_provider_close",
	providerFree:             "entrakey_provider_free",
	tokenUsername:            "entrakey_token_username",
	tokenSecret:              "entrakey_token_secret",
	tokenVersion:             "entrakey_token_version",
	tokenExpires:             "entrakey_token_expires_unix_ms",
	tokenRefresh:             "entrakey_token_refresh_unix_ms",
	tokenFree:                "entrakey_token_free",
	errorKind:                "entrakey_error_kind",
	errorName:                "entrakey_error_name",
	errorMessage:             "entrakey_error_message",
	errorRetriable:           "entrakey_error_retriable",
	errorAADSTS:              "entrakey_error_aadsts",
	errorHTTPStatus:          "entrakey_error_http_status",
	errorCorrelationID:       "entrakey_error_correlation_id",
	errorFree:                "entrakey_error_free",
	rejectionReason:          "entrakey_rejection_reason",
	rejectionExplanation:     "entrakey_rejection_explanation",
	rejectionFree:            "entrakey_rejection_free",
	observationFree:          "entrakey_observation_free",
	statusJSON:               "entrakey_status_json",
	statusFree:               "entrakey_status_free",
	metricsNew:               "entrakey_metrics_new",
	metricsText:              "entrakey_metrics_text",
	metricsContentType:       "entrakey_metrics_content_type",
	metricsFree:              "entrakey_metrics_free",
	watchNew:                 "entrakey_watch_new",
	watchHandle:              "entrakey_watch_handle",
	watchTake:                "entrakey_watch_take",
	watchAck:                 "entrakey_watch_ack",
	watchFree:                "entrakey_watch_free",
	watchOpened:              "entrakey_watch_opened",
	connectionIsBehind:       "entrakey_connection_is_behind",
	connectionAuthenticated:  "entrakey_connection_authenticated",
	connectionRefused:        "entrakey_connection_refused",
	connectionFree:           "entrakey_connection_free",
	checkPlaintext:           "entrakey_check_plaintext",
}

// addresses are known once Load has succeeded.
var addresses [len(names)]uintptr
