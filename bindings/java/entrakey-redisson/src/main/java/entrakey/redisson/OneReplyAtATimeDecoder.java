package entrakey.redisson;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import org.redisson.client.RedisClientConfig;
import org.redisson.client.handler.CommandPubSubDecoder;
import org.redisson.client.handler.State;
import org.redisson.client.protocol.QueueCommand;

/**
 * Redisson's decoder of subscribers loses messages while it waits for the answer to an AUTH. It converts the parts of a message as it would
 * convert the answer, to nothing; and it reads all that has come at once, so that if the answer is among it and a message is cut at the
 * end, it begins again at that message, takes it for the answer that it has had, and drops it. Here it gets one whole reply at a
 * time, and messages without the command that waits.
 */
final class OneReplyAtATimeDecoder extends CommandPubSubDecoder {
    /** RESP3's sign of what is no answer. */
    private static final byte PUSH = '>';

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
        if (reply.getByte(reply.readerIndex()) == PUSH) {
            decode(reply, null, null, channel, false, null, 0, state);
        } else {
            super.decodeCommand(channel, reply, data, reply.writerIndex(), state);
        }
    }
}
