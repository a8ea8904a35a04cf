//! Ends a command that waits on one connection, from another one of the same user to the same node.

use crate::blocked::UnblockAnswer;
use crate::credentials::Credentials;
use crate::dial;
use crate::stream::Stream;
use crate::upstream::Upstream;
use crate::wire;
use memchr::memmem;
use std::io;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, timeout_at};

/// What is to be ended.
pub(crate) struct Waiting {
    pub(crate) id: u64,
    /// The streams whose last entry it waits behind.
    pub(crate) streams: Vec<Vec<u8>>,
}

/// None if that could not be done.
pub(crate) async fn unblock(
    upstream: &Upstream,
    address: SocketAddr,
    credentials: &Credentials,
    waiting: Waiting,
) -> Option<UnblockAnswer> {
    let deadline = Instant::now() + upstream.connect_timeout;
    let mut stream = dial::connect_to(upstream, address, deadline).await.ok()?;
    let asked = timeout_at(deadline, ask(&mut stream, credentials, &waiting)).await;
    asked.ok()?.ok()?
}

async fn ask(
    stream: &mut Stream,
    credentials: &Credentials,
    waiting: &Waiting,
) -> io::Result<Option<UnblockAnswer>> {
    if dial::sign_in(stream, credentials).await?.is_err() {
        return Ok(None);
    }
    if !waiting.streams.is_empty() && !select_database_of(stream, waiting.id).await? {
        return Ok(None);
    }
    let questions = waiting.streams.iter().map(|stream| wire::request(&[b"XINFO", &b"STREAM"[..], stream]));
    let mut batch: Vec<u8> = questions.flatten().collect();
    // First whether it is answered at all: a command that was ended without that would miss entries.
    stream.write_all(&batch).await?;
    if !batch.is_empty() && last_entries(stream, waiting.streams.len()).await?.is_none() {
        return Ok(None);
    }
    batch.extend(wire::request(&["CLIENT", "UNBLOCK", &waiting.id.to_string(), "ERROR"]));
    stream.write_all(&batch).await?;
    stream.flush().await?;
    let newest = last_entries(stream, waiting.streams.len()).await?;
    let ended = wire::integer(&dial::read_reply(stream).await?);
    Ok(ended.zip(newest).map(|(ended, newest)| UnblockAnswer { was_ended: ended == 1, newest }))
}

/// Streams of the same name in another database are others.
async fn select_database_of(stream: &mut Stream, id: u64) -> io::Result<bool> {
    let clients = dial::ask(stream, &["CLIENT", "LIST", "ID", &id.to_string()]).await?;
    let Some(database) = database(&clients) else { return Ok(false) };
    Ok(database == "0" || wire::error_text(&dial::ask(stream, &["SELECT", &database]).await?).is_none())
}

fn database(clients: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(wire::text(clients)?).ok()?;
    let mut fields = text.split_ascii_whitespace().filter_map(|field| field.strip_prefix("db="));
    fields.next_back().map(str::to_owned)
}

async fn last_entries(stream: &mut Stream, count: usize) -> io::Result<Option<Vec<Vec<u8>>>> {
    stream.flush().await?;
    let mut all = Some(Vec::new());
    for _ in 0..count {
        let id = last_entry(&dial::read_reply(stream).await?);
        all = all.zip(id).map(|(mut all, id)| {
            all.push(id);
            all
        });
    }
    Ok(all)
}

/// The id in the answer to `XINFO STREAM`. A stream that is not there yet has none before its first entry.
fn last_entry(reply: &[u8]) -> Option<Vec<u8>> {
    if let Some(message) = wire::error_text(reply) {
        return message.contains("no such key").then(|| b"0-0".to_vec());
    }
    let name = &b"\r\nlast-generated-id\r\n"[..];
    let after = memmem::find(reply, name).and_then(|at| reply.get(at + name.len()..))?;
    let (header, rest) = after.split_at_checked(memchr::memchr(b'\n', after)? + 1)?;
    let end = memchr::memchr(b'\r', rest)?;
    header.starts_with(b"$").then(|| rest.get(..end).map(<[u8]>::to_vec))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_connection_is_found_in_what_redis_says_of_it() {
        let line = "id=5 addr=127.0.0.1:6 laddr=127.0.0.1:7 fd=8 name=db=3 age=0 idle=0 flags=b db=1 sub=0 user=me\n";
        let reply = format!("${}\r\n{line}\r\n", line.len());
        assert_eq!(database(reply.as_bytes()).as_deref(), Some("1"));
        assert_eq!((database(b"-NOPERM x\r\n"), database(b"$0\r\n\r\n")), (None, None));
    }

    #[test]
    fn the_last_id_is_found_in_what_redis_says_of_a_stream() {
        let reply = b"*20\r\n$6\r\nlength\r\n:1\r\n$17\r\nlast-generated-id\r\n$15\r\n1700000000000-3\r\n$6\r\ngroups\r\n:0\r\n";
        assert_eq!(last_entry(reply).as_deref(), Some(&b"1700000000000-3"[..]));
        assert_eq!(last_entry(b"-ERR no such key\r\n").as_deref(), Some(&b"0-0"[..]));
        assert_eq!(
            last_entry(b"-NOPERM this user has no permissions to run the 'xinfo|stream' command\r\n"),
            None
        );
    }
}
