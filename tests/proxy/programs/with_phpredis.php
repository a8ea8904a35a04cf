<?php
// phpredis: the rounds of clients.py. PHP has no threads: the subscriber is a process of its own.

const PIPELINE = 500;
$name = getenv('NAME');
[$channel, $heard, $nothing] = ["news:$name", "heard:$name", "nothing:$name"];
set_error_handler(function ($level, $message) { throw new ErrorException($message); });

function connect(): Redis
{
    $redis = new Redis();
    $redis->connect(getenv('REDIS_SOCKET'));
    $redis->auth('a-dummy'); // a static password, as in the settings of many programs
    $redis->setOption(Redis::OPT_READ_TIMEOUT, -1);
    $redis->setOption(Redis::OPT_MAX_RETRIES, 0);
    return $redis;
}

function same(string $what, mixed $expected, mixed $actual): void
{
    if ($expected !== $actual) {
        throw new RuntimeException("$what: " . json_encode($actual) . ' instead of ' . json_encode($expected));
    }
}

function over(): bool
{
    [$read, $write, $except] = [[STDIN], null, null];
    return stream_select($read, $write, $except, 0) === 1;
}

$subscriber = pcntl_fork();
if ($subscriber === 0) {
    $forwarder = connect();
    connect()->subscribe([$channel], function ($redis, $channel, $message) use ($forwarder, $heard) {
        $forwarder->rPush($heard, $message);
    });
    exit(1);
}
try {
    $redis = connect();
    $redis->del($heard);
    while ($redis->publish($channel, 'begin') !== 1) { // until the other process has subscribed
        usleep(10_000);
    }
    same('BLPOP', [$heard, 'begin'], $redis->blPop([$heard], 20));
    for ($rounds = 0; !over(); ) {
        $value = (string) $rounds;
        same('SET', true, $redis->set("key:$name", $value));
        same('GET', $value, $redis->get("key:$name"));
        $pipeline = $redis->pipeline();
        for ($number = 0; $number < PIPELINE; $number++) {
            $pipeline->echo("$rounds.$number");
        }
        same('pipeline', array_map(fn ($number) => "$rounds.$number", range(0, PIPELINE - 1)), $pipeline->exec());
        same('PUBLISH', 1, $redis->publish($channel, $value));
        same('BLPOP', [$heard, $value], $redis->blPop([$heard], 20));
        same('BLPOP of nothing', [], $redis->blPop([$nothing], 1));
        if (++$rounds === 1) {
            echo "ready\n";
        }
    }
    echo json_encode(['rounds' => $rounds]), "\n";
} finally {
    posix_kill($subscriber, SIGKILL);
}
