package entrakey.redisson;

import entrakey.Connection;
import entrakey.Token;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import java.util.concurrent.TimeUnit;
import org.redisson.client.RedisConnection;
import org.redisson.client.RedisRetryException;
import org.redisson.client.handler.CommandPubSubDecoder;
import org.redisson.client.protocol.CommandData;
import org.redisson.client.protocol.QueueCommand;
import org.redisson.client.protocol.RedisCommands;

/**
 * One connection of Redisson's: sees its AUTH and the answer, and sends AUTH when there is a new token.
 *
 * <p>Redisson would do so itself when {@code nextRenewal} completes, and does three things that this one does not: it closes the connection on
 * which a blocking command waits, and with it loses an element that is on its way; it closes a connection that was refused the new token
 * and still has the old one; and a connection that asks too late hears of the token after the next. All of it runs on the event
 * loop of the connection.
 */
final class RedissonChannel extends ChannelDuplexHandler {
    /** Redisson's own. */
    private static final long RETRY_SECONDS = 1;

    private final RedissonConnections connections;
    private Channel channel;
    private Connection connection;
    /** The AUTH that was seen last: Redisson writes one for a subscriber twice. */
    private CommandData<?, ?> authentication;
    private long sent;

    RedissonChannel(RedissonConnections connections) {
        this.connections = connections;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        channel = context.channel();
        channel.closeFuture().addListener(closed -> close());
    }

    @Override
    public void channelRegistered(ChannelHandlerContext context) throws Exception {
        if (channel.pipeline().get(CommandPubSubDecoder.class) != null) {
            channel.pipeline().replace(
                    CommandPubSubDecoder.class,
                    "entrakey-decoder",
                    new OneReplyAtATimeDecoder(RedisConnection.getFrom(channel).getRedisClient().getConfig()));
        }
        super.channelRegistered(context);
    }

    /** Redisson says so after the handshake. */
    @Override
    public void channelActive(ChannelHandlerContext context) throws Exception {
        connections.add(this);
        super.channelActive(context);
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        if (message instanceof CommandData && message != authentication) {
            CommandData<?, ?> command = (CommandData<?, ?>) message;
            if (RedisCommands.AUTH.getName().equals(command.getCommand().getName())) {
                authenticates(command);
            }
        }
        super.write(context, message, promise);
    }

    private void authenticates(CommandData<?, ?> command) {
        Object[] parameters = command.getParams();
        long version = connections.versionOf(parameters[parameters.length - 1]);
        if (version == 0) {
            return; // a password of the address
        }
        authentication = command;
        sent = version;
        if (connection == null) {
            connection = connections.opened(version);
        }
        command.getPromise().whenComplete((answer, error) -> onLoop(() -> answered(version, error)));
    }

    private void answered(long version, Throwable error) {
        if (error == null) {
            connection.authenticated(version);
            renew(); // a token that was announced in between
        } else if (!connections.refused(connection, version, reason(error)) && channel.isActive()) {
            sent = 0;
            if (error instanceof RedisRetryException) {
                channel.eventLoop().schedule(this::renewNow, RETRY_SECONDS, TimeUnit.SECONDS);
            } else if (isBlocked()) {
                renewNow(); // the AUTH waits behind a blocking command: when that has ended
            } else {
                channel.close(); // Redisson connects again, with the newest token
            }
        }
    }

    private boolean isBlocked() {
        QueueCommand current = RedisConnection.getFrom(channel).getCurrentCommandData();
        return current != null && current.isBlockingCommand() && !current.isExecuted();
    }

    /** Redisson adds which channel and command it was. */
    private static String reason(Throwable error) {
        String message = String.valueOf(error.getMessage());
        int added = message.indexOf(". channel: ");
        return added < 0 ? message : message.substring(0, added);
    }

    /** Sends the announced token, if this connection is on an older one. */
    void renew() {
        onLoop(this::renewNow);
    }

    private void renewNow() {
        Token token = connections.announced();
        if (token == null || connection == null || sent >= token.version() || !connection.isBehind(token.version())) {
            return;
        }
        RedisConnection redis = RedisConnection.getFrom(channel);
        if (isBlocked()) {
            ((CommandData<?, ?>) redis.getCurrentCommandData()).getPromise().whenComplete((answer, error) -> renew());
            return;
        }
        sent = token.version();
        redis.async(RedisCommands.AUTH, token.username(), token.secret());
    }

    private void close() {
        connections.remove(this);
        if (connection != null) {
            connection.close();
        }
    }

    private void onLoop(Runnable task) {
        if (channel.eventLoop().inEventLoop()) {
            task.run();
        } else if (!channel.eventLoop().isShuttingDown()) {
            channel.eventLoop().execute(task);
        }
    }
}
