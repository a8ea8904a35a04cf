//! Threads that run the host's code: listeners, and answers to asynchronous waits.
//!
//! One thread at a time as long as jobs come and go. When jobs stall, or come faster than they go, others
//! help, ever more of them up to a bound. A thread that finds nothing to do ends.

use super::timer::{self, Alarm};
use crate::guard::guarded;
use crate::sync::{Mutex, MutexGuard, spawn};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

/// Something to run with no lock held. It may block, panic, or call anything of the library's.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// How long a job may wait while no thread takes a new one, before another thread is started. Half of the
/// spread of 3-second tokens; ten times what a callback that only writes to a socket needs.
const STALLED_AFTER: Duration = Duration::from_millis(20);
/// So many threads work on jobs that are slow but do go.
const MAX_BUSY_WORKERS: usize = 64;
/// So many jobs of one provider may stall before those behind them wait: a blocked thread costs a little memory, a
/// healthy listener behind it its connections.
const MAX_WORKERS: usize = 1024;
/// When the system gives no thread, we ask again after this.
const NO_THREAD_WAIT: Duration = Duration::from_secs(1);

/// One provider's dispatcher in one process.
pub(crate) struct Dispatcher {
    alarm_id: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    workers: usize,
    /// How many jobs were ever taken, and how many had been at the last look. Equal numbers mean that the jobs stall.
    taken: u64,
    taken_before: u64,
    /// How many jobs should have been taken by the next look: all that were there at the last one.
    expected: u64,
    watching: bool,
    /// The dispatcher itself, while jobs wait for the system to give a thread: perhaps nothing else keeps it alive.
    kept: Option<Arc<Dispatcher>>,
}

impl State {
    /// How many more threads the jobs need that were there at the last look, and wait still.
    fn helpers(&self) -> usize {
        let (wanted, most) = match self.taken {
            taken if taken == self.taken_before => (self.workers.max(1), MAX_WORKERS), // stalled: twice as many
            taken if taken < self.expected => (1, MAX_BUSY_WORKERS), // slow: one more at each look
            _ => return 0,
        };
        wanted.min(most.saturating_sub(self.workers)).min(self.jobs.len())
    }

    /// Remembers what is there to be judged at the next look, and says after how long that is.
    fn looked(&mut self, refused: bool) -> Duration {
        self.taken_before = self.taken;
        self.expected = self.taken + self.jobs.len() as u64;
        match refused || self.workers == 0 || self.workers == MAX_WORKERS {
            true => NO_THREAD_WAIT,
            false => STALLED_AFTER,
        }
    }
}

impl Dispatcher {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { alarm_id: timer::new_id(), state: Mutex::default() })
    }

    /// Runs the job soon. Never blocks, never runs it on the caller's thread.
    pub(crate) fn submit(self: &Arc<Self>, job: Job) {
        let mut state = self.lock();
        state.jobs.push_back(job);
        if state.workers == 0 {
            self.start_worker(&mut state);
        }
        self.watch(&mut state, false);
    }

    /// How many threads are at work now.
    #[cfg(test)]
    fn workers(&self) -> usize {
        self.lock().workers
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks again soon. `refused`: the system has just given no thread.
    fn watch(self: &Arc<Self>, state: &mut State, refused: bool) {
        if !state.watching {
            let at = entrakey_sys::clock::boot() + state.looked(refused);
            let alarm: Weak<Self> = Arc::downgrade(self);
            state.watching = timer::arm(self.alarm_id, at, alarm).is_ok();
        }
    }

    fn start_worker(self: &Arc<Self>, state: &mut State) {
        let dispatcher = self.clone();
        if spawn("entrakey-notify", move || dispatcher.work()).is_ok() {
            state.workers += 1;
        }
        state.kept = (state.workers == 0).then(|| self.clone());
    }

    fn work(&self) {
        let generation = entrakey_sys::fork::generation();
        loop {
            let mut state = self.lock();
            let Some(job) = state.jobs.pop_front() else {
                state.workers -= 1;
                return;
            };
            state.taken += 1;
            drop(state);
            guarded(job); // a host's code that panics harms nobody but itself
            if entrakey_sys::fork::generation() != generation {
                return; // the job forked, and this is the child: the lock may be held by a thread that is not here
            }
        }
    }
}

impl Alarm for Dispatcher {
    fn ring(self: Arc<Self>) {
        let mut state = self.lock();
        state.watching = false;
        if state.jobs.is_empty() {
            return;
        }
        let (more, before) = (state.helpers(), state.workers);
        // If the system refuses one thread it refuses the others too, and all providers share the thread that asks.
        let refused = (1..=more).any(|started| {
            self.start_worker(&mut state);
            state.workers < before + started
        });
        self.watch(&mut state, refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const SOON: Duration = Duration::from_secs(20);

    /// So many jobs wait, so many threads are at work on others.
    fn waiting(jobs: usize, workers: usize) -> State {
        let jobs = std::iter::repeat_with(|| Box::new(|| ()) as Job).take(jobs).collect();
        State { jobs, workers, ..State::default() }
    }

    #[test]
    fn stalled_jobs_get_twice_as_many_threads_slow_ones_one_more_and_others_none() {
        for (jobs, workers, taken, helpers) in [
            (5, 1, 0, 1),  // stalled
            (50, 8, 0, 8), // and still so
            (3, 8, 0, 3),  // never more than there are jobs
            (5, 0, 0, 1),  // nobody is at work
            (2000, 1000, 0, 24),
            (2000, 1024, 0, 0),
            (50, 8, 1, 1), // slow
            (50, 63, 49, 1),
            (50, 64, 49, 0),
            (50, 8, 50, 0), // all were taken that were there
            (50, 8, 51, 0),
        ] {
            let mut state = waiting(jobs, workers);
            state.taken = 100;
            state.looked(false);
            state.taken += taken;
            assert_eq!(state.helpers(), helpers, "{jobs} jobs, {workers} threads, {taken} taken");
        }
    }

    #[test]
    fn who_can_help_is_looked_for_soon_and_where_nobody_can_later() {
        let looks = [(1, false), (1023, false), (0, false), (1024, false), (1, true)]
            .map(|(workers, refused)| waiting(1, workers).looked(refused));
        assert_eq!(looks, [STALLED_AFTER, STALLED_AFTER, NO_THREAD_WAIT, NO_THREAD_WAIT, NO_THREAD_WAIT]);
    }

    #[test]
    fn the_first_job_gets_a_thread_at_once_and_the_next_a_second_one_when_it_has_stalled() {
        let dispatcher = Dispatcher::new();
        let (stall, stalled) = mpsc::channel::<()>();
        let (sender, done) = mpsc::channel();
        let submitted = entrakey_sys::clock::boot();
        dispatcher.submit(Box::new(move || stalled.recv().unwrap_or(())));
        assert_eq!(dispatcher.workers(), 1);
        dispatcher.submit(Box::new(move || sender.send(()).unwrap()));
        done.recv_timeout(SOON).unwrap();
        assert!(entrakey_sys::clock::boot() - submitted >= STALLED_AFTER, "nothing had stalled yet");
        assert_eq!(dispatcher.lock().taken, 2);
        drop(stall);
    }

    #[test]
    fn jobs_that_stall_or_panic_delay_no_other_and_threads_end_when_idle() {
        let dispatcher = Dispatcher::new();
        let (stall, stalled) = mpsc::channel::<()>();
        let stalled = Arc::new(Mutex::new(stalled));
        for _ in 0..10 {
            let stalled = stalled.clone();
            dispatcher.submit(Box::new(move || stalled.lock().unwrap().recv().unwrap_or(())));
            dispatcher.submit(Box::new(|| panic!("as a host might")));
        }
        let (sender, done) = mpsc::channel();
        dispatcher.submit(Box::new(move || sender.send(()).unwrap()));
        done.recv_timeout(SOON).unwrap();
        assert!((2..=MAX_WORKERS).contains(&dispatcher.workers()));
        drop(stall);
        let started = std::time::Instant::now();
        while dispatcher.workers() > 0 {
            assert!(started.elapsed() < SOON, "threads are left over");
            std::thread::yield_now();
        }
    }

    #[test]
    fn hundreds_that_stall_for_ever_starve_nobody() {
        let dispatcher = Dispatcher::new();
        let (stall, stalled) = mpsc::channel::<()>();
        let stalled = Arc::new(Mutex::new(stalled));
        for _ in 0..300 {
            let stalled = stalled.clone();
            dispatcher.submit(Box::new(move || stalled.lock().unwrap().recv().unwrap_or(())));
        }
        let (sender, done) = mpsc::channel();
        dispatcher.submit(Box::new(move || sender.send(()).unwrap()));
        done.recv_timeout(SOON).unwrap();
        drop(stall);
    }

    #[cfg(not(feature = "shuttle"))]
    #[test]
    fn a_system_that_refuses_a_thread_is_not_asked_for_many() {
        let dispatcher = Dispatcher::new();
        let (stall, stalled) = mpsc::channel::<()>();
        let stalled = Arc::new(Mutex::new(stalled));
        for _ in 0..200 {
            let stalled = stalled.clone();
            dispatcher.submit(Box::new(move || stalled.lock().unwrap().recv().unwrap_or(())));
        }
        while dispatcher.workers() < 8 {
            dispatcher.clone().ring();
        }
        let _refusal = crate::sync::refuse_threads();
        dispatcher.clone().ring();
        assert!(crate::sync::refusals() <= 1, "{} tries at one look", crate::sync::refusals());
        drop(stall);
    }

    #[test]
    fn jobs_that_come_faster_than_they_go_get_help_and_instant_ones_do_not_need_it() {
        let dispatcher = Dispatcher::new();
        let (sender, seen) = mpsc::channel();
        for _ in 0..200 {
            let (sender, dispatcher) = (sender.clone(), Arc::downgrade(&dispatcher));
            dispatcher.upgrade().unwrap().submit(Box::new(move || {
                std::thread::sleep(STALLED_AFTER / 2); // never stalled for as long as from one look to the next
                let workers = dispatcher.upgrade().map_or(0, |dispatcher| dispatcher.workers());
                sender.send(workers).unwrap();
            }));
        }
        drop(sender);
        let most = seen.iter().max().unwrap();
        assert!(most >= 4, "{most} threads for 200 jobs of 10 ms");
    }

    #[test]
    fn quick_jobs_share_one_thread() {
        let dispatcher = Dispatcher::new();
        let (sender, done) = mpsc::channel();
        for _ in 0..1000 {
            let sender = sender.clone();
            dispatcher.submit(Box::new(move || sender.send(std::thread::current().id()).unwrap()));
        }
        drop(sender);
        let threads: std::collections::HashSet<_> = done.iter().collect();
        assert!(threads.len() < 20, "{} threads for jobs that do not stall", threads.len());
    }
}
