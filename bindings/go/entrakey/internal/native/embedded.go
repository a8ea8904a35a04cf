//go:build !entrakey_static

package native

// Embedded is set by a package that brings a library along for this platform, before the first provider is made.
var Embedded func() []byte

func embeddedLibrary() []byte {
	if Embedded == nil {
		return nil
	}
	return Embedded()
}
