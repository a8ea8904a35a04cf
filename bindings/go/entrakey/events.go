package entrakey

import (
	"context"
	"log/slog"

	"entrakey.invalid/go/entrakey/internal/native"
)

// The library's levels, ENTRAKEY_LEVEL_ of include/entrakey.h, from the most important on.
var levels = []struct {
	number uint32
	level  slog.Level
}{{1, slog.LevelWarn}, {2, slog.LevelInfo}, {3, slog.LevelDebug}}

// log gives the provider's events to the logger: those that it takes now. The library hands them on in their order, with no
// lock held, and counts those that come faster than the logger takes them.
func (p *Provider) log(logger *slog.Logger) error {
	least := uint32(0)
	for _, l := range levels {
		if logger.Enabled(context.Background(), l.level) {
			least = l.number
		}
	}
	if least == 0 {
		return nil
	}
	observation, failure := native.ProviderObserve(p.native.object, least, func(level uint32, name, message string) {
		for _, l := range levels {
			if l.number == level {
				logger.LogAttrs(context.Background(), l.level, message, slog.String("event", name))
			}
		}
	})
	if failure != nil {
		return failed(failure)
	}
	p.events = newHandle(observation, native.ObservationFree)
	closeWith(p, p.events)
	return nil
}
