package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const keysOfAllNodes = 20

// clusterRounds tells the story of tests/proxy/test_cluster.py: through the proxy, with a static password.
func clusterRounds(ctx context.Context) error {
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs:    []string{net.JoinHostPort("127.0.0.1", os.Getenv("REDIS_PORT"))},
		Password: "a-dummy", // as in the settings of many programs
		// By itself it asks once a minute where the nodes are, and not when one has gone: redis/go-redis#3979.
		ClusterStateReloadInterval: time.Second,
		MaxRedirects:               16,
	})
	over := untilInputEnds()
	count := 0
	for !over.Load() {
		if err := clusterRound(ctx, client, strconv.Itoa(count)); err != nil {
			return err
		}
		count++
		fmt.Println(count)
	}
	places, err := places(ctx, client)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"rounds": count, "places": places})
}

func clusterRound(ctx context.Context, client *redis.ClusterClient, value string) error {
	for i := range keysOfAllNodes {
		key := fmt.Sprintf("%s:%d", os.Getenv("NAME"), i)
		if err := client.Set(ctx, key, value, 0).Err(); err != nil {
			return fmt.Errorf("SET %s: %w", key, err)
		}
		if read, err := client.Get(ctx, key).Result(); err != nil || read != value {
			return fmt.Errorf("GET %s: %q instead of %q, %w", key, read, value, err)
		}
	}
	return nil
}

// places says where it believes the nodes to be.
func places(ctx context.Context, client *redis.ClusterClient) ([]string, error) {
	var mutex sync.Mutex
	var found []string
	err := client.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mutex.Lock()
		defer mutex.Unlock()
		found = append(found, node.Options().Addr)
		return nil
	})
	sort.Strings(found)
	return found, err
}
