//! Who counts as one: everybody of one IPv4 address, or of one IPv6 /64, is a *household*.
//!
//! An office or a home usually has one of these, and so has somebody who wants to do harm and has
//! only one line. What a household may use is bounded, whatever number of sockets it spreads it
//! over. That somebody has many networks is not seen here; limits on all together stand against it.
//!
//! Addresses are held in memory while they count for something, and never leave it.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::limits::Limits;
use crate::rate::{Bucket, Purse};

/// All households that count at the moment.
#[derive(Debug)]
pub(crate) struct Households {
    table: Mutex<Table>,
    limits: Limits,
    /// What depositors are told apart by. Another one in each run, and kept nowhere.
    secret: RandomState,
}

#[derive(Debug)]
struct Table {
    by_network: HashMap<Network, Arc<Household>>,
    /// With so many, those that no longer count are looked for.
    tidy_at: usize,
    tidied: Option<Instant>,
}

/// A household, and what it has left.
#[derive(Debug)]
pub(crate) struct Household {
    network: Network,
    connections: Arc<Semaphore>,
    sockets: Arc<Semaphore>,
    held: Arc<Semaphore>,
    left: Mutex<Left>,
}

/// What a household has left of its shares.
#[derive(Debug)]
pub(crate) struct Left {
    arrivals: Bucket,
    /// What it may still leave in mailboxes, all together.
    deposits: Bucket,
    /// The same as each socket has, but for all of its sockets together.
    pub(crate) purse: Purse,
}

/// The part of an address that decides: all of an IPv4 address, half of an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Network(u128);

/// How many households there are before it is first looked for those that no longer count.
const FEW: usize = 1_024;

/// How often at most.
const TIDY_PAUSE: Duration = Duration::from_secs(1);

impl Households {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            table: Mutex::new(Table {
                by_network: HashMap::new(),
                tidy_at: FEW,
                tidied: None,
            }),
            limits: limits.clone(),
            secret: RandomState::new(),
        }
    }

    /// The household of an address.
    pub(crate) fn of(&self, now: Instant, address: IpAddr) -> Arc<Household> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let network = Network::of(address);
        if let Some(known) = table.by_network.get(&network) {
            return Arc::clone(known);
        }
        table.tidy(now, self.limits.households);
        let network = if table.by_network.len() < self.limits.households {
            network
        } else {
            // No more can be told apart: those who come now count as one.
            Network::OTHERS
        };
        let new = || Arc::new(Household::new(now, network, &self.limits));
        Arc::clone(table.by_network.entry(network).or_insert_with(new))
    }

    /// Tells depositors of one mailbox apart while this relay runs, and says nothing else about them:
    /// not whether two mailboxes have the same one, and nothing at all to another run.
    pub(crate) fn depositor(&self, household: &Household, mailbox: &[u8; 32]) -> u64 {
        self.secret.hash_one((household.network, mailbox))
    }
}

impl Table {
    /// Forgets who is gone and owes nothing, seldom enough to cost each newcomer little.
    fn tidy(&mut self, now: Instant, most: usize) {
        let is_soon = |at: Instant| now.saturating_duration_since(at) < TIDY_PAUSE;
        if self.by_network.len() < self.tidy_at.min(most) || self.tidied.is_some_and(is_soon) {
            return;
        }
        self.by_network.retain(|_, household| {
            Arc::strong_count(household) > 1 || !household.left().is_whole(now)
        });
        self.tidy_at = FEW.max(2 * self.by_network.len());
        self.tidied = Some(now);
    }
}

impl Household {
    fn new(now: Instant, network: Network, limits: &Limits) -> Self {
        let room = |size: u32| Arc::new(Semaphore::new(size as usize));
        Self {
            network,
            connections: room(limits.household_connections),
            sockets: room(limits.household_sockets),
            held: room(limits.household_held),
            left: Mutex::new(Left {
                arrivals: Bucket::full(limits.household_arrivals, now),
                deposits: Bucket::full(limits.household_deposits(), now),
                purse: Purse::full(&limits.household_rates, now),
            }),
        }
    }

    /// A place for one more connection in its HTTP phase.
    pub(crate) fn arrive(&self, now: Instant) -> Option<OwnedSemaphorePermit> {
        if !self.left().arrivals.take(now, 1) {
            return None;
        }
        Arc::clone(&self.connections).try_acquire_owned().ok()
    }

    /// A place for one more WebSocket.
    pub(crate) fn open_socket(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.sockets).try_acquire_owned().ok()
    }

    /// One more seat in a room, or followed mailbox: each takes memory for as long as it is held.
    pub(crate) fn hold(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.held).try_acquire_owned().ok()
    }

    /// Takes from what may be left in mailboxes, if it is there.
    pub(crate) fn deposit(&self, now: Instant, cost: u32) -> bool {
        self.left().deposits.take(now, cost)
    }

    /// Nothing came of a deposit.
    pub(crate) fn take_back(&self, cost: u32) {
        self.left().deposits.give(cost);
    }

    pub(crate) fn left(&self) -> MutexGuard<'_, Left> {
        // Nothing panics while it holds the lock.
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Left {
    /// Whether somebody new would have as much.
    fn is_whole(&mut self, now: Instant) -> bool {
        self.arrivals.is_full(now) && self.deposits.is_full(now) && self.purse.is_full(now)
    }
}

impl Network {
    /// No address has it: it is the one that stands for none.
    const OTHERS: Self = Self(0);

    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::Rate;

    fn same(one: &str, other: &str) -> bool {
        let network = |text: &str| Network::of(text.parse().unwrap());
        network(one) == network(other)
    }

    #[test]
    fn a_household_is_an_address_or_half_of_one() {
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("192.0.2.1", "::ffff:192.0.2.2"));
        assert!(same("2001:db8::1", "2001:db8::ffff:2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
    }

    #[test]
    fn who_is_gone_and_owes_nothing_is_forgotten() {
        let households = Households::new(&Limits::default());
        let start = Instant::now();
        let stays = households.of(start, [10, 0, 0, 1].into());
        let owes = households.of(start, [10, 0, 0, 2].into());
        assert!(owes.deposit(start, 1_000_000));
        drop(owes);
        let count = u32::try_from(FEW).unwrap();
        for n in 2..=count {
            households.of(start, std::net::Ipv4Addr::from_bits(n).into());
        }
        let held = || households.table.lock().unwrap().by_network.len();
        assert_eq!(held(), 3, "those two, and whoever came last");
        drop(stays);
        let later = start + Duration::from_hours(24 * 60);
        for n in 0..count {
            households.of(later, std::net::Ipv4Addr::from_bits(n).into());
        }
        assert!(held() < FEW, "{}", held());
    }

    #[test]
    fn those_who_cannot_be_told_apart_count_as_one() {
        let limits = Limits {
            households: 2,
            household_arrivals: Rate {
                per_second: 1,
                burst: 1,
            },
            ..Limits::default()
        };
        let households = Households::new(&limits);
        let now = Instant::now();
        let come = |n: u8| {
            let household = households.of(now, [10, 0, 0, n].into());
            household.arrive(now).is_some()
        };
        assert!(come(1) && come(2) && come(3));
        assert!(!come(4), "another chance for whoever has many networks");
    }

    #[test]
    fn depositors_of_different_mailboxes_cannot_be_compared() {
        let households = Households::new(&Limits::default());
        let now = Instant::now();
        let ada = households.of(now, [10, 0, 0, 1].into());
        let bob = households.of(now, [10, 0, 0, 2].into());
        let depositor = |household, mailbox| households.depositor(household, &[mailbox; 32]);
        assert_eq!(depositor(&ada, 1), depositor(&ada, 1));
        assert_ne!(depositor(&ada, 1), depositor(&bob, 1));
        assert_ne!(depositor(&ada, 1), depositor(&ada, 2));
        let next_run = Households::new(&Limits::default());
        assert_ne!(depositor(&ada, 1), next_run.depositor(&ada, &[1; 32]));
    }
}
