//! The end of a running emulator.

use tokio::sync::watch;

/// Resolves when everything is to stop, also when the sender of that signal is gone.
pub(crate) async fn stop_signal(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await; // an error means that the sender is gone: stop too
}
