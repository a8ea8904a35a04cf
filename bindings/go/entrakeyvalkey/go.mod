module entrakey.invalid/go/entrakeyvalkey

go 1.25.0

require (
	entrakey.invalid/go/entrakey v0.1.0
	github.com/valkey-io/valkey-go v1.0.79
)

require (
	github.com/ebitengine/purego v0.11.3 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace entrakey.invalid/go/entrakey => ../entrakey
