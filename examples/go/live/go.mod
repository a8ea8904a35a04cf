module entrakey.invalid/go/examples/live

go 1.26.0

require (
	entrakey.invalid/go/entrakey v0.1.0
	entrakey.invalid/go/entrakeyrueidis v0.1.0
	github.com/redis/rueidis v1.0.79
)

require (
	github.com/ebitengine/purego v0.11.3 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace (
	entrakey.invalid/go/entrakey => ../../../bindings/go/entrakey
	entrakey.invalid/go/entrakeyrueidis => ../../../bindings/go/entrakeyrueidis
)
