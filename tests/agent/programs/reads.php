<?php
// Reads the token's file at each connect, as a request would, until it has seen so many tokens:
// reads.php FILE HOST PORT CA USERNAME TOKENS. Prints JSON.
[, $file, $host, $port, $ca, $username, $wanted] = $argv;
$seen = [];
$connects = 0;
while (count($seen) < (int) $wanted) {
    $token = file_get_contents($file);
    if ($token === false || $token === '' || $token !== trim($token)) {
        fwrite(STDERR, "no whole token in $file\n");
        exit(1);
    }
    $seen[hash('sha256', $token)] = true;
    $context = stream_context_create(['ssl' => ['cafile' => $ca, 'peer_name' => $host]]);
    $redis = stream_socket_client("tls://$host:$port", $code, $why, 30, STREAM_CLIENT_CONNECT, $context);
    foreach ([['AUTH', $username, $token], ['PING']] as $command) {
        $text = '*' . count($command) . "\r\n";
        foreach ($command as $word) {
            $text .= '$' . strlen($word) . "\r\n$word\r\n";
        }
        fwrite($redis, $text);
        $answer = rtrim(fgets($redis));
        if ($answer !== ($command[0] === 'PING' ? '+PONG' : '+OK')) {
            fwrite(STDERR, "$command[0]: $answer\n");
            exit(1);
        }
    }
    fclose($redis);
    $connects++;
    usleep(100000);
}
echo json_encode(['connects' => $connects, 'tokens' => count($seen)]), "\n";
