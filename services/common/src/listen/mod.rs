//! What a service listens on: a TCP port, a Unix socket, or what systemd has opened for it.

mod activated;
mod directory;
mod tcp;
mod unix;

pub use activated::{Activated, activated};
pub use directory::make_directory;
pub use tcp::{bind_tcp, keep_alive, resolve};
pub use unix::{SocketFile, bind_unix, user_of};
