//! Who is told when something is put into a mailbox. What they do then is their affair.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::courier::Courier;
use super::store::Address;

/// The couriers of those who follow, by mailbox.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    /// No mailbox has an empty list.
    by_mailbox: Mutex<HashMap<Address, Vec<Arc<Courier>>>>,
}

impl Bells {
    /// Rings at `courier` from now on.
    pub(super) fn add(&self, mailbox: Address, courier: &Arc<Courier>) {
        let mut bells = self.lock();
        bells.entry(mailbox).or_default().push(Arc::clone(courier));
    }

    /// Does not ring at `courier` any more.
    pub(super) fn remove(&self, mailbox: &Address, courier: &Courier) {
        let mut bells = self.lock();
        if let Some(couriers) = bells.get_mut(mailbox) {
            couriers.retain(|other| !std::ptr::eq(Arc::as_ptr(other), courier));
            if couriers.is_empty() {
                bells.remove(mailbox);
            }
        }
    }

    /// Something was put into the mailbox.
    pub(super) fn ring(&self, mailbox: Address) {
        // Couriers come here with their own lock held, so they must not be rung with this one held.
        let couriers = self.lock().get(&mailbox).cloned().unwrap_or_default();
        for courier in couriers {
            courier.ring(mailbox);
        }
    }

    /// How many mailboxes have a bell.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Vec<Arc<Courier>>>> {
        // Nothing panics while it holds the lock.
        self.by_mailbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
