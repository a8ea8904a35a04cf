//! A connection to the server behind.

use super::replies;
use crate::redis::connection::Wire;
use bytes::{Bytes, BytesMut};
use std::io;
use tokio::net::TcpStream;

/// Sends requests and takes replies apart.
pub(super) struct Upstream {
    pub(super) wire: Wire<TcpStream>,
    /// RESP 2 or 3.
    pub(super) protocol: u8,
    /// How much of the first reply in the buffer has been looked through.
    progress: replies::Progress,
}

impl Upstream {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { wire: Wire::new(stream), protocol: 2, progress: replies::Progress::default() }
    }

    /// Puts a request behind those that wait to be sent.
    pub(super) fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        write_request(words, &mut self.wire.output);
    }

    /// The next complete reply, as it came.
    pub(super) fn next(&mut self) -> io::Result<Option<Bytes>> {
        let found = self.progress.length(&self.wire.input);
        let found = found.map_err(|()| io::Error::other("what the server behind says is no reply"))?;
        Ok(found.map(|length| {
            self.progress = replies::Progress::default();
            self.wire.input.split_to(length).freeze()
        }))
    }

    /// Asks one thing and waits for its answer; an error is what the server says. For a connection on which
    /// nothing else is going on.
    pub(super) async fn ask(&mut self, words: &[&[u8]]) -> Result<Bytes, String> {
        self.send(words);
        let reply = loop {
            match self.next() {
                Ok(Some(reply)) => break reply,
                Ok(None) => _ = self.wire.step(true).await.map_err(|error| error.to_string())?,
                Err(error) => return Err(error.to_string()),
            }
        };
        match reply.strip_prefix(b"-") {
            Some(error) => {
                Err(format!("the server behind says: {}", String::from_utf8_lossy(error).trim_end()))
            }
            None => Ok(reply),
        }
    }
}

fn write_request<W: AsRef<[u8]>>(words: &[W], out: &mut BytesMut) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        let word = word.as_ref();
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}
