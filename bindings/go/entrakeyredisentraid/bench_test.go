package entraid_test

import (
	"testing"

	"entrakey.invalid/go/entrakey/emulator"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// BenchmarkAzidentityCached is what the peer takes for a token that it has.
func BenchmarkAzidentityCached(b *testing.B) {
	azure, err := emulator.Start(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = azure.Close() })
	azure.Use(b, "app_service")
	credential, err := azidentity.NewManagedIdentityCredential(nil)
	if err != nil {
		b.Fatal(err)
	}
	options := policy.TokenRequestOptions{Scopes: []string{"https://redis.azure.com/.default"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := credential.GetToken(b.Context(), options); err != nil {
			b.Fatal(err)
		}
	}
}
