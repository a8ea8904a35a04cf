package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"sync"

	"github.com/redis/go-redis/v9"
)

// slotsPerKey: a key in every 32 of the 16384 slots, so that no node is left out.
const slotsPerKey = 32

func cluster(ctx context.Context, config *tls.Config) (int, error) {
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs:       []string{address()},
		Username:    os.Getenv("REDIS_USERNAME"),
		Password:    os.Getenv("REDIS_TOKEN"),
		Dialer:      dialer(config, func(string) string { return "localhost" }),
		ReadTimeout: limit,
	})
	defer client.Close()
	keys, err := spread(ctx, client)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		if err := client.Set(ctx, key, "of "+key, 0).Err(); err != nil {
			return 0, fmt.Errorf("SET %s: %w", key, err)
		}
	}
	pipe := client.Pipeline() // sorted by node, sent at once
	reads := make([]*redis.StringCmd, len(keys))
	for i, key := range keys {
		reads[i] = pipe.Get(ctx, key)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, fmt.Errorf("pipeline: %w", err)
	}
	for i, read := range reads {
		if read.Val() != "of "+keys[i] {
			return 0, fmt.Errorf("GET %s: %q", keys[i], read.Val())
		}
	}
	return 2 * len(keys), everyNodeHasSome(ctx, client, len(keys))
}

// spread finds a key for each stretch of slots, by the server's own CLUSTER KEYSLOT.
func spread(ctx context.Context, client *redis.ClusterClient) ([]string, error) {
	const stretches = 16384 / slotsPerKey
	found := make(map[int64]string, stretches)
	for i := 0; len(found) < stretches; i += 1000 {
		pipe := client.Pipeline()
		slots := make([]*redis.IntCmd, 1000)
		for j := range slots {
			slots[j] = pipe.ClusterKeySlot(ctx, fmt.Sprintf("peers:go:%d", i+j))
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return nil, fmt.Errorf("CLUSTER KEYSLOT: %w", err)
		}
		for j, slot := range slots {
			found[slot.Val()/slotsPerKey] = fmt.Sprintf("peers:go:%d", i+j)
		}
	}
	keys := make([]string, 0, stretches)
	for _, key := range found {
		keys = append(keys, key)
	}
	return keys, nil
}

func everyNodeHasSome(ctx context.Context, client *redis.ClusterClient, keys int) error {
	var mutex sync.Mutex
	total, nodes := 0, 0
	err := client.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		size, err := node.DBSize(ctx).Result()
		if err == nil && size == 0 {
			err = fmt.Errorf("nothing is on %s", node.Options().Addr)
		}
		mutex.Lock()
		defer mutex.Unlock()
		total, nodes = total+int(size), nodes+1
		return err
	})
	if err == nil && (nodes < 2 || total < keys) {
		err = fmt.Errorf("%d nodes have %d of %d keys", nodes, total, keys)
	}
	return err
}
