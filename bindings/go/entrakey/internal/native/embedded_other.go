//go:build !(linux && (amd64 || arm64))

package native

import "embed"

var embedded embed.FS
