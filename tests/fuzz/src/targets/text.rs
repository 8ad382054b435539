//! Texts that people paste, type or drop in.

use bocage_api::delta::{Order, Step};
use bocage_api::{Name, TextDelta};
use bocage_core::invite_link::InviteLink;

use super::choice;

/// Links of invitations, and names.
pub(super) fn links(input: &[u8]) {
    let (which, bytes) = choice(input, 2);
    let text = String::from_utf8_lossy(bytes);
    if which == 0 {
        if let Ok(link) = InviteLink::parse(&text) {
            assert_eq!(link.to_text(), text.trim(), "one link has one text");
        }
    } else if let Ok(name) = Name::parse(&text) {
        assert_eq!(Name::parse(name.as_str()).as_ref(), Ok(&name));
        assert!(!name.initials().is_empty());
    }
}

/// Changes to a text that two people make at the same time, and what comes of them together.
pub(super) fn texts(input: &[u8]) {
    let mut rest = input;
    let text = taken(&mut rest);
    let text: Vec<u16> = String::from_utf8_lossy(text).encode_utf16().collect();
    let first = delta(taken(&mut rest));
    let second = delta(rest);
    assert_eq!(
        TextDelta::from(first.steps().to_vec()),
        first,
        "in normal form"
    );
    let fits = |delta: &TextDelta| {
        let mut changed = text.clone();
        delta.apply(&mut changed).ok().map(|()| changed)
    };
    let (Some(one), Some(other)) = (fits(&first), fits(&second)) else {
        return;
    };
    let mut one_way = one.clone();
    let later = second.rebase(&first, Order::Later);
    let mut other_way = other;
    let earlier = first.rebase(&second, Order::Earlier);
    // Halves of characters are refused, and two changes that each fit may cut one together.
    if later.apply(&mut one_way).is_ok() && earlier.apply(&mut other_way).is_ok() {
        assert_eq!(one_way, other_way, "both ways lead to one text");
        let mut at_once = text.clone();
        first.then(&later).apply(&mut at_once).unwrap();
        assert_eq!(at_once, one_way, "one after the other, and both at once");
    }
}

/// Bytes behind their length in one byte.
fn taken<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (len, after) = choice(rest, u8::MAX);
    let (part, after) = after.split_at(usize::from(len).min(after.len()));
    *rest = after;
    part
}

fn delta(mut bytes: &[u8]) -> TextDelta {
    let mut steps = Vec::new();
    while let [kind, count, rest @ ..] = bytes {
        let count = usize::from(*count);
        bytes = rest;
        steps.push(match kind % 4 {
            0 => Step::Keep(count),
            1 => Step::Delete(count),
            2 => Step::Keep(usize::MAX - count),
            _ => {
                let (text, rest) = bytes.split_at(count.min(bytes.len()));
                bytes = rest;
                Step::Insert(String::from_utf8_lossy(text).into_owned())
            }
        });
    }
    TextDelta::from(steps)
}

/// Files that are dropped in.
pub(super) fn files(input: &[u8]) {
    let (which, bytes) = choice(input, 2);
    if which == 0 {
        if let Ok(text) = bocage_formats::text::decode(bytes) {
            assert!(!text.contains('\r'));
        }
    } else {
        let markdown = String::from_utf8_lossy(bytes);
        let page = bocage_formats::html::document_from_markdown(&markdown).to_lowercase();
        assert!(
            !page.contains("<script"),
            "what is written in a page does nothing"
        );
    }
}
