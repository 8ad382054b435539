//! What has come by one connection and is not understood yet: the part of a message that is there.
//!
//! Nobody knows whether the rest will ever come, and until then it takes memory. It counts with what
//! waits for all sockets, and when that is too much, those with long parts end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bocage_wire::limits::{MAX_FRAME_BYTES, PIPE_MAX};

use crate::outbox::Waiting;

/// What is not long: everything but large items, so that only these suffer when there is too much.
const SHORT: usize = PIPE_MAX + 4 * 1024;

/// What no message takes, in however many pieces it comes: without this, somebody could send pieces of
/// nothing for ever.
const MOST: usize = 2 * MAX_FRAME_BYTES;

/// What a ping or a pong takes besides its content: the head, and the mask.
const CONTROL_BYTES: usize = 6;

/// One for each connection.
#[derive(Debug)]
pub(crate) struct Intake {
    bytes: AtomicUsize,
    all: Arc<Waiting>,
}

impl Intake {
    pub(crate) fn new(all: Arc<Waiting>) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            all,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// More has come.
    ///
    /// # Errors
    /// When it is more than any message takes, or there is no memory for it.
    pub(crate) fn add(&self, more: usize) -> io::Result<()> {
        self.all.add(more);
        let bytes = self
            .bytes
            .fetch_add(more, Ordering::Relaxed)
            .saturating_add(more);
        if bytes > MOST || (bytes > SHORT && self.all.is_too_much()) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(())
    }

    /// A whole message was understood. What came behind it counts only from its next bytes on.
    pub(crate) fn understood(&self) {
        self.all.remove(self.bytes.swap(0, Ordering::Relaxed));
    }

    /// A ping or pong with so much content, which can stand between the parts of a message.
    pub(crate) fn control(&self, content: usize) {
        let less = content.saturating_add(CONTROL_BYTES).min(self.bytes());
        self.bytes.fetch_sub(less, Ordering::Relaxed);
        self.all.remove(less);
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.understood();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn when_too_much_waits_for_all_those_end_of_whom_much_is_there() {
        let all = Arc::new(Waiting::new(&Limits {
            all_queues_bytes: 100_000,
            ..Limits::default()
        }));
        let [one, other, late] = [(); 3].map(|()| Intake::new(Arc::clone(&all)));
        assert!(one.add(90_000).is_ok());
        assert!(other.add(50_000).is_ok(), "it is short");
        assert!(other.add(50_000).is_err());
        assert!(late.add(1_000).is_ok());
        one.understood();
        assert_eq!((one.bytes(), all.bytes()), (0, 101_000));
        other.control(4_994);
        assert_eq!((other.bytes(), all.bytes()), (95_000, 96_000));
        assert!(other.add(1_000).is_ok());
        late.control(5_000);
        assert_eq!(late.bytes(), 0);
        drop((one, other, late));
        assert_eq!(all.bytes(), 0);
    }
}
