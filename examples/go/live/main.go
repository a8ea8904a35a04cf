// One rueidis connection that reads and writes while its token is replaced under it.
//
//	live SECONDS     (identity and addresses from the environment, see `entrakey emulator`)
//
// Prints one line of JSON every half second: commands, errors and reconnects so far.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakeyrueidis"
	"github.com/redis/rueidis"
)

type count struct {
	Commands   int `json:"commands"`
	Errors     int `json:"errors"`
	Reconnects int `json:"reconnects"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("rueidis: ")
	seconds, err := strconv.ParseFloat(os.Args[1], 64)
	check(err)
	provider, err := entrakey.New(entrakey.Config{})
	check(err)
	client := connect(provider)
	seen := live(client, time.Duration(seconds*float64(time.Second)))
	client.Close()
	check(provider.Close())
	if seen.Errors+seen.Reconnects > 0 {
		os.Exit(1)
	}
}

func connect(provider *entrakey.Provider) rueidis.Client {
	pem, err := os.ReadFile(os.Getenv("REDIS_CA_FILE"))
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	option := rueidis.ClientOption{
		InitAddress:       []string{net.JoinHostPort(os.Getenv("REDIS_HOST"), os.Getenv("REDIS_PORT"))},
		TLSConfig:         &tls.Config{RootCAs: roots},
		ForceSingleClient: true,
		PipelineMultiplex: -1,   // one connection
		DisableRetry:      true, // a failed command shall be seen, not repaired
	}
	check(entrakeyrueidis.Configure(&option, provider))
	client, err := rueidis.NewClient(option)
	check(err)
	return client
}

func live(client rueidis.Client, during time.Duration) (seen count) {
	connection, reported := int64(0), time.Time{}
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		now, err := round(client, strconv.Itoa(seen.Commands))
		if err != nil {
			seen.Errors++
			log.Print(err)
			continue
		}
		seen.Commands += 3
		if connection != 0 && now != connection {
			seen.Reconnects++
		}
		connection = now
		if time.Since(reported) > time.Second/2 {
			report(seen)
			reported = time.Now()
		}
	}
	report(seen)
	return
}

// round writes and reads, and says over which connection.
func round(client rueidis.Client, value string) (int64, error) {
	ctx, b := context.Background(), client.B
	replies := client.DoMulti(ctx,
		b().Set().Key("demo:rueidis").Value(value).Build(), b().Get().Key("demo:rueidis").Build(), b().ClientId().Build())
	if err := replies[0].Error(); err != nil {
		return 0, err
	}
	if read, err := replies[1].ToString(); err != nil || read != value {
		return 0, fmt.Errorf("%q was read and %q written: %w", read, value, err)
	}
	return replies[2].AsInt64()
}

func report(seen count) { check(json.NewEncoder(os.Stdout).Encode(seen)) }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
