package manager

import (
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
)

// The library knows its limits only as refusals: one millisecond less than what options are raised to is one.
func TestOptionsAreRaisedToTheLeastThatTheLibraryTakes(t *testing.T) {
	const longRequest = lowerBound - margin
	for name, limit := range map[string]struct{ least, less entrakey.Config }{
		"leastInitial": {
			entrakey.Config{RetryInitial: leastInitial},
			entrakey.Config{RetryInitial: leastInitial - time.Millisecond},
		},
		"leastMax": {
			entrakey.Config{RetryInitial: leastInitial, RetryMax: leastMax},
			entrakey.Config{RetryInitial: leastInitial, RetryMax: leastMax - time.Millisecond},
		},
		"margin": {
			entrakey.Config{RequestTimeout: time.Second, RefreshLowerBound: margin + time.Second},
			entrakey.Config{RequestTimeout: time.Second, RefreshLowerBound: margin + time.Second - time.Millisecond},
		},
		"lowerBound": {
			entrakey.Config{RequestTimeout: longRequest},
			entrakey.Config{RequestTimeout: longRequest + time.Millisecond},
		},
	} {
		for _, config := range []*entrakey.Config{&limit.least, &limit.less} {
			config.Identity = "managed_identity"
			provider, err := entrakey.New(*config)
			if isLeast := config == &limit.least; isLeast != (err == nil) {
				t.Errorf("%s is not the library's: %v", name, err)
			}
			if err == nil {
				_ = provider.Close()
			}
		}
	}
}
