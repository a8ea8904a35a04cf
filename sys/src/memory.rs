//! Memory that is wiped when it is given back.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, which overwrites what is given back. Secrets pass through buffers of libraries that do not
/// wipe them (the HTTP client's, the TLS library's, a JSON parser's, a vector that has grown): so all memory is wiped.
pub struct Wiping;

// SAFETY: it is the system's allocator; what is done beside touches only the block that is being given back. `realloc`
// is left to its default, which is made of these and so wipes what it leaves.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller of this function promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller of this function promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block has this size, and its owner has not lost it yet.
        unsafe { block.write_bytes(0, layout.size()) };
        // The barrier counts as a reader. Without one the compiler removes writes to memory that is about to be freed.
        std::hint::black_box(block);
        // SAFETY: as the caller of this function promises.
        unsafe { System.dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_grows_leaves_nothing_where_it_was() {
        let layout = Layout::from_size_align(64, 8).unwrap();
        // SAFETY: each block is used with the layout that it was made with, and given back once.
        unsafe {
            let block = Wiping.alloc(layout);
            block.write_bytes(7, 64);
            let larger = Wiping.realloc(block, layout, 4096);
            assert!((0..64).all(|at| *larger.add(at) == 7));
            Wiping.dealloc(larger, Layout::from_size_align(4096, 8).unwrap());
        }
    }
}
