module entrakey.invalid/go/examples/hello

go 1.26.0

require (
	entrakey.invalid/go/entrakey v0.1.0
	entrakey.invalid/go/entrakeygoredis v0.1.0
	github.com/redis/go-redis/v9 v9.23.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/ebitengine/purego v0.11.3 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace (
	entrakey.invalid/go/entrakey => ../../../bindings/go/entrakey
	entrakey.invalid/go/entrakeygoredis => ../../../bindings/go/entrakeygoredis
)
