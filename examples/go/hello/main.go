// A go-redis client whose connections stay authenticated: identity and address come from the environment.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net"
	"os"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakeygoredis"
	"github.com/redis/go-redis/v9"
)

func main() {
	provider, err := entrakey.New(entrakey.Config{Identity: "managed_identity"})
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Close()
	options := &redis.Options{
		Addr:      net.JoinHostPort(os.Getenv("REDIS_HOST"), os.Getenv("REDIS_PORT")),
		TLSConfig: &tls.Config{RootCAs: roots(os.Getenv("REDIS_CA_FILE"))},
	}
	if err := entrakeygoredis.Configure(options, provider); err != nil {
		log.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	fmt.Println(client.Ping(context.Background()).Result())
}

// roots are the system's, unless a file names others: the emulator's.
func roots(file string) *x509.CertPool {
	if file == "" {
		return nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}
