//! The hit path allocates nothing, shown by an allocator that counts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{Config, Provider};
use entrakey_tests::Emulator;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    /// Allocations of this thread: others of the test process do not disturb.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed to the system's allocator; counting touches a thread-local without a
// destructor, which neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(of: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    of();
    COUNT.get() - before
}

#[test]
fn a_cached_token_is_handed_out_without_an_allocation() {
    let emulator = Emulator::start("1h");
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    config.set("imds_endpoint", emulator.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")).unwrap();
    let provider = Provider::new(&config).unwrap();
    assert!(
        allocations(|| drop(provider.get_token().unwrap())) > 0,
        "the first one is fetched, and the counter works"
    );
    assert_eq!(allocations(|| drop(provider.get_token().unwrap())), 0);
    assert_eq!(allocations(|| assert_eq!(provider.with_usable(|token| token.version()), Some(1))), 0);
    assert_eq!(allocations(|| assert_eq!(provider.version(), 1)), 0);
    let done = |token: Result<_, _>| drop::<std::sync::Arc<entrakey_core::Token>>(token.unwrap());
    assert_eq!(allocations(|| provider.get_token_then(Default::default(), done)), 0);
}
