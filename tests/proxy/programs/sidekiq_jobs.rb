# Sidekiq 6: the enqueuer, which starts a worker. Not the rounds of clients.py: a round is jobs that are all done, once each.
require 'json'
require 'sidekiq'

Redis.sadd_returns_boolean = false # without it redis-rb 4.8 warns of what Sidekiq 6.4 does

class Job
  include Sidekiq::Job
  sidekiq_options retry: false

  def perform(number)
    Sidekiq.redis { |redis| redis.rpush('sidekiq:done', number) }
  end
end

return unless $PROGRAM_NAME == __FILE__ # the worker needs the class alone

MANY = 50
$stdout.sync = true
Thread.abort_on_exception = true

def redis(&block)
  Sidekiq.redis(&block)
end

redis { |connection| connection.del('sidekiq:done', 'queue:default') }
said, log = IO.pipe
# setpriv: it ends with this process, whatever becomes of that.
command = ['setpriv', '--pdeathsig', 'TERM', 'sidekiq', '-r', __FILE__, '-c', '2']
worker = Process.spawn(*command, %i[out err] => log)
log.close
Thread.new do
  said.each_line do |line|
    # That a round trip took long is said of a busy machine.
    next unless line =~ /\b(WARN|ERROR|FATAL)\b|Error/ && line !~ /extremely poorly/

    warn "the worker: #{line}"
    exit!(1)
  end
end
over = false
Thread.new do
  $stdin.read
  over = true
end
rounds = 0
until over
  numbers = Array.new(MANY) { |number| rounds * MANY + number }
  Job.perform_async(numbers.first)
  Sidekiq::Client.push_bulk('class' => Job, 'args' => numbers.drop(1).map { |number| [number] })
  done = numbers.map { redis { |connection| connection.blpop('sidekiq:done', timeout: 60) }&.last.to_i }
  raise "done are #{done.sort} instead of #{numbers}" unless done.sort == numbers

  redis { |connection| connection.blpop('nothing:sidekiq', timeout: 1) }
  rounds += 1
  puts 'ready' if rounds == 1
end
Process.kill('TERM', worker)
_, status = Process.wait2(worker)
raise "the worker ended with #{status}" unless status.success?

puts({ rounds: rounds }.to_json)
