package entrakeygoredis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/emulator"
	"entrakey.invalid/go/entrakeygoredis"
	"github.com/redis/go-redis/v9"
)

// patient is what a client waits on a busy machine.
const patient = time.Minute

// lifetime of the tokens: a machine on which a process stands still for a third of it makes errors of its own.
const lifetime = 12 * time.Second

// long is how long the clients run through the rotations of their tokens: ENTRAKEY_TEST_SECONDS.
func long() time.Duration {
	if seconds, err := strconv.Atoi(os.Getenv("ENTRAKEY_TEST_SECONDS")); err == nil {
		return time.Duration(seconds) * time.Second
	}
	return 40 * time.Second
}

func counters(t *testing.T, provider *entrakey.Provider, into any) {
	t.Helper()
	var status struct{ Counters json.RawMessage }
	said, err := provider.Status()
	if err == nil {
		err = json.Unmarshal(said, &status)
	}
	if err == nil {
		err = json.Unmarshal(status.Counters, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// use is one way to use a client, again and again; an error ends the test.
type use struct {
	name string
	once func(ctx context.Context, round int) error
}

func TestEveryUseOutlivesItsTokens(t *testing.T) {
	single := azure(t, "--token-lifetime="+lifetime.String(), "--access-keys") // which its Sentinel takes
	nodes := azure(t, "--token-lifetime="+lifetime.String(), "--cluster-policy=oss")
	provider, ofNodes := providerOf(t, single, ""), providerOf(t, nodes, "")
	config, err := single.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	ofCluster, err := nodes.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	loopback := func(ctx context.Context, network, address string) (net.Conn, error) { // what nodes call themselves
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return redis.NewDialer(&redis.Options{TLSConfig: ofCluster, DialTimeout: patient})(ctx, network, net.JoinHostPort("localhost", port))
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	standalone := func(protocol int) *redis.Client {
		options := optionsOf(t, single)
		options.PoolSize, options.Protocol = 4, protocol
		return clientOf(t, options, provider)
	}
	resp3, resp2 := standalone(3), standalone(2)

	ringOptions := &redis.RingOptions{Addrs: map[string]string{"only": single.RedisAddress()}, TLSConfig: config, MaxRetries: -1, ReadTimeout: patient, DialTimeout: patient, PoolTimeout: patient}
	must(entrakeygoredis.ConfigureRing(ringOptions, provider))
	ring := redis.NewRing(ringOptions)
	defer ring.Close()
	failoverOptions := &redis.FailoverOptions{MasterName: "mymaster", SentinelAddrs: []string{single.RedisAddress()}, SentinelPassword: accessKey(t, single),
		TLSConfig: config, MaxRetries: -1, ReadTimeout: patient, DialTimeout: patient, PoolTimeout: patient}
	must(entrakeygoredis.ConfigureFailover(failoverOptions, provider))
	failover := redis.NewFailoverClient(failoverOptions)
	defer failover.Close()
	universalOptions := &redis.UniversalOptions{Addrs: []string{single.RedisAddress()}, TLSConfig: config, MaxRetries: -1, ReadTimeout: patient, DialTimeout: patient, PoolTimeout: patient}
	must(entrakeygoredis.ConfigureUniversal(universalOptions, provider))
	universal := redis.NewUniversalClient(universalOptions)
	defer universal.Close()
	clusterOptions := &redis.ClusterOptions{Addrs: []string{nodes.RedisAddress()}, Dialer: loopback, ReadTimeout: patient, DialTimeout: patient, PoolTimeout: patient}
	must(entrakeygoredis.ConfigureCluster(clusterOptions, ofNodes))
	cluster := redis.NewClusterClient(clusterOptions)
	defer cluster.Close()

	set := func(client redis.Cmdable, key string) func(context.Context, int) error {
		return func(ctx context.Context, round int) error {
			if err := client.Set(ctx, key, round, 0).Err(); err != nil {
				return err
			}
			if read, err := client.Get(ctx, key).Int(); err != nil || read != round {
				return fmt.Errorf("GET: %d, %w", read, err)
			}
			return nil
		}
	}
	first := func(name string, client *redis.Client) []use { // Watch and Conn, which are first on a new connection at times
		return []use{
			{name + ", Watch", func(ctx context.Context, round int) error {
				key := name + ":watched"
				return client.Watch(ctx, func(tx *redis.Tx) error {
					_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error { return pipe.Set(ctx, key, round, 0).Err() })
					return err
				}, key)
			}},
			{name + ", Conn", func(ctx context.Context, round int) error {
				conn := client.Conn()
				defer conn.Close()
				return conn.Set(ctx, name+":conn", round, 0).Err()
			}},
		}
	}
	uses := []use{
		{"pool, RESP3", set(resp3, "resp3")}, {"pool, RESP2", set(resp2, "resp2")},
		{"ring", set(ring, "ring")}, {"fail-over", set(failover, "failover")}, {"universal", set(universal, "universal")},
		{"pipeline", func(ctx context.Context, round int) error {
			_, err := resp3.Pipelined(ctx, func(pipe redis.Pipeliner) error {
				for i := range 50 {
					pipe.Set(ctx, fmt.Sprint("pipeline:", i), round, 0)
				}
				return nil
			})
			return err
		}},
	}
	uses = append(uses, first("resp3", resp3)...)
	uses = append(uses, first("failover", failover)...)
	for i := range 8 {
		uses = append(uses, use{fmt.Sprint("cluster ", i), set(cluster, fmt.Sprint("cluster:", i))})
	}

	ctx, stop := context.WithTimeout(t.Context(), long())
	defer stop()
	var running sync.WaitGroup
	for _, use := range uses {
		running.Go(func() {
			rounds := 0
			for ; ctx.Err() == nil; rounds++ {
				if err := use.once(t.Context(), rounds); err != nil {
					t.Errorf("%s, round %d: %v", use.name, rounds, err)
					return
				}
				time.Sleep(20 * time.Millisecond) // the pace of a program, and a pool's connections are idle at times
			}
			t.Logf("%s: %d rounds", use.name, rounds)
		})
	}
	subscribers := map[string]struct {
		published *redis.Client
		publish   func(context.Context, string) error
		heard     *redis.PubSub
		mayLose   bool
	}{}
	channel := func(name string, client interface {
		Subscribe(context.Context, ...string) *redis.PubSub
		Publish(context.Context, string, any) *redis.IntCmd
	}, mayLose bool) {
		entry := subscribers[name]
		entry.heard, entry.mayLose = client.Subscribe(t.Context(), name), mayLose
		entry.publish = func(ctx context.Context, message string) error { return client.Publish(ctx, name, message).Err() }
		subscribers[name] = entry
	}
	channel("RESP3", resp3, false)
	channel("RESP2", resp2, true)
	channel("of the cluster", cluster, false)
	channel("of the fail-over", failover, false)
	sharded := subscribers["sharded"]
	sharded.heard = cluster.SSubscribe(t.Context(), "sharded")
	sharded.publish = func(ctx context.Context, message string) error {
		return cluster.SPublish(ctx, "sharded", message).Err()
	}
	subscribers["sharded"] = sharded
	for name, subscriber := range subscribers {
		defer subscriber.heard.Close()
		_, err := subscriber.heard.Receive(t.Context())
		must(err)
		running.Go(func() {
			var received atomic.Int64
			messages := subscriber.heard.Channel(redis.WithChannelSize(10_000))
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				expected := 0
				for message := range messages {
					if message.Payload == "end" {
						return
					}
					if number, err := strconv.Atoi(message.Payload); err != nil || number != expected && !subscriber.mayLose {
						t.Errorf("%s: message %s instead of %d", name, message.Payload, expected)
						return
					}
					expected++
					received.Add(1)
				}
			}()
			sent := 0
			for ; ctx.Err() == nil; sent++ {
				if err := subscriber.publish(t.Context(), strconv.Itoa(sent)); err != nil {
					t.Errorf("%s, PUBLISH %d: %v", name, sent, err)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			for { // one that reconnects at this moment misses it
				must := subscriber.publish(t.Context(), "end")
				select {
				case <-ended:
					t.Logf("%s: %d of %d messages", name, received.Load(), sent)
					// How long a connect takes is the machine's affair; one that did not come back has heard a quarter.
					if lost := int64(sent) - received.Load(); lost != 0 && !subscriber.mayLose || lost > int64(sent/2) {
						t.Errorf("%s: %d of %d messages are lost", name, lost, sent)
					}
					return
				case <-time.After(100 * time.Millisecond):
				}
				if must != nil {
					t.Errorf("%s: %v", name, must)
					return
				}
			}
		})
	}
	running.Wait()
	for name, provider := range map[string]*entrakey.Provider{"single": provider, "cluster": ofNodes} {
		if version := provider.Version(); version < uint64(long()/lifetime) {
			t.Errorf("%s: only %d tokens", name, version)
		}
		var seen struct {
			Accepted int `json:"reauths_accepted"`
			Rejected int `json:"reauths_rejected"`
		}
		counters(t, provider, &seen)
		if seen.Rejected != 0 || seen.Accepted == 0 {
			t.Errorf("%s: %+v", name, seen)
		}
	}
	for _, client := range []interface{ Close() error }{resp3, resp2, ring, failover, universal, cluster} {
		_ = client.Close()
	}
	for _, subscriber := range subscribers {
		_ = subscriber.heard.Close()
	}
	for _, provider := range []*entrakey.Provider{provider, ofNodes} {
		nothingIsLeft(t, provider)
	}
}

// accessKey is one of the emulator's, for a Sentinel: it ends with no token.
func accessKey(t *testing.T, of *emulator.Emulator) string {
	t.Helper()
	var said struct{ Keys []string }
	if err := of.Control(http.MethodGet, "/emulator/redis/access_keys", nil, &said); err != nil || len(said.Keys) == 0 {
		t.Fatal("no access key: ", err)
	}
	return said.Keys[0]
}

// nothingIsLeft of clients that were closed. A goroutine that waited for news may be about to notice.
func nothingIsLeft(t *testing.T, provider *entrakey.Provider) {
	t.Helper()
	var status struct {
		Listeners struct{ Count, Connections int }
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		said, err := provider.Status()
		if err == nil {
			err = json.Unmarshal(said, &status)
		}
		if err != nil {
			t.Fatal(err)
		}
		if status.Listeners.Connections == 0 && status.Listeners.Count == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("clients that are gone have left %+v behind", status.Listeners)
		}
	}
}
