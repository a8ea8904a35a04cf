//! The port without TLS, which Azure Cache for Redis may have: it speaks Redis, and lets nobody in.

use super::connection::NO_AUTH;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub(super) async fn accept(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(answer(stream))),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await, // no descriptors left: the next may do
        }
    }
}

/// What a client says that has not signed in is refused. Bytes that are no line of text, as TLS's are, end the connection.
async fn answer(stream: TcpStream) {
    let (reader, mut writer) = stream.into_split();
    let (mut reader, mut line) = (BufReader::new(reader), Vec::new());
    while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
        let is_text = line.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
        let sent = match is_text {
            true => writer.write_all(format!("-{NO_AUTH}\r\n").as_bytes()).await,
            false => {
                let _ = writer.write_all(b"-ERR Protocol error: unbalanced quotes in request\r\n").await;
                return;
            }
        };
        if sent.is_err() {
            return;
        }
        line.clear();
    }
}
