package entrakey

import (
	"fmt"

	"entrakey.invalid/go/entrakey/internal/native"
)

// Kind is what sort of thing went wrong; errors.Is(err, entrakey.ErrTimeout) asks for one. Newer libraries may know more.
type Kind uint32

const (
	// ErrInvalidArgument: an argument of the call makes no sense.
	ErrInvalidArgument Kind = 1
	// ErrInvalidConfig: a configuration key is unknown, missing or contradicts another.
	ErrInvalidConfig Kind = 2
	// ErrIdentityUnavailable: the identity does not exist on this machine, or no managed identity endpoint is here.
	ErrIdentityUnavailable Kind = 3
	// ErrAuthRejected: Entra refused the identity; [Error.AADSTS] says why.
	ErrAuthRejected Kind = 4
	// ErrThrottled: the source asks for fewer requests.
	ErrThrottled Kind = 5
	// ErrNetwork: the source could not be reached, or this process may not have what that takes.
	ErrNetwork Kind = 6
	// ErrTimeout: no answer within the time allowed.
	ErrTimeout Kind = 7
	// ErrBadResponse: the source answered something that is not a token.
	ErrBadResponse Kind = 8
	// ErrUsernameUnavailable: the token has no claim to take the Redis user name from.
	ErrUsernameUnavailable Kind = 9
	// ErrClosed: the provider, the watch or the connection was closed.
	ErrClosed Kind = 10
	// ErrCallbackFailed: the program's own token source failed.
	ErrCallbackFailed Kind = 11
	// ErrInternal: a defect in the library; please report it.
	ErrInternal Kind = 12
)

var kinds = map[Kind]string{
	ErrInvalidArgument: "INVALID_ARGUMENT", ErrInvalidConfig: "INVALID_CONFIG", ErrIdentityUnavailable: "IDENTITY_UNAVAILABLE",
	ErrAuthRejected: "AUTH_REJECTED", ErrThrottled: "THROTTLED", ErrNetwork: "NETWORK", ErrTimeout: "TIMEOUT",
	ErrBadResponse: "BAD_RESPONSE", ErrUsernameUnavailable: "USERNAME_UNAVAILABLE", ErrClosed: "CLOSED",
	ErrCallbackFailed: "CALLBACK_FAILED", ErrInternal: "INTERNAL",
}

// Error is the kind's name, which is the same in every language.
func (k Kind) Error() string {
	if name, known := kinds[k]; known {
		return name
	}
	return fmt.Sprintf("kind %d", uint32(k))
}

// Error is what a provider's calls fail with. It holds no secret.
type Error struct {
	Kind    Kind
	Message string // what happened, and what to do about it
	// Retriable: the same call can succeed later if nothing is changed.
	Retriable bool
	// AADSTS is the number of Entra's refusal, 7000215 for AADSTS7000215; 0 if it was not Entra that refused.
	AADSTS uint32
	// HTTPStatus is the source's, 0 if there was no answer.
	HTTPStatus uint32
	// CorrelationID is what Microsoft's support asks for; perhaps empty.
	CorrelationID string
}

func (e *Error) Error() string { return "entrakey: " + e.Message }

// Is makes errors.Is(err, entrakey.ErrTimeout) work.
func (e *Error) Is(target error) bool { return target == e.Kind }

// Timeout makes this a time-out as the package net understands it.
func (e *Error) Timeout() bool { return e.Kind == ErrTimeout }

func failed(f *native.Failure) error {
	if f == nil {
		return nil // not a nil *Error in an error
	}
	return &Error{Kind(f.Kind), f.Message, f.Retriable, f.AADSTS, f.HTTPStatus, f.CorrelationID}
}

func closed(what string) error {
	return &Error{Kind: ErrClosed, Message: "the " + what + " was closed."}
}
