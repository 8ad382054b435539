#![allow(clippy::unwrap_used)]
use super::*;
use crate::crypto::secret::Secret;
use crate::invite_link::InviteLink;
use crate::keys::DeviceKeys;

const HOME: WorkspaceId = WorkspaceId([1; 32]);
const OFFICE: WorkspaceId = WorkspaceId([2; 32]);
const PAGE: ItemId = ItemId([3; 16]);

fn empty(actor: u8) -> HomeDocument {
    HomeDocument::open([actor; 16], [])
}

fn keys(salt: u8) -> DeviceKeys {
    DeviceKeys::derive(&Secret::new([7; 32]), &[salt; 32])
}

fn pass(edits: &[Edit], from: &mut HomeDocument, to: &mut HomeDocument) {
    let changes = from.write(edits).unwrap();
    to.take_in(changes.iter().map(Vec::as_slice)).unwrap();
}

fn someone(name: &str) -> Profile {
    Profile {
        name: Name::parse(name).unwrap(),
        colour: Colour::new(3).unwrap(),
    }
}

#[test]
fn what_one_device_says_another_reads() {
    let (mut one, mut two) = (empty(1), empty(2));
    let settings = Settings {
        language: Some(Language::French),
        theme: Theme::Dark,
        hide_address: true,
    };
    let device = DeviceId([5; 32]);
    let entry = WorkspaceEntry {
        id: OFFICE,
        member: Fixed([6; 32]),
        is_gone: false,
    };
    let seat = Seat::new(&keys(1), (HOME, device), OFFICE, entry.member);
    let mut edits = one.tell_person(&someone("Zoé"), settings);
    edits.extend(one.tell_device(device, &Name::parse("Phone").unwrap(), Some(9)));
    edits.extend(one.tell_workspace(entry));
    edits.extend(one.tell_seat(device, &seat, true));
    pass(&edits, &mut one, &mut two);
    let read = two.contents();
    assert_eq!(read.person, Some((someone("Zoé"), settings)));
    assert_eq!(read.devices[0].added, 9);
    assert_eq!(read.workspaces, [entry]);
    assert_eq!((read.seats[0].seat, read.seats[0].actor), (seat, [1; 16]));
    assert!(read.seats[0].entered);
    // Nothing is said twice.
    assert!(two.tell_person(&someone("Zoé"), settings).is_empty());
    assert!(two.tell_workspace(entry).is_empty());
    assert!(two.tell_seat(device, &seat, true).is_empty());
}

#[test]
fn a_seat_is_of_one_device_in_one_workspace() {
    let own = DeviceId([5; 32]);
    let member = Fixed([6; 32]);
    let seat = Seat::new(&keys(1), (HOME, own), OFFICE, member);
    assert!(seat.is_of(HOME, own));
    assert!(!seat.is_of(HOME, DeviceId([6; 32])));
    assert!(!seat.is_of(OFFICE, own));
    let elsewhere = Seat {
        workspace: Fixed([9; 32]),
        ..seat
    };
    assert!(!elsewhere.is_of(HOME, own));
    let other = keys(2);
    let swapped = Seat {
        device: other.id(),
        ..seat
    };
    assert!(!swapped.is_of(HOME, own));
    let member = Seat {
        member: Fixed([8; 32]),
        ..seat
    };
    assert!(!member.is_of(HOME, own));
}

#[test]
fn what_devices_sign_and_show_at_home_is_the_bytes_that_it_was() {
    let own = DeviceId([5; 32]);
    let seat = Seat::new(&keys(1), (HOME, own), OFFICE, Fixed([6; 32]));
    let head = GrantHead {
        workspace: Fixed(OFFICE.0),
        device: seat.device,
        parts: 3,
    };
    let salt = crate::keys::seat_salt(&Secret::new([7; 32]), own, OFFICE);
    let link = InviteLink::for_device(HOME, [2; 16], own).to_text();
    let known = include_str!("../../../tests/golden/home.hex");
    let parts = [codec::to_bytes(&seat), codec::to_bytes(&head)];
    let [seat_bytes, head] = &parts;
    let item = seat.item(own).0;
    crate::golden::check(known, &[seat_bytes, head, &salt, &item, link.as_bytes()]);
}

#[test]
fn a_long_log_comes_in_parts_and_all_or_nothing() {
    let (mut one, mut two) = (empty(1), empty(2));
    let device = DeviceId([4; 32]);
    let log = [vec![1; 30_000], vec![2; 10_000], vec![3; 5]];
    let parts = || log.iter().map(Vec::as_slice);
    let edits = one
        .grant(DeviceId([5; 32]), OFFICE, device, parts())
        .unwrap();
    let (last, before) = edits.split_last().unwrap();
    pass(before, &mut one, &mut two);
    let grant = two.contents().grants[0];
    assert_eq!((grant.workspace, grant.device), (OFFICE, device));
    assert_eq!(two.granted(&grant), None);
    pass(std::slice::from_ref(last), &mut one, &mut two);
    let read = two.granted(&grant).unwrap();
    assert!(read.iter().map(|blob| &blob.0).eq(log.iter()));
    let cleared = HomeDocument::clear_grant(&grant);
    pass(&cleared, &mut two, &mut one);
    assert_eq!(one.granted(&grant), None);
    let large = vec![0; VALUE_MAX];
    let large = std::iter::repeat_n(large.as_slice(), usize::from(PARTS_MAX) + 1);
    assert_eq!(one.grant(device, OFFICE, device, large), None);
}

#[test]
fn a_mark_only_moves_forward_whoever_says_it_last() {
    let (mut one, mut two) = (empty(1), empty(2));
    let near = two.mark_seen(OFFICE, PAGE, 5);
    let far = one.mark_seen(OFFICE, PAGE, 9);
    let (near, far) = (two.write(&near).unwrap(), one.write(&far).unwrap());
    one.take_in(near.iter().map(Vec::as_slice)).unwrap();
    two.take_in(far.iter().map(Vec::as_slice)).unwrap();
    for device in [&one, &two] {
        assert_eq!(device.seen(OFFICE, PAGE), 9);
        assert_eq!(device.seen(HOME, PAGE), 0);
        assert!(device.mark_seen(OFFICE, PAGE, 9).is_empty());
    }
    let on = two.mark_seen(OFFICE, PAGE, 10);
    pass(&on, &mut two, &mut one);
    assert_eq!(one.seen(OFFICE, PAGE), 10);
}

#[test]
fn a_draft_is_kept_until_it_is_empty() {
    let (mut one, mut two) = (empty(1), empty(2));
    let edits = one.keep_draft(OFFICE, PAGE, "Chère Zoé");
    pass(&edits, &mut one, &mut two);
    assert_eq!(two.draft(OFFICE, PAGE).as_deref(), Some("Chère Zoé"));
    let edits = two.keep_draft(OFFICE, PAGE, "");
    pass(&edits, &mut two, &mut one);
    assert_eq!(one.draft(OFFICE, PAGE), None);
    assert!(one.keep_draft(OFFICE, PAGE, "").is_empty());
}
