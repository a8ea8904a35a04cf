//go:build !entrakey_static

package native

import "embed"

//go:embed library/linux_arm64
var embedded embed.FS
