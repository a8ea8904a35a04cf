//! Unix sockets: whose they are, who may use them, and those that systemd has opened.

use super::running::{Client, Proxy, command, machine, upstream};
use entrakey_tests::{Emulator, Folder, PATIENCE};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

fn client(path: &Path) -> Client<UnixStream> {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Client::over(stream)
}

#[test]
fn no_core_dump_of_its_memory_is_written() {
    let proxy = Proxy::start(&Emulator::start("1h"), &["--port", "0"]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", proxy.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"]);
}

#[test]
fn a_socket_is_its_users_alone_and_a_living_proxy_keeps_it() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("socket"));
    let path = folder.path().join("redis.sock");
    let given = ["--unix-socket", path.to_str().unwrap()];
    let mut first = Proxy::start(&emulator, &given);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(client(&path).ask("PING"), "+PONG");

    let upstream = upstream(&emulator);
    let all = [&[upstream.as_str(), "--identity", "managed_identity"], &given[..]].concat();
    let mut second = Proxy::run(command(&machine(&emulator), &all));
    assert_eq!(second.ended(), 1);
    second.wait_for("another process serves the socket");
    assert_eq!(client(&path).ask("PING"), "+PONG");

    first.signal(libc::SIGKILL);
    first.ended();
    assert!(path.exists(), "a killed process leaves its socket");
    let mut third = Proxy::start(&emulator, &[&given[..], &["--unix-socket-mode", "0660"]].concat());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    assert_eq!(client(&path).ask("PING"), "+PONG");
    third.signal(libc::SIGTERM);
    assert_eq!(third.ended(), 143);
    assert!(!path.exists());
}

#[test]
fn users_that_are_not_listed_are_turned_away() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("uid"));
    let path = folder.path().join("redis.sock");
    // SAFETY: asks for a number.
    let me = unsafe { libc::getuid() };
    let mut proxy = Proxy::start(
        &emulator,
        &["--unix-socket", path.to_str().unwrap(), "--allow-uid", &(me + 1).to_string()],
    );
    assert_eq!(client(&path).ask("PING"), "");
    proxy.wait_for("the client's user is not one of --allow-uid");
    let others = format!("{},{me}", me + 1);
    let second = folder.path().join("second.sock");
    let _proxy =
        Proxy::start(&emulator, &["--unix-socket", second.to_str().unwrap(), "--allow-uid", &others]);
    assert_eq!(client(&second).ask("PING"), "+PONG");
}

/// As systemd starts a service: the sockets from descriptor 3 on, and whom they are for.
fn activated(emulator: &Emulator, socket: impl Into<OwnedFd>, process: &str, options: &[&str]) -> Proxy {
    let upstream = upstream(emulator);
    let started = command(&machine(emulator), &[&[upstream.as_str(), "--structured-logs"], options].concat());
    let mut shell = Command::new("sh");
    let script = format!("export LISTEN_PID={process} LISTEN_FDS=1; exec \"$0\" \"$@\" 3<&0 </dev/null");
    shell.env_clear().envs(started.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.arg("-c").arg(script).arg(started.get_program()).args(started.get_args());
    shell.stdin(Stdio::from(socket.into()));
    Proxy::run(shell)
}

#[test]
fn a_socket_that_systemd_has_opened_is_served() {
    let emulator = Emulator::start("1h");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut proxy = activated(&emulator, listener, "$$", &["--identity", "managed_identity"]);
    assert_eq!(proxy.listens_on(), address);
    assert_eq!(proxy.client().ask("PING"), "+PONG");

    let folder = Folder::new("activated");
    let path = folder.path().join("redis.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut proxy = activated(&emulator, listener, "$$", &["--identity", "managed_identity"]);
    assert_eq!(proxy.listens_on(), path.to_str().unwrap());
    assert_eq!(client(&path).ask("PING"), "+PONG");
    proxy.signal(libc::SIGTERM);
    assert_eq!(proxy.ended(), 143);
    assert!(path.exists(), "the file is systemd's");

    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::remove_file(&path).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap(); // systemd's default
    let mut proxy = activated(&emulator, listener, "$$", &["--identity", "managed_identity"]);
    proxy.wait_for("every user of this machine can use the identity by ");

    let of_another = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = of_another.local_addr().unwrap().to_string();
    let options = ["--identity", "managed_identity", "--port", "0"];
    let mut proxy = activated(&emulator, of_another, "1", &options);
    assert_ne!(proxy.listens_on(), address, "it was meant for another process");

    let exposed = TcpListener::bind("0.0.0.0:0").unwrap();
    let mut proxy = activated(&emulator, exposed, "$$", &["--identity", "managed_identity"]);
    assert_eq!(proxy.ended(), 2);
    proxy.wait_for("can be reached from other machines");
}

#[test]
fn it_may_have_more_clients_than_a_shell_gives_descriptors() {
    let emulator = Emulator::start("1h");
    let upstream = upstream(&emulator);
    let options = [&upstream, "--structured-logs", "--identity", "managed_identity", "--port", "0"];
    let started = command(&machine(&emulator), &options);
    let mut shell = Command::new("sh");
    shell.env_clear().envs(started.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
        .arg("-c")
        .arg("ulimit -S -n 64; exec \"$0\" \"$@\"")
        .arg(started.get_program())
        .args(started.get_args());
    let mut proxy = Proxy::run(shell);
    let mut clients: Vec<_> = (0..100).map(|_| proxy.client()).collect();
    for client in &mut clients {
        assert_eq!(client.ask("PING"), "+PONG");
    }
}
