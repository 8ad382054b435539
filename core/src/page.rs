//! One page while it is open: its document, the order of the changes to it, and its journal.
//!
//! A page's journal is a family of records: changes one after another, and now and then a snapshot
//! that makes what came before it superfluous. Here it is decided *what* the records say; when they
//! are written, and who is told, is the engine's.

use std::collections::VecDeque;

use bocage_api::command::PAGE_MAX_UNITS;
use bocage_api::delta::Order;
use bocage_api::{CommandId, Refusal, TextDelta};

use crate::record::{JournalEntry, Saved, remember};
use crate::text_document::TextDocument;
use crate::vault::{Family, RecordKey, Unreadable, Vault, Write};

/// How many changes back a tab may be and still have its own rebased. A tab has one change under
/// way and hears of all others as they are stored, so even a busy one is a handful behind.
const HISTORY_MAX: usize = 1_000;

/// After so many entries the next one is a snapshot: opening stays quick, and writing a snapshot
/// (milliseconds for a long page) stays rare.
const ENTRIES_BETWEEN_SNAPSHOTS: usize = 256;

/// A page that is open.
pub(crate) struct Page {
    document: TextDocument,
    /// The text with every change carried out so far, stored or not.
    text: Vec<u16>,
    version: u64,
    /// The text as tabs see it: with every change that is stored.
    shown: Vec<u16>,
    shown_version: u64,
    /// The commands in `shown`, latest last.
    shown_commands: Vec<CommandId>,
    /// The changes that led to `version`, latest last.
    history: VecDeque<(CommandId, TextDelta)>,
    journal: Journal,
    /// Records that could not be read, and all after them.
    damaged: Vec<(RecordKey, Vec<u8>)>,
}

struct Journal {
    family: Family,
    first: u64,
    next: u64,
}

/// What there is to write for one change.
#[derive(Debug)]
pub(crate) struct JournalWrites {
    pub(crate) entry: (RecordKey, JournalEntry),
    /// Entries the new one makes superfluous.
    pub(crate) superfluous: Vec<Write>,
}

impl Page {
    /// Opens a page from all records of its family, in order. What follows a record that is missing
    /// or cannot be read is damaged: it is kept apart and not read.
    pub(crate) fn open(
        vault: &Vault,
        family: Family,
        records: Vec<(u64, Vec<u8>)>,
        actor: [u8; 16],
    ) -> Self {
        let mut journal = Journal {
            family,
            first: records.first().map_or(0, |r| r.0),
            next: 0,
        };
        journal.next = journal.first;
        let mut read = Read::default();
        let mut damaged = Vec::new();
        for (index, bytes) in records {
            let key = RecordKey { family, index };
            let follows = index == journal.next && damaged.is_empty();
            let entry = follows
                .then(|| {
                    vault
                        .open(key, &bytes)
                        .and_then(|plain| JournalEntry::decode(&plain))
                        .ok()
                })
                .flatten();
            if entry.is_some_and(|entry| read.take(entry, index == 0).is_ok()) {
                journal.next = index.saturating_add(1);
                read.raw.push((key, bytes));
            } else {
                damaged.push((key, bytes));
            }
        }
        let mut page = Self {
            document: TextDocument::new(actor),
            text: Vec::new(),
            version: 0,
            shown: Vec::new(),
            shown_version: 0,
            shown_commands: read.commands,
            history: VecDeque::new(),
            journal,
            damaged,
        };
        if let Ok((document, text)) = load(read.snapshot.as_deref(), &read.changes, actor) {
            page.document = document;
            page.shown.clone_from(&text);
            page.text = text;
        } else {
            // Authentic bytes that automerge refuses: all of it counts as damaged, none of it goes.
            page.journal.next = page.journal.first;
            page.shown_commands.clear();
            page.damaged.splice(0..0, read.raw);
        }
        page
    }

    /// Whether something of it could not be read.
    pub(crate) fn is_damaged(&self) -> bool {
        !self.damaged.is_empty()
    }

    /// Takes the damaged records out, to be written elsewhere; the page goes on without them.
    pub(crate) fn take_damaged(&mut self) -> Vec<(RecordKey, Vec<u8>)> {
        core::mem::take(&mut self.damaged)
    }

    /// Whether every change is stored and shown.
    pub(crate) fn is_settled(&self) -> bool {
        self.version == self.shown_version
    }

    /// What tabs see: the text, its version, and the commands in it.
    pub(crate) fn shown(&self) -> (String, u64, &[CommandId]) {
        (
            String::from_utf16_lossy(&self.shown),
            self.shown_version,
            &self.shown_commands,
        )
    }

    /// The commands found in its journal.
    pub(crate) fn commands(&self) -> &[CommandId] {
        &self.shown_commands
    }

    /// Carries out a change made on version `base`, after all that came since. Returns the change
    /// as it was carried out, and what to write.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub(crate) fn edit(
        &mut self,
        command: CommandId,
        base: u64,
        delta: &TextDelta,
    ) -> Result<JournalWrites, Refusal> {
        if self.is_damaged() {
            return Err(Refusal::Damaged);
        }
        let behind = self.version.checked_sub(base).ok_or(Refusal::StaleBase)?;
        let behind = usize::try_from(behind).map_err(|_| Refusal::StaleBase)?;
        let known = self
            .history
            .len()
            .checked_sub(behind)
            .ok_or(Refusal::StaleBase)?;
        let rebased = self
            .history
            .iter()
            .skip(known)
            .fold(delta.clone(), |delta, (_, earlier)| {
                delta.rebase(earlier, Order::Later)
            });

        rebased.check(&self.text).map_err(|_| Refusal::StaleBase)?;
        let (put, taken) = rebased.growth();
        let grown = self.text.len().saturating_add(put).saturating_sub(taken);
        if grown > PAGE_MAX_UNITS && put > taken {
            return Err(Refusal::PageTooLarge);
        }
        let bytes = if rebased.is_empty() {
            Vec::new()
        } else {
            self.document
                .change(&rebased)
                .map_err(|_| Refusal::StaleBase)?
        };
        rebased
            .apply(&mut self.text)
            .map_err(|_| Refusal::StaleBase)?;
        self.version = self.version.saturating_add(1);
        self.history.push_back((command, rebased));
        if self.history.len() > HISTORY_MAX && self.is_shown(0) {
            self.history.pop_front();
        }
        Ok(self.journal_entry(command, bytes))
    }

    /// Shows the next change that was not shown yet, because it is stored now. Returns its version,
    /// the change and its command.
    pub(crate) fn show_next(&mut self) -> Option<(u64, TextDelta, CommandId)> {
        let unshown = usize::try_from(self.version.checked_sub(self.shown_version)?).ok()?;
        let at = self.history.len().checked_sub(unshown)?;
        let (command, delta) = self.history.get(at)?.clone();
        delta.apply(&mut self.shown).ok()?;
        self.shown_version = self.shown_version.saturating_add(1);
        remember(&mut self.shown_commands, command);
        Some((self.shown_version, delta, command))
    }

    /// Whether the change at `at` in the history is shown.
    fn is_shown(&self, at: usize) -> bool {
        let unshown = usize::try_from(self.version.saturating_sub(self.shown_version));
        unshown.is_ok_and(|unshown| at < self.history.len().saturating_sub(unshown))
    }

    fn journal_entry(&mut self, command: CommandId, bytes: Vec<u8>) -> JournalWrites {
        let Journal {
            family,
            first,
            next,
        } = self.journal;
        let key = RecordKey {
            family,
            index: next,
        };
        self.journal.next = next.saturating_add(1);
        let entries = usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX);
        if entries < ENTRIES_BETWEEN_SNAPSHOTS {
            let entry = JournalEntry::Changes(Saved::new(bytes, &[command]));
            return JournalWrites {
                entry: (key, entry),
                superfluous: Vec::new(),
            };
        }
        let mut commands = self.shown_commands.clone();
        let unshown = usize::try_from(self.version.saturating_sub(self.shown_version)).unwrap_or(0);
        let skip = self.history.len().saturating_sub(unshown);
        for (command, _) in self.history.iter().skip(skip) {
            remember(&mut commands, *command);
        }
        let entry = JournalEntry::Snapshot(Saved::new(self.document.snapshot(), &commands));
        self.journal.first = next;
        let superfluous = (first..next)
            .map(|index| Write::Delete(RecordKey { family, index }))
            .collect();
        JournalWrites {
            entry: (key, entry),
            superfluous,
        }
    }
}

/// What was read of a journal so far.
#[derive(Default)]
struct Read {
    snapshot: Option<Vec<u8>>,
    changes: Vec<u8>,
    commands: Vec<CommandId>,
    /// Nothing was read, or reading began with a whole document.
    begun: bool,
    /// Kept until the document has loaded, in case it does not.
    raw: Vec<(RecordKey, Vec<u8>)>,
}

impl Read {
    fn take(&mut self, entry: JournalEntry, is_first_ever: bool) -> Result<(), Unreadable> {
        let (snapshot, saved) = match entry {
            JournalEntry::Snapshot(saved) => (true, saved),
            JournalEntry::Changes(saved) if self.begun || is_first_ever => (false, saved),
            // Changes whose beginning is missing.
            JournalEntry::Changes(_) => return Err(Unreadable),
        };
        let (bytes, commands) = saved.into_parts();
        if snapshot {
            self.snapshot = Some(bytes);
            self.changes.clear();
            self.commands.clear();
        } else {
            self.changes.extend_from_slice(&bytes);
        }
        for command in commands {
            remember(&mut self.commands, command);
        }
        self.begun = true;
        Ok(())
    }
}

fn load(
    snapshot: Option<&[u8]>,
    changes: &[u8],
    actor: [u8; 16],
) -> Result<(TextDocument, Vec<u16>), Unreadable> {
    let mut document = TextDocument::load(snapshot, actor)?;
    document.take_in(changes)?;
    let text = document.text()?;
    Ok((document, text))
}
