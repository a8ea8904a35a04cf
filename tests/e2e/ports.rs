//! Ports for servers that take no 0, or that come back on theirs.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what Linux gives to connections and to port 0 (`net.ipv4.ip_local_port_range` begins at 32768): nobody gets one
/// of these by chance.
const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;

/// A port of 127.0.0.1 that nobody has, and that this gives to nobody else, in any process, until this process ends.
///
/// Its sign is a name in the abstract namespace of Unix sockets, which ends with whoever holds it; `tests/ports.py` does
/// the same.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(FIRST);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(port <= LAST, "all ports are taken");
        let name = SocketAddr::from_abstract_name(format!("entrakey-port-{port}")).unwrap();
        let Ok(sign) = UnixDatagram::bind_addr(&name) else { continue };
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            std::mem::forget(sign); // the process's end is the sign's
            return port;
        }
    }
}
