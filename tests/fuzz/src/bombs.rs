//! Small things that would cost automerge seconds and hundreds of megabytes, and the doors at which they come in from others. What
//! they cost automerge itself, and that they cost us next to nothing, is `tests/bombs.rs`; how long it takes, `src/bin/bombs.rs`
//! measures for `cargo xtask bench`.

use bocage_core::batch::Batch;
use bocage_core::codec::{self, Blob, Fixed};
use bocage_core::doors;
use bocage_core::object::{Kind, Signed, Verified};
use bocage_core::prescan::{Limits, scan};
use bocage_core::workspace::Workspace;

use crate::seeds::{SALT, root};
use crate::targets::document::{DOCUMENT, authors};

/// Something small that is large inside.
pub struct Bomb {
    /// Its row in the measurements is `core.bomb_<name>_us`.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// As it would come in.
    pub bytes: &'static [u8],
}

/// A list and a million nulls in it, as one change: each column is one run.
pub const MILLION: Bomb = Bomb {
    name: "million",
    what: "a change of 104 bytes with a million operations is refused at every door",
    bytes: include_bytes!("../bombs/a-million-nulls.change"),
};

/// The same with five millions, nine bytes longer.
pub const FIVE_MILLION: Bomb = Bomb {
    name: "five_million",
    what: "a change of 113 bytes with five million operations is refused at every door",
    bytes: include_bytes!("../bombs/five-million-nulls.change"),
};

/// A compressed change that holds nothing but zeros.
pub const COMPRESSED: Bomb = Bomb {
    name: "compressed",
    what: "a change of 255 KiB that inflates to 256 MiB is refused at every door",
    bytes: include_bytes!("../bombs/256-mib-of-zeros.change"),
};

/// A saved document: a text of five million times one letter.
pub const DOCUMENT_OF_LETTERS: Bomb = Bomb {
    name: "document",
    what: "a document of 5 KiB with five million letters is refused at every door",
    bytes: include_bytes!("../bombs/five-million-letters.document"),
};

/// All of them.
pub const BOMBS: [Bomb; 4] = [MILLION, FIVE_MILLION, COMPRESSED, DOCUMENT_OF_LETTERS];

/// A workspace, and a batch of one of its editors with the bomb in it, as an object that is rightly signed.
pub struct Doors {
    workspace: Workspace,
    bytes: &'static [u8],
    object: Vec<u8>,
}

/// At which doors something was let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LetIn {
    /// The look at a change before automerge sees it.
    pub scan: bool,
    /// The decoder of batches.
    pub batch: bool,
    /// The workspace.
    pub take: bool,
}

impl Doors {
    /// The doors, and what comes to them.
    pub fn new(bytes: &'static [u8]) -> Self {
        let [workspace, _] = authors();
        let heads = workspace.log().heads().iter().copied().collect();
        let batch = Batch {
            session: Fixed([3; 16]),
            index: 0,
            prev: None,
            auth: heads,
            deps: Vec::new(),
            document: DOCUMENT,
            time: 0,
            changes: vec![Blob(bytes.to_vec())],
        };
        let body = codec::to_bytes(&batch);
        let object = doors::sign(&root(), &SALT, Kind::Batch, workspace.id(), &body);
        Self {
            workspace,
            bytes,
            object,
        }
    }

    /// Knocks at each. A batch is read when its bytes are one, whatever its changes are: with those it comes as far as the chains.
    pub fn knock(&mut self) -> LetIn {
        let scan = scan(self.bytes, &Limits::PROTOCOL).is_ok();
        let signed = Signed::parse(&self.object);
        let batch = signed.is_ok_and(|signed| signed.verify().is_ok_and(|_: Verified<Batch>| true));
        let taken = self.workspace.take([self.object.as_slice()]);
        LetIn {
            scan,
            batch,
            take: !taken.new.is_empty() || taken.refused.is_empty(),
        }
    }
}
