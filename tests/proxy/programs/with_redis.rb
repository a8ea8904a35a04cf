# redis-rb 4: the rounds of clients.py.
require 'json'
require 'redis'

PIPELINE = 500
NAME = ENV.fetch('NAME')
CHANNEL = "news:#{NAME}"
HEARD = "heard:#{NAME}"
Thread.report_on_exception = true
Thread.abort_on_exception = true
$stdout.sync = true

def connect
  # A static password, as in the settings of many programs; a connection that is dropped is an error.
  Redis.new(host: ENV.fetch('REDIS_HOST'), port: ENV.fetch('REDIS_PORT').to_i, password: 'a-dummy', reconnect_attempts: 0)
end

def same(what, expected, actual)
  raise "#{what}: #{actual.inspect} instead of #{expected.inspect}" unless expected == actual
end

redis = connect
redis.del(HEARD)
subscribed = Queue.new
Thread.new do
  forwarder = connect
  connect.subscribe_with_timeout(3600, CHANNEL) do |on|
    on.subscribe { subscribed << true }
    on.message { |_, message| forwarder.rpush(HEARD, message) }
  end
end
subscribed.pop
over = false
Thread.new do
  $stdin.read
  over = true
end
rounds = 0
until over
  value = rounds.to_s
  same('SET', 'OK', redis.set("key:#{NAME}", value))
  same('GET', value, redis.get("key:#{NAME}"))
  answers = redis.pipelined { |pipeline| PIPELINE.times { |number| pipeline.echo("#{rounds}.#{number}") } }
  same('pipeline', Array.new(PIPELINE) { |number| "#{rounds}.#{number}" }, answers)
  same('PUBLISH', 1, redis.publish(CHANNEL, value))
  same('BLPOP', [HEARD, value], redis.blpop(HEARD, timeout: 20))
  same('BLPOP of nothing', nil, redis.blpop("nothing:#{NAME}", timeout: 1))
  rounds += 1
  puts 'ready' if rounds == 1
end
puts({ rounds: rounds }.to_json)
exit!(0) # the subscriber still listens
