//! Writes what is put and removes what is old: the only one who changes the store.
//!
//! Items that wait while others are being written go into the next transaction together, so many
//! people at once cost about as many waits for the disk as one does. After an error the keeper
//! opens the store anew. It answers nobody before the store has.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bocage_wire::Failure;
use tokio::sync::{Notify, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::bells::Bells;
use super::store::{Outcome, Store};
use super::{Mailboxes, Put};
use crate::clock;
use crate::limits::Limits;
use crate::metrics::Metrics;

/// How many items are written in one transaction. Beyond this the wait for the disk is no longer
/// what they share.
const GROUP: usize = 64;

/// How often old items are looked for. Their age is known to the hour only.
const SWEEP: Duration = Duration::from_mins(30);

/// How many old items are removed in one transaction: few enough for those who put not to notice.
const SWEEP_ITEMS: usize = 256;

/// How often at most the store is opened anew.
const MEND_PAUSE: Duration = Duration::from_secs(1);

/// The one task that has the mailboxes in its care.
pub(super) struct Keeper {
    store: Arc<Store>,
    bells: Arc<Bells>,
    failed: Arc<Notify>,
    /// For how many hours an item is kept.
    hours: u32,
    metrics: Arc<Metrics>,
    mended: Option<Instant>,
    /// The store has failed and could not be opened anew.
    is_broken: bool,
}

impl Keeper {
    pub(super) fn new(mailboxes: &Mailboxes, limits: &Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            store: Arc::clone(&mailboxes.store),
            bells: Arc::clone(&mailboxes.bells),
            failed: Arc::clone(&mailboxes.failed),
            hours: clock::hours_in(limits.mail_age),
            metrics,
            mended: None,
            is_broken: false,
        }
    }

    /// Works until nobody is left who could put anything.
    pub(super) async fn keep(mut self, mut waiting: mpsc::Receiver<Put>) {
        let failed = Arc::clone(&self.failed);
        let mut group = Vec::new();
        let mut sweep_at = Instant::now();
        loop {
            tokio::select! {
                received = waiting.recv_many(&mut group, GROUP) => {
                    if received == 0 {
                        return;
                    }
                    self.write(mem::take(&mut group)).await;
                }
                () = sleep_until(sweep_at) => {
                    let more = self.sweep().await;
                    sweep_at = Instant::now() + if more { Duration::ZERO } else { SWEEP };
                }
                () = failed.notified() => self.mend().await,
            }
        }
    }

    async fn write(&mut self, puts: Vec<Put>) {
        let (mut items, mut receipts) = (Vec::new(), Vec::new());
        for put in puts {
            receipts.push((put.item.mailbox, put.receipt));
            items.push(put.item);
        }
        if self.is_broken {
            self.mend().await;
        }
        let written = self
            .ask(move |store| store.put(clock::hour(), &items))
            .await
            .unwrap_or_default();
        let mut outcomes = written.into_iter();
        let mut rung = BTreeSet::new();
        for (mailbox, receipt) in receipts {
            match outcomes.next() {
                Some(Outcome::New) => {
                    rung.insert(mailbox);
                    receipt.answer(true, Ok(()));
                }
                Some(Outcome::Known) => receipt.answer(false, Ok(())),
                Some(Outcome::Full) => receipt.answer(false, Err(Failure::Full)),
                None => receipt.answer(false, Err(Failure::Unavailable)),
            }
        }
        for mailbox in rung {
            self.bells.ring(mailbox);
        }
    }

    /// Removes some of what is too old. Gives whether there may be more.
    async fn sweep(&mut self) -> bool {
        let oldest = clock::hour().saturating_sub(self.hours);
        self.ask(move |store| store.sweep(oldest, SWEEP_ITEMS))
            .await
            .unwrap_or(false)
    }

    /// Opens the store anew, unless that was just done.
    async fn mend(&mut self) {
        if self.mended.is_some_and(|at| at.elapsed() < MEND_PAUSE) {
            return;
        }
        self.mended = Some(Instant::now());
        let store = Arc::clone(&self.store);
        match spawn_blocking(move || store.mend()).await {
            Ok(Ok(())) => {
                self.is_broken = false;
                tracing::warn!("opened the mailboxes anew");
            }
            Ok(Err(why)) => tracing::error!(%why, "cannot open the mailboxes anew"),
            Err(_) => tracing::error!("opening the mailboxes panicked"),
        }
    }

    /// What the store answers; nothing if it fails, and then it will be mended.
    async fn ask<T: Send + 'static>(
        &mut self,
        question: impl FnOnce(&Store) -> Result<T, redb::Error> + Send + 'static,
    ) -> Option<T> {
        let store = Arc::clone(&self.store);
        let began = Instant::now();
        let answered = spawn_blocking(move || question(&store)).await;
        let took = usize::try_from(began.elapsed().as_micros()).unwrap_or(usize::MAX);
        self.metrics.commits.add(1);
        self.metrics.commit_micros.add(took);
        match answered {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(why)) => tracing::error!(%why, "cannot write mail"),
            Err(_) => tracing::error!("writing mail panicked"),
        }
        self.is_broken = true;
        self.failed.notify_one();
        None
    }
}
