// Package entrakey supplies Microsoft Entra ID access tokens to Redis clients, and keeps them fresh.
//
//	provider, err := entrakey.New(entrakey.Config{Identity: "managed_identity"})
//	token, err := provider.Token(ctx) // a user name and a password for AUTH
//
// For go-redis see the module entrakeygoredis, for rueidis entrakeyrueidis, for valkey-go entrakeyvalkey. Without those: make a
// [Watch], connect with [Provider.Token], and send AUTH again whenever [Watch.Wait] returns.
//
// All types may be used from any number of goroutines. The work is done by the C library libentrakey, which is loaded when the
// first provider is made; no cgo is needed.
package entrakey
