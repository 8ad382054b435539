//! Mailboxes in a redb database: one file, or memory.
//!
//! Every write is one transaction and durable when it returns. Nothing is evicted: what does not
//! fit is refused, and only age removes an item. This file blocks; it knows no sockets, no
//! signatures and no clock.
//!
//! After an error redb answers nothing more until the file is opened again, which [`Store::mend`]
//! does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use redb::backends::InMemoryBackend;
use redb::{
    Database, DatabaseError, Error, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    TableError, WriteTransaction,
};

/// A mailbox's public key.
pub(crate) type Address = [u8; 32];

/// A client's own name for an item.
pub(crate) type ItemId = [u8; 16];

/// An item's place in its mailbox.
pub(crate) type Cursor = u64;

/// Tells those apart who leave items in one mailbox. It says nothing beyond that mailbox, and a
/// depositor has another one in each run of the relay.
pub(crate) type Depositor = u64;

/// Whole hours since 1970-01-01 UTC. Finer times are not kept.
pub(crate) type Hour = u32;

const ITEMS: TableDefinition<'_, (&Address, Cursor), (Hour, &ItemId, &[u8])> =
    TableDefinition::new("items");
const IDS: TableDefinition<'_, (&Address, &ItemId), Cursor> = TableDefinition::new("ids");
/// Items by their age, with who left them.
const BY_HOUR: TableDefinition<'_, (Hour, &Address, Cursor), Depositor> =
    TableDefinition::new("by hour");
/// Mailboxes with items: the next cursor, how many items, how many bytes in them.
const BOXES: TableDefinition<'_, &Address, (Cursor, u64, u64)> = TableDefinition::new("boxes");
/// How many of a mailbox's items one depositor left, and how many bytes in them.
const SHARES: TableDefinition<'_, (&Address, Depositor), (u64, u64)> =
    TableDefinition::new("shares");
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");

/// In `NUMBERS`: what all items together count for.
const BYTES: &str = "bytes";

/// In `NUMBERS`: where the cursors of a mailbox without items begin. An empty mailbox is forgotten,
/// or strangers could fill the file with empty ones; this is what keeps its cursors rising.
const FIRST: &str = "first";

/// In `NUMBERS`: which tables there are, and what their rows mean.
const FORMAT: &str = "format";

/// The one that is written and read. Another is refused: what a file holds is only a copy.
const FORMAT_NOW: u64 = 2;

/// What an item counts for besides its bytes: about what keys and tables take, and more than it
/// takes in memory. So many tiny ones do not cost more than they count for.
const ITEM_OVERHEAD: u64 = 384;

/// How much of the file redb holds in memory. The default is 1 GiB.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// The file in the data directory.
const FILE: &str = "mailbox.redb";

/// An item on its way in.
#[derive(Debug)]
pub(crate) struct NewItem {
    pub(crate) mailbox: Address,
    pub(crate) id: ItemId,
    pub(crate) bytes: Vec<u8>,
    pub(crate) depositor: Depositor,
}

/// An item that is kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) cursor: Cursor,
    pub(crate) id: ItemId,
    pub(crate) bytes: Vec<u8>,
}

/// Some items of one mailbox, in order.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// Whether there were more when it was read.
    pub(crate) more: bool,
}

/// What came of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is stored now.
    New,
    /// One was stored under this id before.
    Known,
    /// There is no room for it.
    Full,
}

/// How much may be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    /// What all items together may count for.
    pub(crate) all_bytes: u64,
    pub(crate) mailbox_bytes: u64,
    pub(crate) mailbox_items: u64,
}

/// Why there are no mailboxes. Each is one sentence for the person who started the relay.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// The data directory cannot be made.
    #[error("cannot make the data directory {}: {why}", .dir.display())]
    NoDirectory {
        /// The directory.
        dir: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// Another process has the file open.
    #[error("{} is in use by another relay: stop it, or name another directory with --data", .0.display())]
    InUse(PathBuf),
    /// The file cannot be opened.
    #[error("cannot open {}: {why}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What redb says.
        why: Box<Error>,
    },
    /// The file was written by another version of the relay.
    #[error("{} is from another version of the relay: move it away, members still have what it holds", .0.display())]
    OtherFormat(PathBuf),
    /// There is no memory for a database.
    #[error("cannot keep mail in memory: {0}")]
    Memory(Box<Error>),
    /// The server was stopped before it had begun.
    #[error("stopped before the mailboxes were open")]
    Interrupted,
}

/// All mailboxes.
#[derive(Debug)]
pub(crate) struct Store {
    /// None is memory.
    file: Option<PathBuf>,
    quota: Quota,
    /// No cursor given from here on is lower.
    first: Cursor,
    place: RwLock<Place>,
    /// What all items count for at the moment.
    bytes: AtomicU64,
}

/// Where the database is.
#[derive(Debug)]
enum Place {
    Open(Database),
    /// It could not be opened again after an error.
    Broken,
    /// Nobody wants it any more.
    Closed,
}

impl Place {
    fn database(&self) -> Result<&Database, Error> {
        match self {
            Self::Open(database) => Ok(database),
            Self::Broken | Self::Closed => Err(Error::DatabaseClosed),
        }
    }
}

impl Store {
    /// Opens the mailboxes in `dir`, which is made if it is not there; in memory without.
    ///
    /// New cursors are `first` or higher, even if the file is new or an old copy. So `first` must be
    /// higher than what any earlier run can have come to.
    pub(crate) fn open(
        dir: Option<&Path>,
        quota: Quota,
        first: Cursor,
    ) -> Result<Self, MailboxError> {
        let store = Self {
            file: dir.map(|dir| dir.join(FILE)),
            quota,
            first,
            place: RwLock::new(Place::Broken),
            bytes: AtomicU64::new(0),
        };
        if let Some(dir) = dir {
            fs::create_dir_all(dir).map_err(|why| MailboxError::NoDirectory {
                dir: dir.to_owned(),
                why,
            })?;
        }
        match (store.mend(), &store.file) {
            (Ok(()), _) => Ok(store),
            (Err(why), None) => Err(MailboxError::Memory(Box::new(why))),
            (Err(Error::DatabaseAlreadyOpen), Some(file)) => Err(MailboxError::InUse(file.clone())),
            (Err(Error::UpgradeRequired(_)), Some(file)) => {
                Err(MailboxError::OtherFormat(file.clone()))
            }
            (Err(why), Some(file)) => Err(MailboxError::Unreadable {
                file: file.clone(),
                why: Box::new(why),
            }),
        }
    }

    /// What all items count for together.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Closes the database for good.
    pub(crate) fn close(&self) {
        *self.place.write().unwrap_or_else(PoisonError::into_inner) = Place::Closed;
    }

    /// Opens the database anew; does nothing if it was closed. In memory nothing outlives this.
    pub(crate) fn mend(&self) -> Result<(), Error> {
        let mut place = self.place.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*place, Place::Closed) {
            return Ok(());
        }
        // The file's lock is held until the old one is gone.
        *place = Place::Broken;
        let database = self.database()?;
        let bytes = bytes_in(&database)?;
        self.bytes.store(bytes, Ordering::Relaxed);
        *place = Place::Open(database);
        Ok(())
    }

    /// Stores what there is room for, in order. When it returns, what is `New` or `Known` survives a
    /// crash.
    pub(crate) fn put(&self, hour: Hour, items: &[NewItem]) -> Result<Vec<Outcome>, Error> {
        self.write(|write, bytes| {
            let first = number(write, FIRST)?.max(self.first);
            let mut tables = Tables::open(write)?;
            let mut outcomes = Vec::new();
            for item in items {
                let cost = cost(item.bytes.len());
                let fits = bytes.saturating_add(cost) <= self.quota.all_bytes;
                let outcome = tables.put(hour, self.quota, first, fits, item)?;
                if outcome == Outcome::New {
                    *bytes = bytes.saturating_add(cost);
                }
                outcomes.push(outcome);
            }
            Ok(outcomes)
        })
    }

    /// The items after a cursor: as many as count for `most_bytes` together, but one at least.
    pub(crate) fn page(
        &self,
        mailbox: &Address,
        after: Cursor,
        most_bytes: usize,
    ) -> Result<Page, Error> {
        let place = self.place.read().unwrap_or_else(PoisonError::into_inner);
        let table = place.database()?.begin_read()?.open_table(ITEMS)?;
        let mut page = Page {
            items: Vec::new(),
            more: false,
        };
        let Some(from) = after.checked_add(1) else {
            return Ok(page);
        };
        let (most, mut taken) = (length(most_bytes), 0u64);
        for entry in table.range((mailbox, from)..=(mailbox, Cursor::MAX))? {
            let (key, value) = entry?;
            let (_, id, bytes) = value.value();
            taken = taken.saturating_add(cost(bytes.len()));
            if taken > most && !page.items.is_empty() {
                page.more = true;
                break;
            }
            page.items.push(Item {
                cursor: key.value().1,
                id: *id,
                bytes: bytes.to_vec(),
            });
        }
        Ok(page)
    }

    /// Removes items from before `hour`, `most` at a time. Gives whether there may be more.
    pub(crate) fn sweep(&self, hour: Hour, most: usize) -> Result<bool, Error> {
        self.write(|write, bytes| {
            let mut first = number(write, FIRST)?;
            let mut tables = Tables::open(write)?;
            let mut old = Vec::new();
            for entry in tables.by_hour.range(..(hour, &[0; 32], 0))?.take(most) {
                let (key, depositor) = entry?;
                let (hour, mailbox, cursor) = key.value();
                old.push((hour, *mailbox, cursor, depositor.value()));
            }
            for (hour, mailbox, cursor, depositor) in &old {
                let removed = tables.remove(*hour, mailbox, *cursor, *depositor)?;
                *bytes = bytes.saturating_sub(cost(removed.bytes));
                first = first.max(removed.next_first);
            }
            write.open_table(NUMBERS)?.insert(FIRST, first)?;
            Ok(old.len() == most)
        })
    }

    /// One durable transaction. `change` is given what all items count for, and may change it.
    fn write<T>(
        &self,
        change: impl FnOnce(&WriteTransaction, &mut u64) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let place = self.place.read().unwrap_or_else(PoisonError::into_inner);
        let write = begin(place.database()?)?;
        let mut bytes = number(&write, BYTES)?;
        let result = change(&write, &mut bytes)?;
        write.open_table(NUMBERS)?.insert(BYTES, bytes)?;
        write.commit()?;
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(result)
    }

    fn database(&self) -> Result<Database, DatabaseError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let Some(file) = &self.file else {
            return builder.create_with_backend(InMemoryBackend::new());
        };
        let database = builder.create(file)?;
        // A file is only as durable as its name.
        if let Some(dir) = file.parent() {
            fs::File::open(dir)
                .and_then(|dir| dir.sync_all())
                .map_err(|why| DatabaseError::Storage(why.into()))?;
        }
        Ok(database)
    }
}

/// The tables of one writing transaction.
struct Tables<'write> {
    items: redb::Table<'write, (&'static Address, Cursor), (Hour, &'static ItemId, &'static [u8])>,
    ids: redb::Table<'write, (&'static Address, &'static ItemId), Cursor>,
    by_hour: redb::Table<'write, (Hour, &'static Address, Cursor), Depositor>,
    boxes: redb::Table<'write, &'static Address, (Cursor, u64, u64)>,
    shares: redb::Table<'write, (&'static Address, Depositor), (u64, u64)>,
}

/// What the removal of an item came to.
struct Removed {
    bytes: usize,
    /// Where new mailboxes must begin because this one is forgotten; 0 if it is not.
    next_first: Cursor,
}

impl<'write> Tables<'write> {
    fn open(write: &'write WriteTransaction) -> Result<Self, Error> {
        Ok(Self {
            items: write.open_table(ITEMS)?,
            ids: write.open_table(IDS)?,
            by_hour: write.open_table(BY_HOUR)?,
            boxes: write.open_table(BOXES)?,
            shares: write.open_table(SHARES)?,
        })
    }

    fn put(
        &mut self,
        hour: Hour,
        quota: Quota,
        first: Cursor,
        fits: bool,
        item: &NewItem,
    ) -> Result<Outcome, Error> {
        let (mailbox, id) = (&item.mailbox, &item.id);
        if self.ids.get((mailbox, id))?.is_some() {
            return Ok(Outcome::Known);
        }
        let found = self.boxes.get(mailbox)?.map(|found| found.value());
        let (next, items, bytes) = found.unwrap_or((first, 0, 0));
        let cursor = next.max(first);
        let whose = (mailbox, item.depositor);
        let found = self.shares.get(whose)?.map(|found| found.value());
        let (own_items, own_bytes) = found.unwrap_or((0, 0));
        let more = length(item.bytes.len());
        if !fits
            || !is_fair(quota.mailbox_items, items, own_items, 1)
            || !is_fair(quota.mailbox_bytes, bytes, own_bytes, more)
        {
            return Ok(Outcome::Full);
        }
        let content = (hour, id, item.bytes.as_slice());
        self.items.insert((mailbox, cursor), content)?;
        self.ids.insert((mailbox, id), cursor)?;
        self.by_hour
            .insert((hour, mailbox, cursor), item.depositor)?;
        let next = cursor.saturating_add(1);
        let all = (next, items.saturating_add(1), bytes.saturating_add(more));
        self.boxes.insert(mailbox, all)?;
        let own = (own_items.saturating_add(1), own_bytes.saturating_add(more));
        self.shares.insert(whose, own)?;
        Ok(Outcome::New)
    }

    fn remove(
        &mut self,
        hour: Hour,
        mailbox: &Address,
        cursor: Cursor,
        depositor: Depositor,
    ) -> Result<Removed, Error> {
        let mut removed = Removed {
            bytes: 0,
            next_first: 0,
        };
        self.by_hour.remove((hour, mailbox, cursor))?;
        if let Some(item) = self.items.remove((mailbox, cursor))? {
            let (_, id, bytes) = item.value();
            removed.bytes = bytes.len();
            self.ids.remove((mailbox, id))?;
        }
        let found = self
            .shares
            .get((mailbox, depositor))?
            .map(|found| found.value());
        if let Some((items, bytes)) = found {
            if items <= 1 {
                self.shares.remove((mailbox, depositor))?;
            } else {
                let bytes = bytes.saturating_sub(length(removed.bytes));
                self.shares
                    .insert((mailbox, depositor), (items - 1, bytes))?;
            }
        }
        let found = self.boxes.get(mailbox)?.map(|found| found.value());
        if let Some((next, items, bytes)) = found {
            if items <= 1 {
                self.boxes.remove(mailbox)?;
                removed.next_first = next;
            } else {
                let bytes = bytes.saturating_sub(length(removed.bytes));
                self.boxes.insert(mailbox, (next, items - 1, bytes))?;
            }
        }
        Ok(removed)
    }
}

/// What all items in it count for. Its tables are made if they are not there.
///
/// Otherwise nothing is written: with a full disk what is kept can still be read.
fn bytes_in(database: &Database) -> Result<u64, Error> {
    match database.begin_read()?.open_table(NUMBERS) {
        Ok(numbers) => {
            let number = |name| -> Result<u64, Error> {
                Ok(numbers.get(name)?.map_or(0, |number| number.value()))
            };
            match number(FORMAT)? {
                FORMAT_NOW => number(BYTES),
                other => Err(Error::UpgradeRequired(
                    u8::try_from(other).unwrap_or(u8::MAX),
                )),
            }
        }
        Err(TableError::TableDoesNotExist(_)) => {
            let write = begin(database)?;
            Tables::open(&write)?;
            write.open_table(NUMBERS)?.insert(FORMAT, FORMAT_NOW)?;
            write.commit()?;
            Ok(0)
        }
        Err(why) => Err(why.into()),
    }
}

/// Whether a depositor who has `own` of the `all` that there are may have `more`: no more than half of
/// what the others have left. So nobody fills a mailbox alone, and whoever comes finds some room.
fn is_fair(quota: u64, all: u64, own: u64, more: u64) -> bool {
    let left = quota.saturating_sub(all.saturating_sub(own));
    own.saturating_add(more) <= left.div_ceil(2)
}

fn begin(database: &Database) -> Result<WriteTransaction, Error> {
    let mut write = database.begin_write()?;
    // Or the first start after a crash would read the whole file.
    write.set_quick_repair(true);
    Ok(write)
}

fn number(write: &WriteTransaction, name: &str) -> Result<u64, Error> {
    let table = write.open_table(NUMBERS)?;
    let number = table.get(name)?.map_or(0, |number| number.value());
    Ok(number)
}

/// What an item of `len` bytes counts for.
pub(crate) fn cost(len: usize) -> u64 {
    length(len).saturating_add(ITEM_OVERHEAD)
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
