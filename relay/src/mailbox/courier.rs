//! Brings the items of mailboxes to one socket: the backlog that it asked for, and what comes later
//! in those that it follows.
//!
//! Items are fetched when there is room for them, never queued up for a slow reader; that somebody
//! put something is only a ring at the door. Mailboxes take turns, a page each. Which requests are
//! allowed is decided before they come here.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bocage_wire::limits::MAILBOXES_MAX;
use bocage_wire::{Failure, RelayFrame};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, sleep};

use super::Mailboxes;
use super::store::{Address, Cursor};
use crate::account::Account;
use crate::household::Household;
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

/// What waits for its turn.
#[derive(Clone, Copy, Debug)]
enum Job {
    /// A Get that does not follow.
    Once {
        request: u32,
        mailbox: Address,
        after: Cursor,
    },
    /// A mailbox that is followed and may have something new.
    Followed(Address),
}

#[derive(Debug)]
struct Follow {
    number: u64,
    after: Cursor,
    /// The Gets that end when the backlog does.
    requests: Vec<u32>,
    /// Whether a job for it waits. There is never more than one.
    queued: bool,
    _held: OwnedSemaphorePermit,
}

/// A page that is to be delivered.
struct Errand {
    mailbox: Address,
    after: Cursor,
    cause: Cause,
}

enum Cause {
    /// A Get that does not follow: its number.
    Get(u32),
    /// The number of a Follow. It may be gone, or another one, before the errand is done.
    Follow(u64),
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
    pub(crate) fn fetch(&self, request: u32, mailbox: Address, after: Cursor) -> bool {
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
    pub(crate) fn follow(
        self: &Arc<Self>,
        mailboxes: &Mailboxes,
        household: &Household,
        request: u32,
        mailbox: Address,
        after: Cursor,
    ) -> bool {
        let mut round = self.lock();
        let is_known = round.followed.contains_key(&mailbox);
        let is_full = round.followed.len() >= MAILBOXES_MAX && !is_known;
        if is_full || round.open >= MAILBOXES_MAX {
            return false;
        }
        if !is_known {
            let Some(held) = household.hold() else {
                return false;
            };
            // Before anything is read, so that nothing falls between what is read and what rings.
            mailboxes.bells.add(mailbox, self);
            let requests = Vec::new();
            let follow = Follow {
                number: 0,
                after,
                requests,
                queued: false,
                _held: held,
            };
            round.followed.insert(mailbox, follow);
        }
        round.open += 1;
        round.follows += 1;
        let number = round.follows;
        if let Some(follow) = round.followed.get_mut(&mailbox) {
            (follow.number, follow.after) = (number, after);
            follow.requests.push(request);
        }
        round.queue(mailbox);
        drop(round);
        self.work.notify_one();
        true
    }

    /// Gives up a mailbox that is followed, and the Gets that wait for its end.
    pub(crate) fn unfollow(&self, mailboxes: &Mailboxes, mailbox: &Address) {
        // A mailbox that is not followed has no bell, either.
        self.lock().forget(mailbox);
        mailboxes.bells.remove(mailbox, self);
    }

    /// Gives up all mailboxes: the socket is gone.
    pub(crate) fn leave(&self, mailboxes: &Mailboxes) {
        let round = mem::take(&mut *self.lock());
        for mailbox in round.followed.keys() {
            mailboxes.bells.remove(mailbox, self);
        }
    }

    /// Whether it has nothing to bring, now or later.
    pub(crate) fn is_idle(&self) -> bool {
        let round = self.lock();
        round.open == 0 && round.followed.is_empty()
    }

    /// Somebody has put something into this mailbox.
    pub(super) fn ring(&self, mailbox: Address) {
        self.lock().queue(mailbox);
        self.work.notify_one();
    }

    /// Does all that is to do, and waits for more.
    pub(crate) async fn deliver(&self, mailboxes: &Mailboxes, account: &Account) -> Infallible {
        loop {
            let errand = self.next().await;
            self.outbox.has_room().await;
            let Ok(page) = mailboxes.page(errand.mailbox, errand.after).await else {
                self.failed(mailboxes, errand).await;
                continue;
            };
            let mut after = errand.after;
            for item in page.items {
                self.outbox.has_room().await;
                if !self.lock().wants(&errand) {
                    break;
                }
                after = item.cursor;
                let owed = account.got(Instant::now(), item.bytes.len());
                self.outbox.push_frame(&RelayFrame::Item {
                    mailbox: errand.mailbox,
                    cursor: item.cursor,
                    id: item.id,
                    bytes: item.bytes,
                });
                if !owed.is_zero() {
                    sleep(owed).await;
                }
            }
            let ended = self.lock().done(errand, after, page.more);
            for request in ended {
                let cursor = after;
                self.outbox
                    .push_frame(&RelayFrame::UpToDate { request, cursor });
            }
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

    /// Storage did not give the page. Whoever waits for an answer gets one; for somebody who has
    /// been told that later items will come, it is tried again.
    async fn failed(&self, mailboxes: &Mailboxes, errand: Errand) {
        let ended = self.lock().failed(&errand);
        if ended.is_empty() {
            sleep(TRY_AGAIN).await;
            return;
        }
        if matches!(errand.cause, Cause::Follow(_)) {
            mailboxes.bells.remove(&errand.mailbox, self);
        }
        for request in ended {
            let reason = Failure::Unavailable;
            self.outbox
                .push_frame(&RelayFrame::Failed { request, reason });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Round> {
        // Nothing panics while it holds the lock.
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Round {
    /// Takes the next job.
    fn next(&mut self) -> Option<Errand> {
        match self.jobs.pop_front()? {
            Job::Once {
                request,
                mailbox,
                after,
            } => Some(Errand {
                mailbox,
                after,
                cause: Cause::Get(request),
            }),
            Job::Followed(mailbox) => {
                let follow = self.followed.get_mut(&mailbox)?;
                follow.queued = false;
                Some(Errand {
                    mailbox,
                    after: follow.after,
                    cause: Cause::Follow(follow.number),
                })
            }
        }
    }

    /// Makes a job of a mailbox, if it is followed and has none.
    fn queue(&mut self, mailbox: Address) {
        if let Some(follow) = self.followed.get_mut(&mailbox)
            && !mem::replace(&mut follow.queued, true)
        {
            self.jobs.push_back(Job::Followed(mailbox));
        }
    }

    /// Follows a mailbox no more. Gives the Gets that are given up with it.
    fn forget(&mut self, mailbox: &Address) -> Vec<u32> {
        let Some(follow) = self.followed.remove(mailbox) else {
            return Vec::new();
        };
        if follow.queued {
            self.jobs.retain(|job| match job {
                Job::Once { .. } => true,
                Job::Followed(followed) => followed != mailbox,
            });
        }
        self.open = self.open.saturating_sub(follow.requests.len());
        follow.requests
    }

    /// The Follow that an errand is for, if it is still followed.
    fn follow_of(&mut self, mailbox: &Address, number: u64) -> Option<&mut Follow> {
        let follow = self.followed.get_mut(mailbox)?;
        (follow.number == number).then_some(follow)
    }

    /// Whether somebody still waits for what the errand brings.
    fn wants(&mut self, errand: &Errand) -> bool {
        match errand.cause {
            Cause::Get(_) => true,
            Cause::Follow(number) => self.follow_of(&errand.mailbox, number).is_some(),
        }
    }

    /// The page is delivered. Gives the Gets that have come to their end.
    fn done(&mut self, errand: Errand, after: Cursor, more: bool) -> Vec<u32> {
        let mailbox = errand.mailbox;
        let ended = match errand.cause {
            Cause::Get(request) if more => {
                self.jobs.push_back(Job::Once {
                    request,
                    mailbox,
                    after,
                });
                Vec::new()
            }
            Cause::Get(request) => vec![request],
            Cause::Follow(number) => {
                let Some(follow) = self.follow_of(&mailbox, number) else {
                    return Vec::new();
                };
                follow.after = after;
                if more {
                    self.queue(mailbox);
                    return Vec::new();
                }
                mem::take(&mut follow.requests)
            }
        };
        self.open = self.open.saturating_sub(ended.len());
        ended
    }

    /// The page could not be read. Gives the Gets that have come to nothing; a Follow that was begun
    /// by one of them is over, any other is tried again.
    fn failed(&mut self, errand: &Errand) -> Vec<u32> {
        match errand.cause {
            Cause::Get(request) => {
                self.open = self.open.saturating_sub(1);
                vec![request]
            }
            Cause::Follow(number) => match self.follow_of(&errand.mailbox, number) {
                None => Vec::new(),
                Some(follow) if follow.requests.is_empty() => {
                    self.queue(errand.mailbox);
                    Vec::new()
                }
                Some(_) => self.forget(&errand.mailbox),
            },
        }
    }
}
