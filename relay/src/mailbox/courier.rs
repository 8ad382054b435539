//! Brings the items of mailboxes to one socket: the backlog that it asked for, and what comes later
//! in those that it follows.
//!
//! Items are fetched when there is room for them, never queued up for a slow reader; that somebody
//! put something is only a ring at the door. Mailboxes take turns, a page each. Which requests are
//! allowed is decided before they come here.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bocage_wire::{Failure, RelayFrame, limits::MAILBOXES_MAX};
use tokio::{sync::Notify, time::sleep};

use super::{Mailboxes, Unavailable, store::Address};
use crate::outbox::Outbox;

/// How long to wait before storage that failed is tried again for somebody who follows.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// One for each socket.
#[derive(Debug)]
pub(crate) struct Courier {
    outbox: Arc<Outbox>,
    round: Mutex<Round>,
    work: Notify,
}

#[derive(Debug, Default)]
struct Round {
    jobs: VecDeque<Job>,
    followed: HashMap<Address, Follow>,
    /// How many Gets have not come to their end.
    open: usize,
    /// Tells one Follow from the next of the same mailbox.
    follows: u64,
}

#[derive(Clone, Copy, Debug)]
enum Job {
    /// A Get that does not follow.
    Once {
        request: u32,
        mailbox: Address,
        after: u64,
    },
    /// A mailbox that is followed and may have something new.
    Followed(Address),
}

#[derive(Debug)]
struct Follow {
    number: u64,
    after: u64,
    /// The Gets that end when the backlog does.
    requests: Vec<u32>,
    /// Whether a job for it waits or is being done.
    queued: bool,
    /// Whether somebody put something since the job began.
    rung: bool,
}

/// What is to be read next.
struct Errand {
    job: Job,
    mailbox: Address,
    after: u64,
    /// Of the Follow, if it is for one.
    follow: Option<u64>,
}

impl Courier {
    pub(crate) fn new(outbox: Arc<Outbox>) -> Self {
        Self {
            outbox,
            round: Mutex::default(),
            work: Notify::new(),
        }
    }

    /// Takes a Get that does not follow; refuses when too many are open.
    pub(crate) fn fetch(&self, request: u32, mailbox: Address, after: u64) -> bool {
        let mut round = self.lock();
        if round.open >= MAILBOXES_MAX {
            return false;
        }
        round.open += 1;
        round.jobs.push_back(Job::Once {
            request,
            mailbox,
            after,
        });
        drop(round);
        self.work.notify_one();
        true
    }

    /// Takes a Get that follows; refuses when too many are open or followed.
    pub(crate) fn follow(&self, request: u32, mailbox: Address, after: u64) -> bool {
        let mut round = self.lock();
        let before = round.followed.remove(&mailbox);
        if round.open >= MAILBOXES_MAX || round.followed.len() >= MAILBOXES_MAX {
            if let Some(before) = before {
                round.followed.insert(mailbox, before);
            }
            return false;
        }
        round.open += 1;
        round.follows += 1;
        let queued = before.as_ref().is_some_and(|before| before.queued);
        let mut requests = before.map(|before| before.requests).unwrap_or_default();
        requests.push(request);
        let number = round.follows;
        let follow = Follow {
            number,
            after,
            requests,
            queued: true,
            rung: true,
        };
        round.followed.insert(mailbox, follow);
        if !queued {
            round.jobs.push_back(Job::Followed(mailbox));
        }
        drop(round);
        self.work.notify_one();
        true
    }

    /// Gives up a mailbox that is followed, and the Gets that wait for its end.
    pub(crate) fn unfollow(&self, mailbox: &Address) {
        let mut round = self.lock();
        if let Some(follow) = round.followed.remove(mailbox) {
            round.open = round.open.saturating_sub(follow.requests.len());
        }
    }

    /// All mailboxes that are followed.
    pub(crate) fn followed(&self) -> Vec<Address> {
        self.lock().followed.keys().copied().collect()
    }

    /// Somebody has put something into this mailbox.
    pub(crate) fn ring(&self, mailbox: &Address) {
        let mut round = self.lock();
        let Some(follow) = round.followed.get_mut(mailbox) else {
            return;
        };
        follow.rung = true;
        if !mem::replace(&mut follow.queued, true) {
            round.jobs.push_back(Job::Followed(*mailbox));
        }
        drop(round);
        self.work.notify_one();
    }

    /// Does all that is to do, and waits for more. It never returns.
    pub(crate) async fn deliver(&self, mailboxes: &Mailboxes) {
        loop {
            let errand = self.next().await;
            self.outbox.has_room().await;
            let Ok(page) = mailboxes.page(errand.mailbox, errand.after).await else {
                self.failed(&errand).await;
                continue;
            };
            let mut after = errand.after;
            for item in page.items {
                self.outbox.has_room().await;
                if !self.is_wanted(&errand) {
                    break;
                }
                after = item.cursor;
                self.outbox.push_frame(&RelayFrame::Item {
                    mailbox: errand.mailbox,
                    cursor: item.cursor,
                    id: item.id,
                    bytes: item.bytes,
                });
            }
            self.done(&errand, after, page.more);
        }
    }

    async fn next(&self) -> Errand {
        loop {
            if let Some(errand) = self.lock().next() {
                return errand;
            }
            self.work.notified().await;
        }
    }

    fn is_wanted(&self, errand: &Errand) -> bool {
        let number = self.lock().followed.get(&errand.mailbox).map(|follow| follow.number);
        errand.follow.is_none() || errand.follow == number
    }

    /// A page has been delivered, or what there was of it.
    fn done(&self, errand: &Errand, after: u64, more: bool) {
        let ended = {
            let mut round = self.lock();
            match errand.job {
                Job::Once { request, mailbox, .. } if more => {
                    round.jobs.push_back(Job::Once {
                        request,
                        mailbox,
                        after,
                    });
                    Vec::new()
                }
                Job::Once { request, .. } => {
                    round.open = round.open.saturating_sub(1);
                    vec![request]
                }
                Job::Followed(mailbox) => round.followed_to(mailbox, errand.follow, after, more),
            }
        };
        for request in ended {
            let cursor = after;
            self.outbox.push_frame(&RelayFrame::UpToDate { request, cursor });
        }
    }

    /// Storage did not give the page.
    async fn failed(&self, errand: &Errand) {
        let ended = {
            let mut round = self.lock();
            match errand.job {
                Job::Once { request, .. } => {
                    round.open = round.open.saturating_sub(1);
                    vec![request]
                }
                Job::Followed(mailbox) => {
                    round.jobs.push_back(Job::Followed(mailbox));
                    let follow = round.followed.get_mut(&mailbox);
                    let requests = follow.map(|follow| mem::take(&mut follow.requests));
                    let requests = requests.unwrap_or_default();
                    round.open = round.open.saturating_sub(requests.len());
                    requests
                }
            }
        };
        let waits = ended.is_empty();
        for request in ended {
            let reason = Failure::Unavailable;
            self.outbox.push_frame(&RelayFrame::Failed { request, reason });
        }
        if waits {
            sleep(TRY_AGAIN).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Round> {
        // Nothing panics while it holds the lock.
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
