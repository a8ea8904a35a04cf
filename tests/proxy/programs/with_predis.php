<?php
// Predis: the rounds of clients.py. PHP has no threads: the subscriber is a process of its own.

require 'Predis/Autoloader.php';
Predis\Autoloader::register();

const PIPELINE = 500;
$name = getenv('NAME');
[$channel, $heard, $nothing] = ["news:$name", "heard:$name", "nothing:$name"];
set_error_handler(function ($level, $message) { throw new ErrorException($message); });


function connect(): Predis\Client
{
    $where = ['host' => getenv('REDIS_HOST'), 'port' => getenv('REDIS_PORT'), 'read_write_timeout' => 0];
    return new Predis\Client($where + ['password' => 'a-dummy']); // as in the settings of many programs
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
    $subscription = connect()->pubSubLoop();
    $subscription->subscribe($channel);
    foreach ($subscription as $message) {
        if ($message->kind === 'message') {
            $forwarder->rpush($heard, [$message->payload]);
        }
    }
    exit(1);
}
try {
    $redis = connect();
    $redis->del($heard);
    while ($redis->publish($channel, 'begin') !== 1) { // until the other process has subscribed
        usleep(10_000);
    }
    same('BLPOP', [$heard, 'begin'], $redis->blpop([$heard], 20));
    for ($rounds = 0; !over(); ) {
        $value = (string) $rounds;
        same('SET', 'OK', $redis->set("key:$name", $value)->getPayload());
        same('GET', $value, $redis->get("key:$name"));
        $pipeline = $redis->pipeline();
        for ($number = 0; $number < PIPELINE; $number++) {
            $pipeline->echo("$rounds.$number");
        }
        same('pipeline', array_map(fn ($number) => "$rounds.$number", range(0, PIPELINE - 1)), $pipeline->execute());
        same('PUBLISH', 1, $redis->publish($channel, $value));
        same('BLPOP', [$heard, $value], $redis->blpop([$heard], 20));
        same('BLPOP of nothing', null, $redis->blpop([$nothing], 1));
        if (++$rounds === 1) {
            echo "ready\n";
        }
    }
    echo json_encode(['rounds' => $rounds]), "\n";
} finally {
    posix_kill($subscriber, SIGKILL);
}
