//! Items below each other.
//!
//! Where an item is, is one value: its parent and its order among its siblings, so that a move is
//! made or not made, never half. What people moved at the same time can go round in a circle, and a
//! parent can be deleted while somebody adds to it. What is shown then follows from the items alone:
//!
//! - **A circle is cut at the item that was moved last** (by [`Stamp`]), which comes to the root. What
//!   was moved before it stays where it was put, and whoever moves the item again mends the circle.
//! - **An item whose parent is deleted is listed where the parent was**, behind those that belong there.
//!   It is not deleted itself: to delete what is below as well is a command that names each, so that
//!   what somebody else added there meanwhile stays in sight. When the parent is restored, all is as
//!   before.
//! - An item whose parent is not in the document is at the root, as is what was never put anywhere.

use std::collections::{HashMap, HashSet};

use bocage_api::ItemId;

use super::edit::Edit;
use super::item::Item;
use super::order::{Order, insert};
use super::value::Stamp;

/// Where an item is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it is below; `None` is the root.
    pub parent: Option<ItemId>,
    /// Where among its siblings.
    pub order: Order,
}

/// An item, as far as the tree is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: ItemId,
    /// Where it was put, and by which operation.
    pub place: Option<(Place, Stamp)>,
    /// Whether it is not deleted.
    pub is_live: bool,
}

/// The items that are not deleted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    children: HashMap<Option<ItemId>, Vec<Child>>,
    parents: HashMap<ItemId, Option<ItemId>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Child {
    /// Whether it is here only while its parent is deleted or in a circle.
    is_guest: bool,
    order: Order,
    id: ItemId,
}

impl Place {
    /// The place as bytes: 0 for the root or 1 and the parent, then the order.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = match self.parent {
            None => vec![0],
            Some(parent) => [&[1], parent.0.as_slice()].concat(),
        };
        bytes.extend_from_slice(self.order.as_bytes());
        bytes
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (parent, order) = match bytes.split_first()? {
            (0, order) => (None, order),
            (1, rest) => {
                let (parent, order) = rest.split_first_chunk()?;
                (Some(ItemId(*parent)), order)
            }
            _ => return None,
        };
        let order = Order::parse(order)?;
        Some(Self { parent, order })
    }
}

impl From<&Item> for Node {
    fn from(item: &Item) -> Self {
        Self {
            id: item.id(),
            place: item.place().cloned(),
            is_live: item.deleted().is_none(),
        }
    }
}

impl Tree {
    /// The tree of these items, each of which is there once. Costs time in proportion to how many
    /// there are, and to sort siblings.
    pub fn of(nodes: &[Node]) -> Self {
        let known: HashMap<ItemId, usize> = nodes.iter().map(|n| n.id).zip(0..).collect();
        let mut above: Vec<Option<usize>> = nodes
            .iter()
            .map(|node| known.get(&node.place.as_ref()?.0.parent?).copied())
            .collect();
        cut_circles(nodes, &mut above);
        let shown = live_parents(nodes, &above);

        let mut tree = Self::default();
        for (node, parent) in nodes.iter().zip(shown).filter(|(node, _)| node.is_live) {
            let parent = parent.and_then(|at| nodes.get(at)).map(|node| node.id);
            let (own, order) = match &node.place {
                None => (None, Order::UNPLACED),
                Some((place, _)) => (place.parent, place.order.clone()),
            };
            let child = Child {
                is_guest: parent != own,
                order,
                id: node.id,
            };
            tree.parents.insert(node.id, parent);
            tree.children.entry(parent).or_default().push(child);
        }
        for children in tree.children.values_mut() {
            children.sort_unstable();
        }
        tree
    }

    /// What is below an item, or at the root, in its order.
    pub fn children(&self, parent: Option<ItemId>) -> impl Iterator<Item = ItemId> {
        let children = self.children.get(&parent).into_iter().flatten();
        children.map(|child| child.id)
    }

    /// What an item is below; `Some(None)` is the root, `None` that it is not in the tree.
    pub fn parent(&self, item: ItemId) -> Option<Option<ItemId>> {
        self.parents.get(&item).copied()
    }

    /// All items from the top, each before those below it, with how deep it is: 0 at the root.
    pub fn walk(&self) -> Vec<(usize, ItemId)> {
        let mut all = Vec::with_capacity(self.parents.len());
        let mut left: Vec<(usize, ItemId)> = self.children(None).map(|id| (0, id)).collect();
        left.reverse();
        while let Some((depth, id)) = left.pop() {
            all.push((depth, id));
            let first = left.len();
            left.extend(
                self.children(Some(id))
                    .map(|id| (depth.saturating_add(1), id)),
            );
            if let Some(below) = left.get_mut(first..) {
                below.reverse();
            }
        }
        all
    }

    /// An item and all that is below it.
    pub fn below(&self, item: ItemId) -> Vec<ItemId> {
        let mut all = vec![item];
        let mut at = 0usize;
        while let Some(id) = all.get(at).copied() {
            all.extend(self.children(Some(id)));
            at = at.saturating_add(1);
        }
        all
    }

    /// The edits that put an item below another, or at the root, as number `at` of those there without
    /// it. `None` if that is the item itself or below it.
    pub fn put(&self, item: ItemId, parent: Option<ItemId>, at: usize) -> Option<Vec<Edit>> {
        let mut seen = HashSet::new();
        let mut above = parent;
        while let Some(id) = above.filter(|id| seen.insert(*id)) {
            if id == item {
                return None;
            }
            above = self.parent(id).flatten();
        }
        // Guests are sorted behind, and keep the place that they come back to.
        let siblings: Vec<(ItemId, Order)> = self
            .children
            .get(&parent)
            .into_iter()
            .flatten()
            .filter(|child| !child.is_guest && child.id != item)
            .map(|child| (child.id, child.order.clone()))
            .collect();
        let keys = insert(&siblings, at, item);
        let edit = |(id, order)| Edit::place(id, &Place { parent, order });
        Some(keys.into_iter().map(edit).collect())
    }
}

/// Cuts each circle at the item that was moved last.
fn cut_circles(nodes: &[Node], above: &mut [Option<usize>]) {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        /// On the way up from this item.
        From(usize),
    }
    let moved = |at: &usize| {
        let place = nodes.get(*at).and_then(|node| node.place.as_ref());
        place.map(|(_, stamp)| *stamp)
    };
    let mut seen = vec![Seen::Not; nodes.len()];
    for start in 0..nodes.len() {
        let mut at = Some(start);
        let mut way = Vec::new();
        while let Some(here) = at {
            let Some(slot) = seen.get_mut(here) else {
                break;
            };
            if *slot == Seen::From(start) {
                let circle = way.iter().skip_while(|on_way| **on_way != here);
                let last = circle.copied().max_by_key(moved);
                if let Some(slot) = last.and_then(|last| above.get_mut(last)) {
                    *slot = None;
                }
                break;
            }
            if *slot != Seen::Not {
                break;
            }
            *slot = Seen::From(start);
            way.push(here);
            at = above.get(here).copied().flatten();
        }
    }
}

/// For each item the nearest above it that is not deleted. There must be no circles.
fn live_parents(nodes: &[Node], above: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut found: Vec<Option<Option<usize>>> = vec![None; nodes.len()];
    for start in 0..nodes.len() {
        let mut way = Vec::new();
        let mut at = start;
        let live = loop {
            if let Some(known) = found.get(at).copied().flatten() {
                break known;
            }
            way.push(at);
            match above.get(at).copied().flatten() {
                None => break None,
                Some(parent) if nodes.get(parent).is_some_and(|node| node.is_live) => {
                    break Some(parent);
                }
                Some(parent) => at = parent,
            }
        };
        for on_way in way {
            if let Some(slot) = found.get_mut(on_way) {
                *slot = Some(live);
            }
        }
    }
    found.into_iter().map(Option::flatten).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn id(n: u8) -> ItemId {
        ItemId([n; 16])
    }

    fn node(n: u8, parent: Option<u8>, moved: u64) -> Node {
        let order = Order::parse(&[n.max(1)]).unwrap();
        let parent = parent.map(id);
        let actor = [0; 16];
        let counter = moved;
        Node {
            id: id(n),
            place: Some((Place { parent, order }, Stamp { counter, actor })),
            is_live: true,
        }
    }

    #[test]
    fn a_circle_is_cut_at_what_was_moved_last() {
        let nodes = [
            node(1, Some(3), 10),
            node(2, Some(1), 30),
            node(3, Some(2), 20),
            node(4, Some(4), 5),
            node(5, Some(3), 1),
        ];
        let tree = Tree::of(&nodes);
        let expected = [(0, 2), (1, 3), (2, 1), (2, 5), (0, 4)];
        let expected: Vec<_> = expected.map(|(depth, n)| (depth, id(n))).into();
        assert_eq!(tree.walk(), expected);
        assert_eq!(tree.put(id(3), Some(id(5)), 0), None);
    }

    #[test]
    fn what_is_below_a_deleted_item_is_listed_where_that_was() {
        let mut nodes = [
            node(9, None, 1),
            node(1, Some(9), 1),
            node(2, Some(1), 1),
            node(3, Some(9), 1),
            node(4, Some(77), 1),
        ];
        nodes[1].is_live = false;
        let tree = Tree::of(&nodes);
        assert!(tree.children(Some(id(9))).eq([id(3), id(2)]));
        assert!(tree.children(None).eq([id(9), id(4)]));
        nodes[1].is_live = true;
        assert!(Tree::of(&nodes).children(Some(id(1))).eq([id(2)]));
    }

    #[test]
    fn a_long_way_up_costs_no_more_than_many_short_ones() {
        let long = |n: u32| ItemId(u128::from(n).to_be_bytes());
        let nodes: Vec<Node> = (0..100_000)
            .map(|n| {
                let mut node = node(1, None, u64::from(n));
                node.id = long(n);
                node.place.as_mut().unwrap().0.parent = Some(long((n + 1) % 100_000));
                node.is_live = n % 3 == 0;
                node
            })
            .collect();
        let walk = Tree::of(&nodes).walk();
        assert_eq!(walk.len(), 33_334);
        assert_eq!(walk.last().unwrap().0, 33_333);
    }

    proptest! {
        #[test]
        fn every_live_item_is_in_the_tree_once(
            nodes in proptest::collection::vec((proptest::option::of(0u8..20), 0u64..9, any::<bool>()), 0..16),
            seed in any::<proptest::sample::Index>(),
        ) {
            let mut nodes: Vec<Node> = (0..).zip(nodes).map(|(n, (parent, moved, is_live))| {
                Node { is_live, ..node(n, parent, moved * 256 + u64::from(n)) }
            }).collect();
            let tree = Tree::of(&nodes);
            let mut walk: Vec<ItemId> = tree.walk().into_iter().map(|(_, id)| id).collect();
            walk.sort();
            let live: Vec<ItemId> = nodes.iter().filter(|n| n.is_live).map(|n| n.id).collect();
            prop_assert_eq!(walk, live);
            // It does not depend on the order in which items come.
            let by = seed.index(nodes.len().max(1));
            nodes.rotate_left(by);
            nodes.reverse();
            prop_assert_eq!(Tree::of(&nodes), tree);
        }
    }
}
