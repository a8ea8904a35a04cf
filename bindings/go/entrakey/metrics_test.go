package entrakey

import (
	"context"
	"testing"

	"entrakey.invalid/go/entrakey/internal/native"
)

func TestTheContentTypeOfMetricsIsTheLibrarys(t *testing.T) {
	provider, err := New(Config{TokenSource: func(context.Context, string) (AccessToken, error) { return AccessToken{}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	if _, contentType, failure := native.Metrics([]native.Handle{provider.native.object}); failure != nil || contentType != MetricsContentType {
		t.Fatal(contentType, failure)
	}
}
