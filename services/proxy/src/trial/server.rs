//! A redis-server on loopback that knows one user by its token, and nobody without. REDIS_SERVER names another program.

use super::{TOKEN, USER};
use entrakey_tests::free_port;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

pub(super) struct Server {
    child: Child,
    pub(super) port: u16,
    folder: PathBuf,
}

impl Server {
    /// Lets in by token only.
    pub(super) fn strict() -> Self {
        Self::start("--user default off")
    }

    /// Lets in everybody, and the user too.
    pub(super) fn open() -> Self {
        Self::start("--user default on nopass ~* &* +@all")
    }

    pub(super) fn start(more: &str) -> Self {
        static NUMBERS: AtomicU32 = AtomicU32::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("entrakey-proxy-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let child = Command::new(program)
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--enable-debug-command",
                "yes",
            ])
            .arg("--dir")
            .arg(&folder)
            .args(format!("--user {USER} on >{TOKEN} ~* &* +@all").split(' '))
            .args(more.split(' '))
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is missing (Debian: apt-get install redis-server)");
        let (server, started) = (Self { child, port, folder }, Instant::now());
        while !server.answers() {
            assert!(started.elapsed() < super::PATIENCE, "redis-server does not start");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        server
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        stream.write_all(b"PING\r\n").is_ok() && stream.read(&mut [0]).is_ok_and(|read| read > 0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
