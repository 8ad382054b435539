//! Mailboxes: items that are kept for those who are away.
//!
//! [`Mailboxes`] is what sockets see of them. `store` holds the items, `keeper` writes and removes
//! them, `courier` brings them to a socket, `bells` tells couriers that something came. Who may put
//! and get is decided before any of them is asked; what an item says is not known here or anywhere
//! else in the relay.

mod bells;
mod courier;
mod keeper;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bocage_wire::limits::ITEM_MAX;
use bocage_wire::{Failure, RelayFrame};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::spawn_blocking;

use self::bells::Bells;
use self::keeper::Keeper;
use self::store::{Page, Quota, Store};
use crate::clock;
use crate::household::Household;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::outbox::Outbox;

pub(crate) use self::courier::Courier;
pub(crate) use self::store::{Address, NewItem, cost};
pub use store::MailboxError;

/// How many bytes of items are read at a time. A socket holds no more than this besides what is in
/// its outbox, and one item of any length must fit.
const PAGE_BYTES: usize = ITEM_MAX;

/// How many pages are read at a time. Each takes a thread for as long as the disk needs; more would
/// only wait for the disk together.
const READERS: usize = 8;

/// How many items may wait to be written, from all sockets together: some 65 MiB at their longest.
/// A disk that takes a whole group at once has written them in well under a second.
const WAITING_PUTS: usize = 256;

/// All mailboxes of the relay.
#[derive(Debug)]
pub(crate) struct Mailboxes {
    store: Arc<Store>,
    bells: Arc<Bells>,
    puts: mpsc::Sender<Put>,
    readers: Arc<Semaphore>,
    /// Storage has failed.
    failed: Arc<Notify>,
}

/// An item on its way in, and who waits for the answer.
#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) item: NewItem,
    pub(crate) receipt: Receipt,
}

/// Where the answer to a Put goes.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) request: u32,
    pub(crate) outbox: Arc<Outbox>,
    /// The sender's share of what may be under way.
    pub(crate) share: OwnedSemaphorePermit,
    /// Who leaves it, and what it counts for.
    pub(crate) deposit: (Arc<Household>, u32),
}

impl Receipt {
    /// `left` is whether anything was.
    fn answer(self, left: bool, result: Result<(), Failure>) {
        let request = self.request;
        let (household, cost) = self.deposit;
        if !left {
            household.take_back(cost);
        }
        // Before the answer, so that whoever has it may put the next at once.
        drop(self.share);
        self.outbox.push_frame(&match result {
            Ok(()) => RelayFrame::Kept { request },
            Err(reason) => RelayFrame::Failed { request, reason },
        });
    }
}

/// Storage did not answer.
#[derive(Debug)]
pub(crate) struct Unavailable;

impl Mailboxes {
    /// Opens the mailboxes in a directory, or in memory, and begins to keep them.
    pub(crate) async fn open(
        dir: Option<PathBuf>,
        limits: &Limits,
        metrics: Arc<Metrics>,
    ) -> Result<Self, MailboxError> {
        let quota = Quota {
            all_bytes: limits.mail_bytes,
            mailbox_bytes: limits.mailbox_bytes,
            mailbox_items: limits.mailbox_items,
        };
        let open = move || open(dir.as_deref(), quota);
        let store = spawn_blocking(open)
            .await
            .map_err(|_| MailboxError::Interrupted)??;
        Ok(Self::begin(store, limits, metrics))
    }

    fn begin(store: Store, limits: &Limits, metrics: Arc<Metrics>) -> Self {
        let (puts, waiting) = mpsc::channel(WAITING_PUTS);
        let mailboxes = Self {
            store: Arc::new(store),
            bells: Arc::default(),
            puts,
            readers: Arc::new(Semaphore::new(READERS)),
            failed: Arc::default(),
        };
        let keeper = Keeper::new(&mailboxes, limits, metrics);
        // It ends when `puts` is dropped.
        tokio::spawn(keeper.keep(waiting));
        mailboxes
    }

    /// Puts an item. The answer goes to the outbox when the item would survive a crash.
    pub(crate) fn put(&self, put: Put) {
        if let Err(refused) = self.puts.try_send(put) {
            refused
                .into_inner()
                .receipt
                .answer(false, Err(Failure::Busy));
        }
    }

    /// Some items after a cursor.
    pub(crate) async fn page(&self, mailbox: Address, after: u64) -> Result<Page, Unavailable> {
        let readers = Arc::clone(&self.readers);
        let permit = readers.acquire_owned().await.map_err(|_| Unavailable)?;
        let store = Arc::clone(&self.store);
        let read = spawn_blocking(move || {
            let page = store.page(&mailbox, after, PAGE_BYTES);
            // Held here, because the thread goes on when nobody waits for the page any more.
            drop(permit);
            page
        });
        match read.await {
            Ok(Ok(page)) => Ok(page),
            Ok(Err(why)) => {
                tracing::debug!(%why, "cannot read mail");
                self.failed.notify_one();
                Err(Unavailable)
            }
            Err(_) => {
                tracing::error!("reading mail panicked");
                self.failed.notify_one();
                Err(Unavailable)
            }
        }
    }

    /// What all items count for together.
    pub(crate) fn bytes(&self) -> u64 {
        self.store.bytes()
    }

    /// How many mailboxes somebody follows.
    pub(crate) fn followed(&self) -> usize {
        self.bells.count()
    }

    /// Lets the file go. Whatever is asked from here on comes to nothing.
    pub(crate) async fn close(&self) {
        let store = Arc::clone(&self.store);
        if spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("closing the mailboxes panicked");
        }
    }
}

fn open(dir: Option<&Path>, quota: Quota) -> Result<Store, MailboxError> {
    // Nobody puts an item each microsecond, so no earlier run has come this far.
    Store::open(dir, quota, clock::micros())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::mailbox::store::Cursor;

    const MAILBOX: Address = [7; 32];

    async fn cursors(mailboxes: &Mailboxes) -> Vec<Cursor> {
        let page = mailboxes.page(MAILBOX, 0).await.unwrap();
        page.items.iter().map(|item| item.cursor).collect()
    }

    /// What a socket cannot wait for.
    #[tokio::test]
    async fn what_is_too_old_is_removed_from_the_start() {
        let limits = Limits::default();
        let quota = Quota {
            all_bytes: limits.mail_bytes_in_memory,
            mailbox_bytes: limits.mailbox_bytes,
            mailbox_items: limits.mailbox_items,
        };
        let store = Store::open(None, quota, 1).unwrap();
        let month_ago = clock::hour() - clock::hours_in(limits.mail_age);
        let items = 600;
        for n in 0..items {
            let hour = [month_ago - 1, month_ago][usize::from(n == items - 1)];
            let mut id = [0; 16];
            id[..2].copy_from_slice(&u16::to_le_bytes(n));
            let item = NewItem {
                mailbox: MAILBOX,
                id,
                bytes: vec![1],
                depositor: u64::from(n),
            };
            store.put(hour, &[item]).unwrap();
        }
        let mailboxes = Mailboxes::begin(store, &limits, Arc::default());
        let swept = async {
            while cursors(&mailboxes).await.len() > 1 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), swept).await.unwrap();
        assert_eq!(cursors(&mailboxes).await, [u64::from(items)]);
    }
}
