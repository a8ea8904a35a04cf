//go:build !entrakey_static

package native

import "embed"

//go:embed library/linux_amd64
var embedded embed.FS
