//! Mailboxes in a redb database: one file, or memory.
//!
//! Every write is one transaction and durable when it returns. Nothing is evicted: what does not
//! fit is refused, and only age removes an item. This file blocks; it knows no sockets, no
//! signatures and no clock.
//!
//! After an error redb answers nothing more until the file is opened again, which
//! [`Store::reopen`] does.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use redb::{
    Database, DatabaseError, Error, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    WriteTransaction, backends::InMemoryBackend,
};

/// A mailbox's public key.
pub(crate) type Address = [u8; 32];

/// A client's own name for an item.
pub(crate) type ItemId = [u8; 16];

type Cursor = u64;
/// Whole hours since 1970-01-01 UTC. Finer times are not kept.
type Hour = u32;

const ITEMS: TableDefinition<'_, (&Address, Cursor), (Hour, &ItemId, &[u8])> =
    TableDefinition::new("items");
const IDS: TableDefinition<'_, (&Address, &ItemId), Cursor> = TableDefinition::new("ids");
const BY_HOUR: TableDefinition<'_, (Hour, &Address, Cursor), ()> = TableDefinition::new("by hour");
/// Mailboxes with items: the next cursor, how many items, how many bytes in them.
const BOXES: TableDefinition<'_, &Address, (Cursor, u64, u64)> = TableDefinition::new("boxes");
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");

/// In `NUMBERS`: what all items together count for.
const BYTES: &str = "bytes";

/// In `NUMBERS`: where the cursors of a mailbox without items begin. An empty mailbox is forgotten,
/// or strangers could fill the file with empty ones; this is what keeps its cursors rising.
const FIRST: &str = "first";

/// What an item counts for besides its bytes: about what keys and tables take.
const ITEM_OVERHEAD: u64 = 256;

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
    /// There is no memory for a database.
    #[error("cannot keep mail in memory: {0}")]
    Memory(Box<Error>),
}

/// All mailboxes.
#[derive(Debug)]
pub(crate) struct Store {
    /// None is memory.
    file: Option<PathBuf>,
    /// What all items together may count for.
    most_bytes: u64,
    database: RwLock<Option<Database>>,
    /// What they count for at the moment.
    bytes: AtomicU64,
}

impl Store {
    /// Opens the mailboxes in `dir`, which is made if it is not there; in memory without.
    pub(crate) fn open(dir: Option<&Path>, most_bytes: u64) -> Result<Self, MailboxError> {
        let store = Self {
            file: dir.map(|dir| dir.join(FILE)),
            most_bytes,
            database: RwLock::new(None),
            bytes: AtomicU64::new(0),
        };
        if let Some(dir) = dir {
            fs::create_dir_all(dir).map_err(|why| MailboxError::NoDirectory {
                dir: dir.to_owned(),
                why,
            })?;
        }
        let opened = store.reopen();
        match (opened, &store.file) {
            (Ok(()), _) => Ok(store),
            (Err(why), None) => Err(MailboxError::Memory(Box::new(why))),
            (Err(Error::DatabaseAlreadyOpen), Some(file)) => Err(MailboxError::InUse(file.clone())),
            (Err(why), Some(file)) => Err(MailboxError::Unreadable {
                file: file.clone(),
                why: Box::new(why),
            }),
        }
    }

    /// Whether what is kept is lost when the process ends.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.file.is_none()
    }

    /// What all items count for together.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Closes the database. All that follows fails until it is opened again.
    pub(crate) fn close(&self) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Closes the database if it is open, and opens it. In memory nothing outlives this.
    pub(crate) fn reopen(&self) -> Result<(), Error> {
        let mut place = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The file's lock is held until this one is gone.
        *place = None;
        let database = self.database()?;
        let write = begin(&database)?;
        write.open_table(ITEMS)?;
        write.open_table(IDS)?;
        write.open_table(BY_HOUR)?;
        write.open_table(BOXES)?;
        let bytes = number(&write, BYTES)?;
        write.commit()?;
        self.bytes.store(bytes, Ordering::Relaxed);
        *place = Some(database);
        Ok(())
    }

    /// Stores what there is room for, in order. When it returns, what is `New` or `Known` survives a
    /// crash.
    pub(crate) fn put(
        &self,
        hour: Hour,
        quota: Quota,
        items: &[NewItem],
    ) -> Result<Vec<Outcome>, Error> {
        self.write(|write, bytes| {
            let first = number(write, FIRST)?.max(1);
            let mut tables = Tables::open(write)?;
            let mut outcomes = Vec::new();
            for item in items {
                let cost = cost(item.bytes.len());
                let fits = bytes.saturating_add(cost) <= self.most_bytes;
                let outcome = tables.put(hour, quota, first, fits, item)?;
                if outcome == Outcome::New {
                    *bytes = bytes.saturating_add(cost);
                }
                outcomes.push(outcome);
            }
            Ok(outcomes)
        })
    }

    /// The items after a cursor: as many as have `most_bytes` together, but one at least.
    pub(crate) fn page(
        &self,
        mailbox: &Address,
        after: Cursor,
        most_bytes: usize,
    ) -> Result<Page, Error> {
        let place = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = place.as_ref().ok_or(Error::DatabaseClosed)?;
        let table = database.begin_read()?.open_table(ITEMS)?;
        let mut page = Page {
            items: Vec::new(),
            more: false,
        };
        let Some(from) = after.checked_add(1) else {
            return Ok(page);
        };
        let mut taken = 0usize;
        for entry in table.range((mailbox, from)..=(mailbox, Cursor::MAX))? {
            let (key, value) = entry?;
            let (_, id, bytes) = value.value();
            taken = taken.saturating_add(bytes.len());
            if taken > most_bytes && !page.items.is_empty() {
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
                let (key, _) = entry?;
                let (hour, mailbox, cursor) = key.value();
                old.push((hour, *mailbox, cursor));
            }
            for (hour, mailbox, cursor) in &old {
                let removed = tables.remove(*hour, mailbox, *cursor)?;
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
        let place = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let write = begin(place.as_ref().ok_or(Error::DatabaseClosed)?)?;
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
    by_hour: redb::Table<'write, (Hour, &'static Address, Cursor), ()>,
    boxes: redb::Table<'write, &'static Address, (Cursor, u64, u64)>,
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
        let (cursor, items, bytes) = found.unwrap_or((first, 0, 0));
        let (items, bytes) = (
            items.saturating_add(1),
            bytes.saturating_add(length(item.bytes.len())),
        );
        if !fits || items > quota.mailbox_items || bytes > quota.mailbox_bytes {
            return Ok(Outcome::Full);
        }
        let content = (hour, id, item.bytes.as_slice());
        self.items.insert((mailbox, cursor), content)?;
        self.ids.insert((mailbox, id), cursor)?;
        self.by_hour.insert((hour, mailbox, cursor), ())?;
        let next = cursor.saturating_add(1);
        self.boxes.insert(mailbox, (next, items, bytes))?;
        Ok(Outcome::New)
    }

    fn remove(&mut self, hour: Hour, mailbox: &Address, cursor: Cursor) -> Result<Removed, Error> {
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

fn cost(len: usize) -> u64 {
    length(len).saturating_add(ITEM_OVERHEAD)
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
