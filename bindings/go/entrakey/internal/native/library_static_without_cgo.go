//go:build entrakey_static && !cgo

package native

// The build ends here, and says why.
var _ = the_build_tag_entrakey_static_needs_CGO_ENABLED_1
