//! A client's connection: both directions at once, so that a client that sends a lot before it reads is served.

use super::output::FULL;
use bytes::BytesMut;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A read takes as much as there is, and this much at least: a pipeline should not come in pieces.
const READ_SIZE: usize = 16 * 1024;

/// How long a client may take to read the last that it is told.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A stream, with a buffer for what comes in and one for what goes out.
pub(in crate::redis) struct Wire<S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    pub(in crate::redis) input: BytesMut,
    pub(in crate::redis) output: BytesMut,
    /// Something was written that TLS may still hold.
    unflushed: bool,
}

/// What a step did.
pub(in crate::redis) enum Step {
    Received,
    Sent,
}

impl<S: AsyncRead + AsyncWrite> Wire<S> {
    pub(in crate::redis) fn new(stream: S) -> Self {
        let (reader, writer) = split(stream);
        let fresh = || BytesMut::with_capacity(READ_SIZE);
        Self { reader, writer, input: fresh(), output: fresh(), unflushed: false }
    }

    /// Sends what there is to send, or receives if `receives`. An error is also the end of what comes in. Safe to cancel.
    pub(in crate::redis) async fn step(&mut self, receives: bool) -> io::Result<Step> {
        let Self { reader, writer, input, output, unflushed } = self;
        let sends = *unflushed || !output.is_empty();
        if receives {
            input.reserve(READ_SIZE);
        }
        tokio::select! {
            biased;
            sent = send(writer, output, unflushed), if sends => sent.map(|()| Step::Sent),
            read = reader.read_buf(input), if receives => match read? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(Step::Received),
            },
            else => std::future::pending().await,
        }
    }

    /// Whether so much waits to be sent that nothing should be added.
    pub(in crate::redis) fn is_full(&self) -> bool {
        self.output.len() >= FULL
    }

    /// Whether to receive: always while what comes is taken; else until so much waits that it is better left to the sender.
    pub(in crate::redis) fn takes_more(&self, in_use: bool) -> bool {
        in_use || self.input.len() < FULL
    }

    /// Sends everything.
    pub(in crate::redis) async fn flush(&mut self) -> io::Result<()> {
        self.writer.write_all_buf(&mut self.output).await?;
        self.writer.flush().await
    }

    /// Sends everything and says that this was it, to a client that reads it in time.
    pub(in crate::redis) async fn finish(&mut self) -> io::Result<()> {
        let finished = async {
            self.flush().await?;
            self.writer.shutdown().await
        };
        tokio::time::timeout(LAST_WORDS, finished).await?
    }
}

async fn send<W: AsyncWrite + Unpin>(
    writer: &mut W,
    output: &mut BytesMut,
    unflushed: &mut bool,
) -> io::Result<()> {
    if !output.is_empty() {
        writer.write_buf(output).await?;
        *unflushed = true;
    }
    if output.is_empty() {
        writer.flush().await?;
        *unflushed = false;
    }
    Ok(())
}

impl Wire<TlsStream<TcpStream>> {
    /// Closes with a TCP reset.
    pub(in crate::redis) fn reset(self) {
        let stream = self.reader.unsplit(self.writer);
        let _ = stream.get_ref().0.set_zero_linger(); // then closing it sends a reset
    }
}
