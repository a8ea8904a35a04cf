//! Threads that carry connections.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// One thread for each processor that the process may use, each with a runtime of its own. A connection stays with its
/// thread: threads that take work from each other spend a fifth more on each request (scripts/bench/proxy.py). The threads
/// end when the last clone is dropped, and what they carry is dropped with them.
#[derive(Clone, Debug)]
pub struct Workers {
    all: Arc<[Worker]>,
    _alive: Arc<watch::Sender<()>>,
}

/// Names are looked up on threads of their own: with a resolver that hangs there must not be one for each client.
const MOST_LOOKUPS: usize = 16;

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    carried: Arc<AtomicUsize>,
}

/// What is carried, until it is dropped.
struct Carried(Arc<AtomicUsize>);

impl Drop for Carried {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system has no thread or no epoll instance left.
    pub fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let (alive, end) = watch::channel(());
        let all = (0..count).map(|_| Worker::start(end.clone())).collect::<io::Result<_>>()?;
        Ok(Self { all, _alive: Arc::new(alive) })
    }

    /// Runs it on the thread that carries least. A socket belongs to the runtime on which it was made: make it in there.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Some(worker) = self.all.iter().min_by_key(|worker| worker.carried.load(Relaxed)) else { return };
        worker.carried.fetch_add(1, Relaxed);
        let carried = Carried(worker.carried.clone());
        worker.runtime.spawn(async move {
            work.await;
            drop(carried);
        });
    }
}

impl Worker {
    fn start(mut end: watch::Receiver<()>) -> io::Result<Self> {
        let runtime =
            Builder::new_current_thread().enable_all().max_blocking_threads(MOST_LOOKUPS).build()?;
        let worker = Self { runtime: runtime.handle().clone(), carried: Arc::default() };
        thread::Builder::new().name("entrakey-worker".to_owned()).spawn(move || {
            let _ = runtime.block_on(end.changed()); // nobody sends: the sender is gone
            runtime.shutdown_background(); // a look-up of a name may hang
        })?;
        Ok(worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::sync::{mpsc, oneshot};

    #[tokio::test]
    async fn each_thread_gets_as_much_and_what_is_left_is_dropped_with_them() {
        let workers = Workers::start().unwrap();
        let (tell, mut told) = mpsc::unbounded_channel();
        let (held, mut dropped) = oneshot::channel::<()>();
        let held = Arc::new(held);
        for _ in 0..2 * workers.all.len() {
            let (tell, held) = (tell.clone(), held.clone());
            workers.spawn(async move {
                tell.send(thread::current().id()).unwrap();
                pending::<()>().await;
                drop(held);
            });
        }
        let mut seen = Vec::new();
        while seen.len() < 2 * workers.all.len() {
            seen.push(told.recv().await.unwrap());
        }
        for id in &seen {
            assert_eq!(seen.iter().filter(|other| *other == id).count(), 2, "{seen:?}");
        }
        drop((held, workers));
        assert!((&mut dropped).await.is_err(), "the threads have ended");
    }

    #[tokio::test]
    async fn what_has_ended_makes_room() {
        let workers = Workers::start().unwrap();
        let (done, ended) = oneshot::channel::<()>();
        workers.spawn(async move { drop(done) });
        let _ = ended.await;
        while workers.all.iter().any(|worker| worker.carried.load(Relaxed) > 0) {
            tokio::task::yield_now().await;
        }
    }
}
