package native

import (
	"fmt"
	"sync"
)

// ABI is the one that this module was written against: ENTRAKEY_ABI of include/entrakey.h.
const ABI = 1

// Variable names a library to load instead of the one that this module brings along.
const Variable = "ENTRAKEY_LIBRARY"

// Load finds the library and its functions, once. Nothing else of this package may be called before it returned nil.
var Load = sync.OnceValue(func() error {
	found, err := open()
	if err != nil {
		return err
	}
	// Nothing else is called, nor even looked up, while the ABI is in doubt.
	address, err := found.symbol(names[abi])
	if err != nil {
		return fmt.Errorf("entrakey: %s is no libentrakey: %w", found.from, err)
	}
	if number := uint32(invoke(address)); number != ABI {
		return fmt.Errorf("entrakey: %s has ABI %d, and this module needs ABI %d: use the library and the module of one release",
			found.from, number, ABI)
	}
	for f, name := range names {
		if addresses[f], err = found.symbol(name); err != nil {
			return fmt.Errorf("entrakey: %s is older than this module: %w", found.from, err)
		}
	}
	return nil
})
