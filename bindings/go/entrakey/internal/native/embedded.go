//go:build !entrakey_static

package native

import "runtime"

// embeddedLibrary is the image of this platform's library; nil if this copy of the module brings none along. The folder is
// embedded and not the file, because the module is to compile without it.
func embeddedLibrary() []byte {
	image, err := embedded.ReadFile("library/" + runtime.GOOS + "_" + runtime.GOARCH + "/libentrakey.so")
	if err != nil {
		return nil
	}
	return image
}
