//! Which devices of a workspace are linked to which: all to all while they are few, and beyond that each to its
//! neighbours on three rings.
//!
//! On each ring the devices stand in an order of its own, by a hash of their id that nobody chooses, and each is
//! linked to the one before and the one behind. So it has at most six links; any one ring holds all together;
//! three of them, being in no relation to each other, make every way short, and a device that comes or goes changes
//! the links of six others. Who is linked to whom follows from who is there, so that both ends find the same.
//! Pure (decision 18).

use bocage_api::WorkspaceId;

use crate::crypto::domains::Domain;
use crate::crypto::hash::derive_id;
use crate::object::DeviceId;
use crate::ordered::Set;

/// So many devices are linked all to all.
pub(crate) const FULL_MAX: usize = 8;

/// The most links that follow from the rings.
pub(crate) const DEGREE: usize = 2 * RINGS;

const RINGS: usize = 3;

/// Where a device stands on each ring.
pub(crate) type Place = [u64; RINGS];

/// A device's places. Nobody can choose them in a workspace that they did not make themselves.
pub(crate) fn place(workspace: WorkspaceId, device: DeviceId) -> Place {
    let hash: [u8; 8 * RINGS] = derive_id(Domain::Ring, &[&workspace.0, &device.0]);
    let mut place = Place::default();
    for (slot, bytes) in place.iter_mut().zip(hash.chunks_exact(8)) {
        *slot = bytes
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
    }
    place
}

/// The neighbours of a device among the others that are there.
pub(crate) fn neighbours(own: &Place, others: &[(DeviceId, Place)]) -> Set<DeviceId> {
    let mut found = Set::new();
    if others.len() < FULL_MAX {
        found.extend(others.iter().map(|(device, _)| *device));
        return found;
    }
    for ring in 0..RINGS {
        let at = |place: &Place| place.get(ring).copied().unwrap_or_default();
        let own = at(own);
        let ahead = |(device, place): &&(DeviceId, Place)| (at(place).wrapping_sub(own), *device);
        let behind = |(device, place): &&(DeviceId, Place)| (own.wrapping_sub(at(place)), *device);
        found.extend(others.iter().min_by_key(ahead).map(|(device, _)| *device));
        found.extend(others.iter().min_by_key(behind).map(|(device, _)| *device));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: WorkspaceId = WorkspaceId([1; 32]);

    fn devices(count: u16, seed: u8) -> Vec<(DeviceId, Place)> {
        let device = |number: u16| {
            let mut id = [seed; 32];
            id[..2].copy_from_slice(&number.to_le_bytes());
            (DeviceId(id), place(HERE, DeviceId(id)))
        };
        (0..count).map(device).collect()
    }

    fn links(all: &[(DeviceId, Place)]) -> Vec<Set<DeviceId>> {
        let of = |number: usize| {
            let mut others = all.to_vec();
            let (_, own) = others.remove(number);
            neighbours(&own, &others)
        };
        (0..all.len()).map(of).collect()
    }

    /// How many steps the farthest is away, or `None` if not all are reached.
    fn eccentricity(
        all: &[(DeviceId, Place)],
        links: &[Set<DeviceId>],
        from: usize,
    ) -> Option<u32> {
        let mut steps = vec![None; all.len()];
        let mut queue = std::collections::VecDeque::from([from]);
        steps[from] = Some(0);
        while let Some(at) = queue.pop_front() {
            for next in 0..all.len() {
                if links[at].contains(&all[next].0) && steps[next].is_none() {
                    steps[next] = steps[at].map(|steps: u32| steps + 1);
                    queue.push_back(next);
                }
            }
        }
        steps
            .into_iter()
            .collect::<Option<Vec<u32>>>()?
            .into_iter()
            .max()
    }

    #[test]
    fn few_devices_are_linked_all_to_all() {
        for count in 1..=8 {
            let all = devices(count, 3);
            assert!(links(&all).iter().all(|links| links.len() == all.len() - 1));
        }
    }

    #[test]
    fn both_ends_find_the_same_links_and_few_of_them() {
        for (count, farthest) in [(9, 2), (16, 3), (50, 5), (100, 5), (200, 6)] {
            for seed in 0..3 {
                let all = devices(count, seed);
                let links = links(&all);
                for (number, neighbours) in links.iter().enumerate() {
                    assert!((2..=DEGREE).contains(&neighbours.len()));
                    for (other, (device, _)) in all.iter().enumerate() {
                        let there = links[other].contains(&all[number].0);
                        assert_eq!(neighbours.contains(device), there);
                    }
                }
                let steps = eccentricity(&all, &links, 0);
                assert!(
                    steps.is_some_and(|steps| steps <= farthest),
                    "{count}: {steps:?}"
                );
            }
        }
    }

    #[test]
    fn who_comes_changes_the_links_of_few() {
        let all = devices(100, 5);
        let without = links(&all[..99]);
        let with = links(&all);
        let changed = (0..99)
            .filter(|number| with[*number] != without[*number])
            .count();
        assert!((2..=DEGREE).contains(&changed), "{changed}");
    }
}
