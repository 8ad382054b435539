//! How two devices find out what each lacks of the other's, however much both have: they compare sums
//! over ranges of names, and divide where the sums differ (range-based set reconciliation, A. Meyer,
//! "Range-Based Set Reconciliation", SRDS 2023).
//!
//! A device has *items*: an operation, the newest receipt of a device, so much of a chain. Who has
//! nothing new says so in one message of a fixed size. Pure: what the items are, and what is sent, is
//! [`crate::workspace`]'s to say.

use crate::batch::SessionId;
use crate::chains::ChainId;
use crate::codec::{Fixed, coded};
use crate::crypto::domains::Domain;
use crate::crypto::hash::derive_id;
use crate::object::{DeviceId, ObjectId};

/// Ranges of so many items are told item by item.
const LEAF: usize = 32;

/// Into how many parts a range is divided.
const PARTS: usize = 16;

/// The most items and spans in a message.
const WEIGHT_MAX: usize = 1_024;

/// Names an item. The order is the same with everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// An operation of the log.
    Op(ObjectId),
    /// The newest receipt of a device.
    Receipt(DeviceId),
    /// A chain.
    Chain(DeviceId, SessionId),
}

coded!(flat enum Key {
    0 => Op(value),
    1 => Receipt(value),
    2 => Chain(a, b),
});

/// How much of an item somebody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Of a chain, how many batches; of a receipt, its counter; of an operation, 1. Nothing of it: 0.
    pub count: u64,
    /// Of a chain, which branches of it; of a receipt, the first half of its id; of an operation, zeros.
    pub mark: Mark,
}

coded!(struct Extent { count, mark });

/// Tells branches of a chain apart: the first half of the last batch's id, or a hash over the ids where
/// there are several last ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub [u8; 16]);

coded!(bytes Mark);

/// An item, and how much of it somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which.
    pub key: Key,
    /// How much.
    pub extent: Extent,
}

coded!(struct Item { key, extent });

/// What is told of the items from one name (or the first) up to, and without, another (or the last).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// A sum over them.
    Sum {
        /// The first name.
        from: Option<Key>,
        /// The name after the last.
        until: Option<Key>,
        /// The sum.
        sum: Fixed<16>,
    },
    /// All of them, by rising name.
    Items {
        /// The first name.
        from: Option<Key>,
        /// The name after the last.
        until: Option<Key>,
        /// The items.
        items: Vec<Item>,
    },
    /// Of these the sender has only so much, or something else.
    Short {
        /// The items, by rising name.
        items: Vec<Item>,
        /// Whether the other end is to tell where it has something else.
        asks: bool,
    },
}

coded!(flat enum Span {
    0 => Sum { from, until, sum },
    1 => Items { from, until, items },
    2 => Short { items, asks },
});

/// What a device has.
pub trait Holdings {
    /// All items, by rising name.
    fn items(&self) -> &[Item];
    /// Whether it has all that somebody else with so much of an item has.
    fn includes(&self, key: Key, theirs: Extent) -> bool;
}

/// What follows from what somebody has told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Items of which they are to be sent what they lack, and how much they have.
    pub send: Vec<Item>,
    /// What they are to be told.
    pub reply: Vec<Span>,
}

/// Begins a comparison.
pub fn begin(mine: &dyn Holdings) -> Vec<Span> {
    let mut spans = Vec::new();
    divide(mine.items(), None, None, &mut spans);
    spans
}

/// Answers what was told.
pub fn answer(mine: &dyn Holdings, spans: &[Span]) -> Answer {
    let mut answer = Answer::default();
    for span in spans {
        match span {
            Span::Sum { from, until, sum } => {
                let items = range(mine.items(), *from, *until);
                if Fixed(sum_of(items)) != *sum {
                    divide(items, *from, *until, &mut answer.reply);
                }
            }
            Span::Items { from, until, items } => {
                compare(mine, range(mine.items(), *from, *until), items, &mut answer);
            }
            Span::Short { items, asks } => {
                for theirs in items {
                    complete(mine, *theirs, *asks, &mut answer);
                }
            }
        }
    }
    answer
}

/// Whether spans are as [`begin`] and [`answer`] make them.
pub(crate) fn are_well_formed(spans: &[Span]) -> bool {
    let rises = |items: &[Item]| items.is_sorted_by(|a, b| a.key < b.key);
    weight_of(spans) <= WEIGHT_MAX
        && spans.iter().all(|span| match span {
            Span::Sum { .. } => true,
            Span::Items { items, .. } | Span::Short { items, .. } => rises(items),
        })
}

/// Puts spans into messages of a bounded size, in their order.
pub(crate) fn pack(spans: Vec<Span>) -> Vec<Vec<Span>> {
    let mut messages: Vec<Vec<Span>> = Vec::new();
    let mut weight = 0usize;
    for span in spans {
        let more = weight_of(core::slice::from_ref(&span));
        weight = weight.saturating_add(more);
        match messages.last_mut() {
            Some(message) if weight <= WEIGHT_MAX => message.push(span),
            Some(_) | None => {
                weight = more;
                messages.push(vec![span]);
            }
        }
    }
    messages
}

fn weight_of(spans: &[Span]) -> usize {
    let weight = |span: &Span| match span {
        Span::Sum { .. } => 1,
        Span::Items { items, .. } | Span::Short { items, .. } => items.len().saturating_add(1),
    };
    spans.iter().map(weight).sum()
}

/// Tells items one by one if they are few, else sums over parts of them.
fn divide(items: &[Item], from: Option<Key>, until: Option<Key>, spans: &mut Vec<Span>) {
    if items.len() <= LEAF {
        let items = items.to_vec();
        return spans.push(Span::Items { from, until, items });
    }
    let size = items.len().div_ceil(PARTS);
    let mut begins = from;
    let mut rest = items;
    while let Some((part, after)) = rest.split_at_checked(size.min(rest.len())) {
        let ends = after.first().map_or(until, |next| Some(next.key));
        let sum = Fixed(sum_of(part));
        spans.push(Span::Sum {
            from: begins,
            until: ends,
            sum,
        });
        if after.is_empty() {
            return;
        }
        begins = ends;
        rest = after;
    }
}

/// Compares my items of a range with all of theirs.
fn compare(mine: &dyn Holdings, own: &[Item], theirs: &[Item], answer: &mut Answer) {
    let of = |items: &[Item], key: Key| {
        let at = items.binary_search_by_key(&key, |item| item.key).ok()?;
        items.get(at).map(|item| item.extent)
    };
    for item in own {
        match of(theirs, item.key) {
            None => answer.send.push(Item {
                key: item.key,
                extent: Extent::default(),
            }),
            Some(extent) if extent != item.extent && mine.includes(item.key, extent) => {
                answer.send.push(Item {
                    key: item.key,
                    extent,
                });
            }
            Some(_) => {}
        }
    }
    let items: Vec<Item> = theirs
        .iter()
        .map(|item| (item, of(own, item.key).unwrap_or_default()))
        .filter(|(item, own)| *own != item.extent && !mine.includes(item.key, item.extent))
        .map(|(item, extent)| Item {
            key: item.key,
            extent,
        })
        .collect();
    if !items.is_empty() {
        answer.reply.push(Span::Short { items, asks: true });
    }
}

/// Somebody has told how little they have of an item.
fn complete(mine: &dyn Holdings, theirs: Item, asks: bool, answer: &mut Answer) {
    let items = mine.items();
    let own = items.binary_search_by_key(&theirs.key, |item| item.key);
    let Some(own) = own.ok().and_then(|at| items.get(at)) else {
        return;
    };
    if theirs.extent.count == 0 || mine.includes(theirs.key, theirs.extent) {
        return answer.send.push(theirs);
    }
    // They have something else: each is told all.
    let extent = Extent::default();
    answer.send.push(Item {
        key: theirs.key,
        extent,
    });
    if asks {
        answer.reply.push(Span::Short {
            items: vec![*own],
            asks: false,
        });
    }
}

fn range(items: &[Item], from: Option<Key>, until: Option<Key>) -> &[Item] {
    let first = from.map_or(0, |from| items.partition_point(|item| item.key < from));
    let end = until.map_or(items.len(), |until| {
        items.partition_point(|item| item.key < until)
    });
    items.get(first..end).unwrap_or_default()
}

fn sum_of(items: &[Item]) -> [u8; 16] {
    let mut bytes = Vec::with_capacity(items.len().saturating_mul(73));
    for item in items {
        match item.key {
            Key::Op(id) => {
                bytes.push(0);
                bytes.extend_from_slice(&id.0);
            }
            Key::Receipt(device) => {
                bytes.push(1);
                bytes.extend_from_slice(&device.0);
            }
            Key::Chain(device, session) => {
                bytes.push(2);
                bytes.extend_from_slice(&device.0);
                bytes.extend_from_slice(&session.0);
            }
        }
        bytes.extend_from_slice(&item.extent.count.to_le_bytes());
        bytes.extend_from_slice(&item.extent.mark.0);
    }
    derive_id(Domain::Reconcile, &[&bytes])
}

impl From<ChainId> for Key {
    fn from(chain: ChainId) -> Self {
        Self::Chain(chain.device, chain.session)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Chains without branches, by a number each.
    #[derive(Clone, Default)]
    struct Device {
        items: Vec<Item>,
    }

    fn key(n: u16) -> Key {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&n.to_be_bytes());
        Key::Chain(DeviceId(id), Fixed([1; 16]))
    }

    impl Device {
        fn with(counts: &BTreeMap<u16, u64>) -> Self {
            let item = |(n, count): (&u16, &u64)| Item {
                key: key(*n),
                extent: Extent {
                    count: *count,
                    mark: Mark([0; 16]),
                },
            };
            Self {
                items: counts.iter().map(item).collect(),
            }
        }
    }

    impl Holdings for Device {
        fn items(&self) -> &[Item] {
            &self.items
        }

        fn includes(&self, key: Key, theirs: Extent) -> bool {
            let own = self.items.iter().find(|item| item.key == key);
            own.is_some_and(|own| own.extent.count >= theirs.count)
        }
    }

    /// Lets two compare; gives what each is sent, and how many messages that took.
    fn compared(a: &Device, b: &Device) -> ([Vec<Item>; 2], usize) {
        let mut sent = [Vec::new(), Vec::new()];
        let mut told: Vec<(usize, Vec<Span>)> = vec![(1, begin(a))];
        let mut messages = 0;
        while let Some((to, spans)) = told.pop() {
            for message in pack(spans) {
                assert!(are_well_formed(&message));
                messages += 1;
                assert!(messages < 1_000, "they never end");
                let answer = answer([a, b][to], &message);
                sent[1 - to].extend(answer.send);
                if !answer.reply.is_empty() {
                    told.push((1 - to, answer.reply));
                }
            }
        }
        (sent, messages)
    }

    #[test]
    fn who_have_the_same_say_so_in_one_small_message() {
        let counts: BTreeMap<u16, u64> = (0..10_000).map(|n| (n, 7)).collect();
        let device = Device::with(&counts);
        let (sent, messages) = compared(&device, &device);
        assert_eq!((sent, messages), ([vec![], vec![]], 1));
        let bytes: usize = crate::codec::to_bytes(&begin(&device)).len();
        assert!(bytes <= 4_096, "{bytes}");
    }

    #[test]
    fn one_difference_among_many_is_found_quickly() {
        let counts: BTreeMap<u16, u64> = (0..10_000).map(|n| (n, 7)).collect();
        let a = Device::with(&counts);
        let mut more = counts.clone();
        more.insert(5_000, 9);
        let b = Device::with(&more);
        let (sent, messages) = compared(&a, &b);
        let extent = Extent {
            count: 7,
            mark: Mark([0; 16]),
        };
        assert_eq!(
            sent[0],
            [Item {
                key: key(5_000),
                extent
            }]
        );
        assert!(sent[1].is_empty() && messages <= 5, "{messages}");
    }

    proptest! {
        #[test]
        fn each_is_sent_what_it_lacks_and_nothing_else(
            a in proptest::collection::btree_map(0u16..400, 1u64..4, 0..300),
            b in proptest::collection::btree_map(0u16..400, 1u64..4, 0..300),
        ) {
            let (sent, _) = compared(&Device::with(&a), &Device::with(&b));
            for (mine, theirs, sent) in [(&a, &b, &sent[0]), (&b, &a, &sent[1])] {
                let lacks: BTreeMap<Key, u64> = theirs
                    .iter()
                    .map(|(n, count)| (n, count, mine.get(n).copied().unwrap_or(0)))
                    .filter(|(_, theirs, mine)| *theirs > mine)
                    .map(|(n, _, mine)| (key(*n), mine))
                    .collect();
                let got: BTreeMap<Key, u64> =
                    sent.iter().map(|item| (item.key, item.extent.count)).collect();
                prop_assert_eq!(sent.len(), got.len());
                prop_assert_eq!(got, lacks);
            }
        }
    }
}
