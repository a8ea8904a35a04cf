package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	longPipeline = 500
	patience     = time.Minute // a busy machine
)

// rounds tells the story of tests/proxy/clients.py: through the proxy, with a static password.
func rounds(ctx context.Context) error {
	name := os.Getenv("NAME")
	client := redis.NewClient(&redis.Options{
		Addr:            address(),
		Password:        "a-dummy", // as in the settings of many programs
		MaxRetries:      -1,
		ConnMaxIdleTime: -1,
		DialTimeout:     patience,
		ReadTimeout:     patience,
	})
	if err := client.Del(ctx, "heard:"+name).Err(); err != nil {
		return err
	}
	subscription := client.Subscribe(ctx, "news:"+name)
	if _, err := subscription.Receive(ctx); err != nil {
		return fmt.Errorf("SUBSCRIBE: %w", err)
	}
	failed := make(chan error, 1)
	go func() { failed <- forward(ctx, client, subscription, "heard:"+name) }()
	over := untilInputEnds()
	for count := 0; ; count++ {
		if count > 0 && over.Load() {
			fmt.Printf("{\"rounds\": %d}\n", count)
			return nil
		}
		if err := round(ctx, client, name, count); err != nil {
			return err
		}
		select {
		case err := <-failed:
			return fmt.Errorf("subscription: %w", err)
		default:
		}
		if count == 0 {
			fmt.Println("ready")
		}
	}
}

func untilInputEnds() *atomic.Bool {
	var over atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		over.Store(true)
	}()
	return &over
}

func forward(ctx context.Context, client *redis.Client, subscription *redis.PubSub, list string) error {
	for {
		message, err := subscription.ReceiveMessage(ctx) // connects anew by itself: what is lost then fails the round
		if err != nil {
			return err
		}
		if err := client.RPush(ctx, list, message.Payload).Err(); err != nil {
			return err
		}
	}
}

func round(ctx context.Context, client *redis.Client, name string, number int) error {
	value := strconv.Itoa(number)
	if err := client.Set(ctx, "key:"+name, value, 0).Err(); err != nil {
		return fmt.Errorf("SET: %w", err)
	}
	if read, err := client.Get(ctx, "key:"+name).Result(); err != nil || read != value {
		return fmt.Errorf("GET: %q, %v", read, err)
	}
	pipe := client.Pipeline()
	echoes := make([]*redis.StringCmd, longPipeline)
	for i := range echoes {
		echoes[i] = redis.NewStringCmd(ctx, "echo", fmt.Sprintf("%d.%d", number, i))
		_ = pipe.Process(ctx, echoes[i])
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("pipeline: %w", err)
	}
	for i, echo := range echoes {
		if echo.Val() != fmt.Sprintf("%d.%d", number, i) {
			return fmt.Errorf("pipeline: answer %d is %q", i, echo.Val())
		}
	}
	if heard, err := client.Publish(ctx, "news:"+name, value).Result(); err != nil || heard != 1 {
		return fmt.Errorf("PUBLISH: heard by %d, %v", heard, err)
	}
	if popped, err := client.BLPop(ctx, 20*time.Second, "heard:"+name).Result(); err != nil || popped[1] != value {
		return fmt.Errorf("BLPOP: %q, %v", popped, err)
	}
	if popped, err := client.BLPop(ctx, time.Second, "nothing:"+name).Result(); err != redis.Nil {
		return fmt.Errorf("BLPOP of nothing: %q, %v", popped, err)
	}
	return nil
}
