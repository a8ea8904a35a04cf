//! One thread for the alarms of every provider: started at first need, gone after the last.

use crate::guard::guarded;
use crate::sync::spawn;
use arc_swap::ArcSwapOption;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

#[cfg(feature = "thread-sanitizer")]
use crate::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(feature = "thread-sanitizer"))] // under shuttle too, which has no timer
use std::sync::{Condvar, Mutex, MutexGuard};

/// Something that wants to be woken.
pub(crate) trait Alarm: Send + Sync {
    /// Called on the timer thread at the time asked for. Must not block.
    fn ring(self: Arc<Self>);
}

/// What is waited for, in this process. A forked child makes its own and leaves its parent's alone.
struct Timer {
    generation: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// A handful of providers: a list is quicker than anything cleverer.
    entries: Vec<Entry>,
    running: bool,
}

struct Entry {
    id: u64,
    at: Duration,
    alarm: Weak<dyn Alarm>,
}

/// Waiting is done on a clock that stands still during suspend. So the boot clock is looked at this often,
/// and an alarm is late by no more.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

static TIMER: ArcSwapOption<Timer> = ArcSwapOption::const_empty();

/// An id that nobody else has.
pub(crate) fn new_id() -> u64 {
    static IDS: AtomicU64 = AtomicU64::new(0);
    IDS.fetch_add(1, Ordering::Relaxed)
}

/// Rings `alarm` at `at` on the boot clock, instead of at any time set before for this `id`.
///
/// # Errors
/// If the operating system gives no thread.
pub(crate) fn arm(id: u64, at: Duration, alarm: Weak<dyn Alarm>) -> std::io::Result<()> {
    if cfg!(feature = "shuttle") {
        return Ok(()); // there is no time in a trial of interleavings
    }
    let timer = timer();
    let mut state = timer.lock();
    state.entries.retain(|entry| entry.id != id);
    state.entries.push(Entry { id, at, alarm });
    if !state.running {
        let for_thread = timer.clone();
        spawn("entrakey-timer", move || for_thread.run())?;
        state.running = true;
    }
    timer.changed.notify_one();
    Ok(())
}

/// Forgets the alarm of this `id`; the thread ends when none is left.
pub(crate) fn disarm(id: u64) {
    let timer = timer();
    timer.lock().entries.retain(|entry| entry.id != id);
    timer.changed.notify_one();
}

/// This process's timer. A parent's is set aside for ever: its locks may be held by threads that a child
/// does not have.
fn timer() -> Arc<Timer> {
    let generation = entrakey_sys::fork::generation();
    loop {
        let found = TIMER.load_full();
        match &found {
            Some(timer) if timer.generation == generation => return timer.clone(),
            _ => {
                let state = Mutex::new(State::default());
                let fresh = Arc::new(Timer { generation, state, changed: Condvar::new() });
                std::mem::forget(found.clone());
                TIMER.compare_and_swap(&found, Some(fresh));
            }
        }
    }
}

/// How long to wait for `at` before looking at the boot clock again.
fn wait(at: Duration, now: Duration) -> Duration {
    at.saturating_sub(now).min(LONGEST_WAIT)
}

impl Timer {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        loop {
            state.entries.retain(|entry| entry.alarm.strong_count() > 0);
            let now = entrakey_sys::clock::boot();
            let Some(earliest) = state.entries.iter().min_by_key(|entry| entry.at) else {
                state.running = false;
                return;
            };
            if earliest.at > now {
                let wait = wait(earliest.at, now);
                state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let (id, alarm) = (earliest.id, earliest.alarm.clone());
            state.entries.retain(|entry| entry.id != id);
            drop(state);
            // Ringing arms the next one. Should it ever panic, the other providers' alarms go on.
            guarded(|| alarm.upgrade().into_iter().for_each(<dyn Alarm>::ring));
            state = self.lock();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Instant;

    struct Bell(Mutex<mpsc::Sender<&'static str>>, &'static str);

    impl Alarm for Bell {
        fn ring(self: Arc<Self>) {
            self.0.lock().unwrap().send(self.1).unwrap();
        }
    }

    #[test]
    fn a_machine_that_slept_is_noticed_within_half_a_minute() {
        let second = Duration::from_secs(1);
        assert_eq!(wait(5 * second, 2 * second), 3 * second);
        assert_eq!(wait(86_400 * second, 2 * second), 30 * second);
    }

    #[test]
    fn the_alarm_of_what_is_gone_keeps_no_thread() {
        let (sender, _rung) = mpsc::channel();
        let gone: Weak<dyn Alarm> =
            Arc::downgrade(&(Arc::new(Bell(Mutex::new(sender), "")) as Arc<dyn Alarm>));
        let entries = vec![Entry { id: 1, at: entrakey_sys::clock::boot() + LONGEST_WAIT, alarm: gone }];
        let state = Mutex::new(State { entries, running: true });
        let timer = Timer { generation: entrakey_sys::fork::generation(), state, changed: Condvar::new() };
        timer.run();
        assert!(!timer.lock().running && timer.lock().entries.is_empty());
    }

    #[test]
    fn alarms_ring_in_order_and_only_the_last_one_set_for_an_id() {
        let (sender, rung) = mpsc::channel();
        let bell = |name| Arc::new(Bell(Mutex::new(sender.clone()), name)) as Arc<dyn Alarm>;
        let (early, late, never) = (bell("early"), bell("late"), bell("never"));
        let in_ms = |ms| entrakey_sys::clock::boot() + Duration::from_millis(ms);
        arm(u64::MAX, in_ms(30_000), Arc::downgrade(&late)).unwrap();
        // As far apart as a busy machine may need from one line to the next.
        arm(u64::MAX, in_ms(2_000), Arc::downgrade(&late)).unwrap();
        arm(u64::MAX - 2, in_ms(1_000), Arc::downgrade(&never)).unwrap();
        disarm(u64::MAX - 2);
        arm(u64::MAX - 1, in_ms(20), Arc::downgrade(&early)).unwrap();
        let started = Instant::now();
        assert_eq!([rung.recv().unwrap(), rung.recv().unwrap()], ["early", "late"]);
        assert!(started.elapsed() < Duration::from_secs(20));
        assert!(rung.try_recv().is_err());
    }
}
