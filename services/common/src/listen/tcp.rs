//! A TCP port of one's own.

use socket2::{SockRef, TcpKeepalive};
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// The address that a name or an address stands for; of several the first one of IPv4.
///
/// # Errors
/// There is none. The sentence names it.
pub async fn resolve(host: &str) -> Result<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Ok(address);
    }
    let found = tokio::net::lookup_host((bare, 0)).await;
    let found = found.map_err(|error| {
        Error::new(error.kind(), format!("{host} is no address of this machine: {error}"))
    })?;
    let mut found: Vec<_> = found.map(|address| address.ip()).collect();
    found.sort_by_key(IpAddr::is_ipv6);
    let nothing = || Error::new(ErrorKind::NotFound, format!("{host} is no address of this machine"));
    found.into_iter().next().ok_or_else(nothing)
}

/// Listens on an address. `remedy` says how another one is chosen, for the sentence when this one cannot be had.
///
/// # Errors
/// The port is in use, is reserved, or the address is not this machine's.
pub async fn bind_tcp(address: SocketAddr, remedy: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let (ip, port) = (address.ip(), address.port());
        let what = match error.kind() {
            ErrorKind::AddrInUse => format!(
                "port {port} of {ip} is in use by another process (`ss -ltnp` shows which): stop it, or"
            ),
            ErrorKind::PermissionDenied => {
                format!("port {port} is reserved for the administrator: take one from 1024 on,")
            }
            ErrorKind::AddrNotAvailable => format!("{ip} is no address of this machine:"),
            _ => format!("{address} cannot be listened on ({error}):"),
        };
        Error::new(error.kind(), format!("{what} {remedy}"))
    })
}

const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(30))
    .with_interval(Duration::from_secs(10))
    .with_retries(3);

/// Has the system ask the other end after 30 s of silence whether it is still there: without that a machine that vanished
/// holds its connection for ever.
///
/// # Errors
/// The system's. The connection works without.
pub fn keep_alive(stream: &TcpStream) -> Result<()> {
    SockRef::from(stream).set_tcp_keepalive(&KEEP_ALIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_is_named_with_the_way_out() {
        let first = bind_tcp("127.0.0.1:0".parse().unwrap(), "").await.unwrap();
        let address = first.local_addr().unwrap();
        let said = bind_tcp(address, "choose another with --port").await.unwrap_err().to_string();
        let port = address.port();
        let expected = format!(
            "port {port} of 127.0.0.1 is in use by another process (`ss -ltnp` shows which): stop it, or choose another with \
             --port"
        );
        assert_eq!(said, expected);
        let said =
            bind_tcp("192.0.2.1:7000".parse().unwrap(), "choose another with --address").await.unwrap_err();
        assert_eq!(
            said.to_string(),
            "192.0.2.1 is no address of this machine: choose another with --address"
        );
    }

    #[tokio::test]
    async fn a_name_is_an_address_of_ipv4_if_it_has_one() {
        assert_eq!(resolve("localhost").await.unwrap().to_string(), "127.0.0.1");
        assert_eq!(resolve("[::1]").await.unwrap().to_string(), "::1");
        assert_eq!(resolve("0.0.0.0").await.unwrap().to_string(), "0.0.0.0");
    }
}
