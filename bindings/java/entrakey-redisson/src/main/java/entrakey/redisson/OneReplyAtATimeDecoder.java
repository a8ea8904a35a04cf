package entrakey.redisson;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import org.redisson.client.RedisClientConfig;
import org.redisson.client.handler.CommandPubSubDecoder;
import org.redisson.client.handler.State;
import org.redisson.client.protocol.QueueCommand;

/**
 * Redisson's decoder of subscribers, which while it waits for an answer reads all that has come at once. If the answer is among it and a
 * message is cut at the end, the decoder begins again at that message, takes it for the answer that it has had, and drops it. Here it
 * gets one whole reply at a time.
 */
final class OneReplyAtATimeDecoder extends CommandPubSubDecoder {
    OneReplyAtATimeDecoder(RedisClientConfig config) {
        super(config);
    }

    @Override
    protected void decodeCommand(Channel channel, ByteBuf in, QueueCommand data, int endIndex, State state) throws Exception {
        if (data == null) { // no answer is waited for, and what is cut is read again
            super.decodeCommand(channel, in, null, endIndex, state);
            return;
        }
        ByteBuf reply = in.readSlice(endIndex - in.readerIndex());
        super.decodeCommand(channel, reply, data, reply.writerIndex(), state);
    }
}
