//! A PostgreSQL of the test's own, as a user that is not root, on a Unix socket.

use super::{Folder, Place};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(super) struct Server {
    folder: Folder,
    process: Child,
}

/// Debian keeps the programs of each version apart.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| PathBuf::from(name))
}

/// It refuses root.
fn command(name: &str) -> Command {
    let mut command = Command::new("setpriv");
    if rustix::process::geteuid().is_root() {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]);
    }
    command.arg(program(name)).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

impl Server {
    pub(super) fn start() -> Self {
        let folder = Folder::new();
        if rustix::process::geteuid().is_root() {
            let owned = Command::new("chown").arg("postgres").arg(&folder.0).status();
            assert!(owned.unwrap().success());
        }
        let data = folder.0.join("data");
        let made = command("initdb").args(["-N", "-A", "trust", "-U", "leases", "-D"]).arg(&data).status();
        assert!(made.unwrap().success(), "Debian's package postgresql is needed");
        let process = command("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&folder.0)
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, process };
        let since = Instant::now();
        while !server.query("SELECT 1") {
            assert!(since.elapsed() < Duration::from_secs(60), "PostgreSQL does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn query(&self, sql: &str) -> bool {
        let asked = Command::new("psql")
            .args(["-U", "leases", "-d", "postgres", "-qc", sql, "-h"])
            .arg(&self.folder.0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    }

    /// Ends everybody's connections.
    pub(super) fn cut_off(&self) {
        assert!(self.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'entrakey leases'"
        ));
    }

    pub(super) fn place(&self) -> Place {
        let folder = self.folder.0.display().to_string().replace('/', "%2F");
        Place::Server(format!("postgresql://leases@{folder}/postgres").into(), None)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill(); // its children see that it is gone
        let _ = self.process.wait();
    }
}
