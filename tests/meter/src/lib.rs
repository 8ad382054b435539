//! How much memory something takes: an allocator that counts.
//!
//! Each thread counts for itself, so that tests beside each other do not count each other's. Only for programs that tests
//! are; nothing that people use links it. The one unsafe impl of Bocage is here, because an allocator is one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, which counts what goes through it.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// What something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The most that was in use at one time beyond what was before, in bytes.
    pub peak: usize,
    /// The largest single allocation, in bytes.
    pub largest: usize,
    /// All allocations together, in bytes.
    pub total: usize,
}

thread_local! {
    /// What is in use beyond what was when counting began. Below zero when something older is freed.
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static TAKEN: Cell<Taken> = const { Cell::new(Taken { peak: 0, largest: 0, total: 0 }) };
}

/// Does something and says what memory it took on this thread. Not to be nested: the inner count would end the outer.
pub fn taken<T>(act: impl FnOnce() -> T) -> (T, Taken) {
    IN_USE.set(0);
    TAKEN.set(Taken::default());
    let made = act();
    (made, TAKEN.get())
}

fn count(bytes: usize) {
    // A thread that ends has no counters any more, and nobody asks for them.
    let _ = IN_USE.try_with(|in_use| {
        let now = in_use.get().saturating_add_unsigned(bytes);
        in_use.set(now);
        let _ = TAKEN.try_with(|taken| {
            let before = taken.get();
            taken.set(Taken {
                peak: before.peak.max(usize::try_from(now).unwrap_or(0)),
                largest: before.largest.max(bytes),
                total: before.total.saturating_add(bytes),
            });
        });
    });
}

fn discount(bytes: usize) {
    let _ = IN_USE.try_with(|in_use| in_use.set(in_use.get().saturating_sub_unsigned(bytes)));
}

#[allow(
    unsafe_code,
    reason = "an allocator is unsafe; this one passes everything on as it came"
)]
// SAFETY: every call goes to the system's allocator with the arguments that it came with, and what that returns is returned.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        discount(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        discount(layout.size());
        count(size);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_counted() {
        let ((), nothing) = taken(|| ());
        assert_eq!(nothing, Taken::default());
        let (kept, one) = taken(|| vec![1u8; 5000]);
        assert_eq!((one.peak, one.largest, one.total), (5000, 5000, 5000));
        let ((), two) = taken(|| {
            drop(vec![1u8; 3000]);
            drop(vec![1u8; 4000]);
        });
        assert_eq!((two.peak, two.largest, two.total), (4000, 4000, 7000));
        let ((), freed) = taken(move || drop(kept));
        assert_eq!(freed, Taken::default());
    }

    #[test]
    fn what_grows_counts_once() {
        let (_, grown) = taken(|| {
            let mut grown: Vec<u8> = Vec::with_capacity(1000);
            grown.reserve_exact(8000);
            grown
        });
        assert_eq!(grown.peak, 8000);
    }

    #[test]
    fn other_threads_count_for_themselves() {
        let ((), alone) = taken(|| {
            let other = std::thread::spawn(|| taken(|| vec![0u8; 1 << 20]).1.peak);
            assert_eq!(other.join().ok(), Some(1 << 20));
        });
        assert!(alone.peak < 1 << 16, "{alone:?}");
    }
}
