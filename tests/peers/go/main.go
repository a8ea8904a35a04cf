// A stock go-redis client against the emulator: peer standalone|cluster; or through the proxy: peer rounds|cluster-rounds.
// Or a token by azidentity, as the environment has a managed identity: peer token
//
// Address, certificate and credentials come from REDIS_HOST, REDIS_PORT, REDIS_CA_FILE, REDIS_USERNAME and
// REDIS_TOKEN. Prints the number of commands that it checked; the first that goes wrong ends it.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

const limit = 30 * time.Second

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if len(os.Args) == 2 { // for as long as it is asked to
		switch os.Args[1] {
		case "rounds":
			end(rounds(context.Background()))
			return
		case "cluster-rounds":
			end(clusterRounds(context.Background()))
			return
		case "token":
			end(printToken(ctx, os.Getenv("USER_ASSIGNED_CLIENT_ID")))
			return
		}
	}
	checked, err := run(ctx, os.Args[1:])
	end(err)
	fmt.Println(checked)
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) (int, error) {
	if len(arguments) != 1 {
		return 0, errors.New("usage: peer standalone|cluster|rounds|cluster-rounds|token")
	}
	config, err := trusting(os.Getenv("REDIS_CA_FILE"))
	if err != nil {
		return 0, err
	}
	switch arguments[0] {
	case "standalone":
		return standalone(ctx, config)
	case "cluster":
		return cluster(ctx, config)
	}
	return 0, fmt.Errorf("no such mode: %s", arguments[0])
}

func trusting(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", file)
	}
	// For every node: a cluster announces addresses that are in nobody's certificate.
	return &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}, nil
}

// dialer refuses whatever would leave loopback; a cluster's announced nodes are on it under the port they announce.
func dialer(config *tls.Config, host func(string) string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		name, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		name = host(name)
		if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, fmt.Errorf("%s is not loopback", name)
		}
		dial := tls.Dialer{Config: config}
		return dial.DialContext(ctx, network, net.JoinHostPort(name, port))
	}
}

func address() string {
	return net.JoinHostPort(os.Getenv("REDIS_HOST"), os.Getenv("REDIS_PORT"))
}

func standalone(ctx context.Context, config *tls.Config) (int, error) {
	checked := 0
	for _, protocol := range []int{2, 3} { // 3 begins with HELLO 3 AUTH, 2 with AUTH
		client := redis.NewClient(&redis.Options{
			Addr:        address(),
			Username:    os.Getenv("REDIS_USERNAME"),
			Password:    os.Getenv("REDIS_TOKEN"),
			Protocol:    protocol,
			Dialer:      dialer(config, func(host string) string { return host }),
			MaxRetries:  -1,
			ReadTimeout: limit,
		})
		for _, check := range []func(context.Context, *redis.Client) (int, error){simple, pipelined, published, wrong} {
			count, err := check(ctx, client)
			if err != nil {
				return checked, fmt.Errorf("RESP%d: %w", protocol, err)
			}
			checked += count
		}
		if err := client.Close(); err != nil {
			return checked, err
		}
	}
	return checked, nil
}

func simple(ctx context.Context, client *redis.Client) (int, error) {
	if pong, err := client.Ping(ctx).Result(); err != nil || pong != "PONG" {
		return 0, fmt.Errorf("PING: %q, %v", pong, err)
	}
	if err := client.Set(ctx, "peers:go", "value", 0).Err(); err != nil {
		return 0, fmt.Errorf("SET: %w", err)
	}
	if value, err := client.Get(ctx, "peers:go").Result(); err != nil || value != "value" {
		return 0, fmt.Errorf("GET: %q, %v", value, err)
	}
	if _, err := client.Get(ctx, "peers:go:nothing").Result(); !errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("GET of nothing: %v", err)
	}
	return 4, nil
}

func pipelined(ctx context.Context, client *redis.Client) (int, error) {
	const many = 100
	pipe := client.Pipeline()
	reads := make([]*redis.StringCmd, many)
	for i := range reads {
		key, value := fmt.Sprintf("peers:go:%d", i), fmt.Sprint(i)
		pipe.Set(ctx, key, value, 0)
		reads[i] = pipe.Get(ctx, key)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, fmt.Errorf("pipeline: %w", err)
	}
	for i, read := range reads {
		if read.Val() != fmt.Sprint(i) {
			return 0, fmt.Errorf("pipeline: answer %d is %q", i, read.Val())
		}
	}
	return 2 * many, nil
}

func published(ctx context.Context, client *redis.Client) (int, error) {
	subscription := client.Subscribe(ctx, "peers:go:news")
	defer subscription.Close()
	if _, err := subscription.Receive(ctx); err != nil {
		return 0, fmt.Errorf("SUBSCRIBE: %w", err)
	}
	if heard, err := client.Publish(ctx, "peers:go:news", "news").Result(); err != nil || heard != 1 {
		return 0, fmt.Errorf("PUBLISH: heard by %d, %v", heard, err)
	}
	message, err := subscription.ReceiveMessage(ctx)
	if err != nil || message.Payload != "news" {
		return 0, fmt.Errorf("the message: %v, %v", message, err)
	}
	return 3, nil
}

// wrong shows that the credentials are what lets the others in.
func wrong(ctx context.Context, client *redis.Client) (int, error) {
	options := *client.Options()
	options.Password = "not a token"
	stranger := redis.NewClient(&options)
	defer stranger.Close()
	if err := stranger.Ping(ctx).Err(); err == nil {
		return 0, errors.New("a stranger was let in")
	}
	return 1, nil
}
