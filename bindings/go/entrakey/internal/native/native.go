// Package native is the C library, function by function, in Go's types. It keeps nothing and decides nothing.
//
// This is the one file that uses unsafe. A stack of Go's may move while C runs, so C must never write to one: each pointer
// is converted in the argument list of call, which makes what it points to live on the heap and stay there until call returns.
package native

import (
	"strings"
	"sync"
	"time"
	"unsafe"
)

// Handle is an object of the library's; 0 is none.
type Handle uintptr

// Failure is an entrakey_error, read and freed.
type Failure struct {
	Kind          uint32
	Name          string
	Message       string
	Retriable     bool
	AADSTS        uint32
	HTTPStatus    uint32
	CorrelationID string
}

// Token is an entrakey_token, read and freed.
type Token struct {
	Username, Secret                            string
	Version, ExpiresUnixMilli, RefreshUnixMilli uint64
}

// Rejection is an entrakey_rejection, read and freed.
type Rejection struct {
	Reason, Explanation string
}

//go:uintptrescapes
func call(f function, arguments ...uintptr) uintptr {
	return invoke(addresses[f], arguments...)
}

// text is a C string of the library's, copied.
func text(address uintptr) string {
	if address == 0 {
		return ""
	}
	begin := *(**byte)(unsafe.Pointer(&address)) // C's memory, which no collector moves
	length := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(begin), length)) != 0 {
		length++
	}
	return strings.Clone(unsafe.String(begin, length))
}

// c is a C string for the length of a call. A NUL would end it early, so it is replaced as what is not text.
func c(text string) *byte {
	bytes := make([]byte, 0, len(text)+1)
	bytes = append(bytes, strings.ReplaceAll(text, "\x00", "\uFFFD")...)
	return unsafe.SliceData(append(bytes, 0))
}

func failure(object uintptr) *Failure {
	if object == 0 {
		return nil
	}
	defer call(errorFree, object)
	return &Failure{
		Kind:          uint32(call(errorKind, object)),
		Name:          text(call(errorName, object)),
		Message:       text(call(errorMessage, object)),
		Retriable:     boolean(call(errorRetriable, object)),
		AADSTS:        uint32(call(errorAADSTS, object)),
		HTTPStatus:    uint32(call(errorHTTPStatus, object)),
		CorrelationID: text(call(errorCorrelationID, object)),
	}
}

// boolean: of a C bool only the lowest byte is defined.
func boolean(value uintptr) bool { return value&0xff != 0 }

func number(value bool) uintptr {
	if value {
		return 1
	}
	return 0
}

func token(object Handle) *Token {
	if object == 0 {
		return nil
	}
	o := uintptr(object)
	defer call(tokenFree, o)
	return &Token{
		Username:         text(call(tokenUsername, o)),
		Secret:           text(call(tokenSecret, o)),
		Version:          uint64(call(tokenVersion, o)),
		ExpiresUnixMilli: uint64(call(tokenExpires, o)),
		RefreshUnixMilli: uint64(call(tokenRefresh, o)),
	}
}

func rejection(object Handle) *Rejection {
	if object == 0 {
		return nil
	}
	o := uintptr(object)
	defer call(rejectionFree, o)
	return &Rejection{Reason: text(call(rejectionReason, o)), Explanation: text(call(rejectionExplanation, o))}
}

// LibraryVersion is for people.
func LibraryVersion() string { return text(call(libraryVersion)) }

func ConfigNew() Handle { return Handle(call(configNew)) }

func ConfigSetJSON(config Handle, object string) *Failure {
	return failure(call(configSetJSON, uintptr(config), uintptr(unsafe.Pointer(c(object))), 0))
}

// ConfigOnTokenRequest gives each request to receive, which owns it and must return soon.
func ConfigOnTokenRequest(config Handle, receive func(request Handle)) *Failure {
	return onRequest(configOnTokenRequest, config, receive)
}

// ConfigOnAssertionRequest is ConfigOnTokenRequest for client assertions.
func ConfigOnAssertionRequest(config Handle, receive func(request Handle)) *Failure {
	return onRequest(configOnAssertionRequest, config, receive)
}

func onRequest(f function, config Handle, receive func(Handle)) *Failure {
	id := remember(receive)
	failed := failure(call(f, uintptr(config), requestCallback(), id, finalizeCallback()))
	if failed != nil {
		forget(id)
	}
	return failed
}

func ConfigFree(config Handle) { call(configFree, uintptr(config)) }

func RequestScope(request Handle) string { return text(call(requestScope, uintptr(request))) }

func RequestTimeLeftMilli(request Handle) uint64 {
	return uint64(call(requestTimeLeft, uintptr(request)))
}

func RequestComplete(request Handle, secret string, expiresUnixMilli uint64) *Failure {
	return failure(call(requestComplete, uintptr(request), uintptr(unsafe.Pointer(c(secret))), uintptr(expiresUnixMilli)))
}

func RequestFail(request Handle, message string) {
	call(requestFail, uintptr(request), uintptr(unsafe.Pointer(c(message))))
}

func ProviderNew(config Handle) (provider Handle, failed *Failure) {
	failed = failure(call(providerNew, uintptr(config), uintptr(unsafe.Pointer(&provider))))
	return
}

// ProviderGetToken waits, on this thread, for timeoutMilli at most; 0 is what is configured.
func ProviderGetToken(provider Handle, timeoutMilli uint64) (*Token, *Failure) {
	return getToken(providerGetToken, provider, timeoutMilli)
}

// ProviderGetTokenNoWait does not wait once an outage is known.
func ProviderGetTokenNoWait(provider Handle, timeoutMilli uint64) (*Token, *Failure) {
	return getToken(providerGetTokenNoWait, provider, timeoutMilli)
}

func getToken(f function, provider Handle, timeoutMilli uint64) (*Token, *Failure) {
	var object Handle
	failed := failure(call(f, uintptr(provider), uintptr(timeoutMilli), uintptr(unsafe.Pointer(&object))))
	return token(object), failed
}

func ProviderCurrent(provider Handle) *Token {
	return token(Handle(call(providerCurrent, uintptr(provider))))
}

// sizes is what a question for the usable token writes; pooled, as it is asked before each use of a token.
type sizes struct {
	user, secret     uintptr
	expires, version uint64
}

var pool = sync.Pool{New: func() any { return new(sizes) }}

// ProviderUsable is which token may be handed out now, without the token.
func ProviderUsable(provider Handle) (version, expiresUnixMilli uint64, failed *Failure) {
	out := pool.Get().(*sizes)
	defer pool.Put(out)
	failed = failure(call(providerCopyCredentials, uintptr(provider), 0, 0, uintptr(unsafe.Pointer(&out.user)),
		0, 0, uintptr(unsafe.Pointer(&out.secret)), uintptr(unsafe.Pointer(&out.expires)), uintptr(unsafe.Pointer(&out.version))))
	return out.version, out.expires, failed
}

func ProviderVersion(provider Handle) uint64 { return uint64(call(providerVersion, uintptr(provider))) }

func ProviderReauthIn(provider Handle, version uint64) time.Duration {
	return time.Duration(call(providerReauthIn, uintptr(provider), uintptr(version))) * time.Millisecond
}

func ProviderRefresh(provider Handle) *Failure {
	return failure(call(providerRefresh, uintptr(provider)))
}

func ProviderReportRejected(provider Handle, version uint64, message string) (*Rejection, *Failure) {
	var object Handle
	failed := failure(call(providerReportRejected, uintptr(provider), uintptr(version),
		uintptr(unsafe.Pointer(c(message))), uintptr(unsafe.Pointer(&object))))
	return rejection(object), failed
}

func ProviderStatus(provider Handle) (json string, failed *Failure) {
	var object Handle
	failed = failure(call(providerStatus, uintptr(provider), uintptr(unsafe.Pointer(&object))))
	defer call(statusFree, uintptr(object))
	return text(call(statusJSON, uintptr(object))), failed
}

func ProviderClose(provider Handle) { call(providerClose, uintptr(provider)) }

func ProviderFree(provider Handle) { call(providerFree, uintptr(provider)) }

// ProviderObserve gives events of this level and of the more important ones to receive, one at a time.
func ProviderObserve(provider Handle, level uint32, receive func(level uint32, name, message string)) (observation Handle, failed *Failure) {
	id := remember(receive)
	failed = failure(call(providerObserve, uintptr(provider), uintptr(level), eventCallback(), id, finalizeCallback(),
		uintptr(unsafe.Pointer(&observation))))
	if failed != nil {
		forget(id)
	}
	return
}

func ObservationFree(observation Handle) { call(observationFree, uintptr(observation)) }

// Metrics is a page for Prometheus, and its Content-Type.
func Metrics(providers []Handle) (page, contentType string, failed *Failure) {
	var object Handle
	failed = failure(call(metricsNew, uintptr(unsafe.Pointer(unsafe.SliceData(providers))), uintptr(len(providers)),
		uintptr(unsafe.Pointer(&object))))
	defer call(metricsFree, uintptr(object))
	return text(call(metricsText, uintptr(object))), text(call(metricsContentType, uintptr(object))), failed
}

func WatchNew(provider Handle) (watch Handle, failed *Failure) {
	failed = failure(call(watchNew, uintptr(provider), uintptr(unsafe.Pointer(&watch))))
	return
}

// WatchDescriptor belongs to the watch.
func WatchDescriptor(watch Handle) uintptr { return call(watchHandle, uintptr(watch)) }

func WatchTake(watch Handle) (version uint64, failed *Failure) {
	failed = failure(call(watchTake, uintptr(watch), uintptr(unsafe.Pointer(&version))))
	return
}

func WatchAck(watch Handle, version uint64, accepted bool) {
	call(watchAck, uintptr(watch), uintptr(version), number(accepted))
}

func WatchFree(watch Handle) { call(watchFree, uintptr(watch)) }

func WatchOpened(watch Handle, version uint64) Handle {
	return Handle(call(watchOpened, uintptr(watch), uintptr(version)))
}

func ConnectionIsBehind(connection Handle, version uint64) bool {
	return boolean(call(connectionIsBehind, uintptr(connection), uintptr(version)))
}

func ConnectionAuthenticated(connection Handle, version uint64) {
	call(connectionAuthenticated, uintptr(connection), uintptr(version))
}

func ConnectionRefused(connection Handle, version uint64, message string) (*Rejection, *Failure) {
	var object Handle
	failed := failure(call(connectionRefused, uintptr(connection), uintptr(version),
		uintptr(unsafe.Pointer(c(message))), uintptr(unsafe.Pointer(&object))))
	return rejection(object), failed
}

func ConnectionFree(connection Handle) { call(connectionFree, uintptr(connection)) }

// CheckPlaintext refuses a connection without TLS to this peer unless it stays on this machine.
func CheckPlaintext(peer, name, remedy string) *Failure {
	return failure(call(checkPlaintext, uintptr(unsafe.Pointer(c(peer))), uintptr(unsafe.Pointer(c(name))),
		uintptr(unsafe.Pointer(c(remedy)))))
}
