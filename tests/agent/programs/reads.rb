# Reads the token's file (JSON) at each connect, until it has seen so many tokens: reads.rb FILE HOST PORT CA TOKENS.
# Prints JSON.
require 'json'
require 'openssl'
require 'socket'

file, host, port, ca, wanted = ARGV
context = OpenSSL::SSL::SSLContext.new
context.set_params(ca_file: ca)
seen = {}
connects = 0
while seen.size < wanted.to_i
  secret = JSON.parse(File.read(file))
  abort "expired: #{secret['expires_on']}" if secret['expires_on'] <= Time.now.to_i
  seen[secret['value']] = true
  tcp = TCPSocket.new(host, port.to_i)
  redis = OpenSSL::SSL::SSLSocket.new(tcp, context)
  redis.hostname = host
  redis.sync_close = true
  redis.connect
  { ['AUTH', secret['username'], secret['value']] => '+OK', ['PING'] => '+PONG' }.each do |command, expected|
    redis.write("*#{command.size}\r\n" + command.map { |word| "$#{word.bytesize}\r\n#{word}\r\n" }.join)
    answer = redis.gets.chomp
    abort "#{command[0]}: #{answer}" unless answer == expected
  end
  redis.close
  connects += 1
  sleep 0.1
end
puts JSON.generate(connects: connects, tokens: seen.size)
