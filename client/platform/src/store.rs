//! Records in IndexedDB, written all or nothing and flushed to the disk before it says so.
//!
//! A generation number, the *run*, stands beside the records. It is compared inside every writing
//! transaction: an engine that was frozen while another took over finds a newer run and writes
//! nothing. Bytes are sealed before they come here; keys are opaque.
//!
//! The requests of a transaction are all made at once or from each other's success handlers:
//! waiting for anything else inside a transaction would let the browser commit it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use thiserror::Error;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction,
};

use crate::PlatformError;

/// The version of the layout below. A browser that holds a newer one was used with a newer app.
const LAYOUT: u32 = 1;

/// Single values: the run, the keys of [`crate::key`].
pub(crate) const META: &str = "meta";
const RECORDS: &str = "records";
const RUN: &str = "run";

/// One change to the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordWrite {
    /// Put this value at this key.
    Put(Vec<u8>, Vec<u8>),
    /// Remove what is at this key.
    Delete(Vec<u8>),
}

/// Why storage failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StorageError {
    /// The disk or the quota is full.
    #[error("storage is full")]
    Full,
    /// Another engine has claimed a newer run.
    #[error("a newer run has been claimed")]
    Superseded,
    /// A newer version of the app has used this storage.
    #[error("storage was written by a newer version")]
    Newer,
    /// Anything else the browser says.
    #[error("storage is unavailable: {0}")]
    Unavailable(PlatformError),
}

impl From<PlatformError> for StorageError {
    fn from(error: PlatformError) -> Self {
        match error.name.as_str() {
            _ if error.is_quota() => Self::Full,
            "VersionError" => Self::Newer,
            _ => Self::Unavailable(error),
        }
    }
}

impl From<JsValue> for StorageError {
    fn from(thrown: JsValue) -> Self {
        PlatformError::from(thrown).into()
    }
}

/// The profile's storage.
#[derive(Clone)]
pub struct Store {
    name: String,
    database: Rc<RefCell<Option<IdbDatabase>>>,
}

impl Store {
    /// Opens the database called `name`, and makes it if there is none.
    ///
    /// # Errors
    /// [`StorageError`]; in some private windows every attempt fails.
    pub async fn open(name: &str) -> Result<Self, StorageError> {
        let store = Self {
            name: name.to_owned(),
            database: Rc::default(),
        };
        store.database().await?;
        Ok(store)
    }

    /// Claims the next run: from now on no engine of an earlier run can write.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn claim_run(&self) -> Result<u64, StorageError> {
        let claimed = Rc::new(Cell::new(0.0));
        let result = Rc::clone(&claimed);
        self.transact(move |transaction| {
            let meta = transaction.object_store(META)?;
            let request = meta.get(&RUN.into())?;
            on_success(&request, move |found| {
                let run = found.as_f64().unwrap_or(0.0) + 1.0;
                result.set(run);
                meta.put_with_key(&run.into(), &RUN.into()).map(|_| ())
            });
            Ok(())
        })
        .await?;
        // A count of starts: far below 2^53, so exact as a double.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let run = claimed.get() as u64;
        Ok(run)
    }

    /// All records whose key begins with `prefix`, by rising key.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn load(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StorageError> {
        let database = self.database().await?;
        let outcome = async {
            let transaction = database.transaction_with_str(RECORDS)?;
            let records = transaction.object_store(RECORDS)?;
            let range = range_of(prefix)?;
            let keys = done(&records.get_all_keys_with_key(&range)?);
            let values = done(&records.get_all_with_key(&range)?);
            // Together: one that fails while the other is waited for would count as unhandled.
            let both = Promise::all(&Array::of2(&keys, &values));
            let both = Array::from(&JsFuture::from(both).await?);
            let (keys, values) = (Array::from(&both.get(0)), Array::from(&both.get(1)));
            let bytes = |value: JsValue| Uint8Array::new(&value).to_vec();
            Ok(keys
                .iter()
                .map(bytes)
                .zip(values.iter().map(bytes))
                .collect())
        };
        outcome.await.map_err(|thrown: JsValue| self.failed(thrown))
    }

    /// Carries out all writes in order, or none, and returns once they would survive a loss of
    /// power.
    ///
    /// # Errors
    /// [`StorageError::Superseded`] when `run` is not the latest claimed; others as they come.
    pub async fn write(&self, run: u64, writes: Vec<RecordWrite>) -> Result<(), StorageError> {
        let superseded = Rc::new(Cell::new(false));
        let noticed = Rc::clone(&superseded);
        let outcome = self
            .transact(move |transaction| {
                let meta = transaction.object_store(META)?;
                let records = transaction.object_store(RECORDS)?;
                let transaction = transaction.clone();
                on_success(&meta.get(&RUN.into())?, move |found| {
                    // Exact: see `claim_run`.
                    #[allow(clippy::cast_precision_loss)]
                    if found.as_f64() != Some(run as f64) {
                        noticed.set(true);
                        return transaction.abort();
                    }
                    writes
                        .iter()
                        .try_for_each(|write| carry_out(&records, write))
                });
                Ok(())
            })
            .await;
        if superseded.get() {
            Err(StorageError::Superseded)
        } else {
            outcome
        }
    }

    /// A single value.
    pub(crate) async fn meta(&self, key: &str) -> Result<JsValue, StorageError> {
        let database = self.database().await?;
        let outcome = async {
            let meta = database.transaction_with_str(META)?.object_store(META)?;
            JsFuture::from(done(&meta.get(&key.into())?)).await
        };
        outcome.await.map_err(|thrown| self.failed(thrown))
    }

    /// Puts single values, all or none.
    pub(crate) async fn put_meta(
        &self,
        values: Vec<(String, JsValue)>,
    ) -> Result<(), StorageError> {
        self.transact(move |transaction| {
            let meta = transaction.object_store(META)?;
            values.iter().try_for_each(|(key, value)| {
                meta.put_with_key(value, &key.as_str().into()).map(|_| ())
            })
        })
        .await
    }

    /// Runs a writing transaction whose requests `make` makes, flushed to the disk.
    async fn transact(
        &self,
        make: impl FnOnce(&IdbTransaction) -> Result<(), JsValue>,
    ) -> Result<(), StorageError> {
        let database = self.database().await?;
        let outcome = async {
            let options = Object::new();
            Reflect::set(&options, &"durability".into(), &"strict".into())?;
            let stores = Array::of2(&META.into(), &RECORDS.into());
            let transaction = database
                .unchecked_ref::<StrictDatabase>()
                .strict_transaction(&stores, "readwrite", &options)?;
            let finished = finished(&transaction);
            if let Err(thrown) = make(&transaction) {
                let _ = transaction.abort();
                let _ = JsFuture::from(finished).await;
                return Err(thrown);
            }
            JsFuture::from(finished).await.map(|_| ())
        };
        outcome.await.map_err(|thrown| self.failed(thrown))
    }

    async fn database(&self) -> Result<IdbDatabase, StorageError> {
        if let Some(database) = self.database.borrow().clone() {
            return Ok(database);
        }
        let database = open_database(&self.name).await?;
        *self.database.borrow_mut() = Some(database.clone());
        Ok(database)
    }

    /// A browser that has lost its database server refuses everything on the old connection: the
    /// next attempt opens another.
    fn failed(&self, thrown: JsValue) -> StorageError {
        let error = StorageError::from(thrown);
        if matches!(error, StorageError::Unavailable(_))
            && let Some(database) = self.database.borrow_mut().take()
        {
            database.close();
        }
        error
    }
}

fn carry_out(records: &IdbObjectStore, write: &RecordWrite) -> Result<(), JsValue> {
    match write {
        RecordWrite::Put(key, value) => {
            let (key, value) = (
                Uint8Array::from(key.as_slice()),
                Uint8Array::from(value.as_slice()),
            );
            records.put_with_key(&value, &key).map(|_| ())
        }
        RecordWrite::Delete(key) => records
            .delete(&Uint8Array::from(key.as_slice()))
            .map(|_| ()),
    }
}

async fn open_database(name: &str) -> Result<IdbDatabase, StorageError> {
    let missing = || PlatformError::new("NotSupported", "IndexedDB is missing or switched off");
    let factory = Reflect::get(&js_sys::global(), &"indexedDB".into())
        .ok()
        .and_then(|factory| factory.dyn_into::<web_sys::IdbFactory>().ok())
        .ok_or_else(missing)?;
    let request: IdbOpenDbRequest = factory.open_with_u32(name, LAYOUT)?;
    let upgrading = request.clone();
    let upgrade = Closure::once(move || -> Result<(), JsValue> {
        let database: IdbDatabase = upgrading.result()?.unchecked_into();
        database.create_object_store(META)?;
        database.create_object_store(RECORDS)?;
        Ok(())
    });
    request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
    let database = JsFuture::from(done(&request)).await?;
    let database: IdbDatabase = database.unchecked_into();
    // A newer app may need the database for itself; holding on would block it for ever.
    let closing = database.clone();
    let close = Closure::<dyn Fn()>::new(move || closing.close());
    database.set_onversionchange(Some(close.as_ref().unchecked_ref()));
    close.forget();
    Ok(database)
}

/// The keys that begin with `prefix`. Binary keys sort byte by byte, a shorter one first.
fn range_of(prefix: &[u8]) -> Result<IdbKeyRange, JsValue> {
    let lower = Uint8Array::from(prefix);
    let mut above = prefix.to_vec();
    while let Some(last) = above.pop() {
        if let Some(next) = last.checked_add(1) {
            above.push(next);
            let upper = Uint8Array::from(above.as_slice());
            return IdbKeyRange::bound_with_lower_open_and_upper_open(&lower, &upper, false, true);
        }
    }
    IdbKeyRange::lower_bound(&lower)
}

/// A promise for a request's result.
fn done(request: &IdbRequest) -> Promise {
    Promise::new(&mut |fulfil, reject| {
        let (succeeded, failed) = (request.clone(), request.clone());
        let success = Closure::once_into_js(move || {
            let _ = fulfil.call1(&JsValue::UNDEFINED, &succeeded.result().unwrap_or_default());
        });
        let error = Closure::once_into_js(move || {
            let error = failed
                .error()
                .ok()
                .flatten()
                .map_or(JsValue::UNDEFINED, JsValue::from);
            let _ = reject.call1(&JsValue::UNDEFINED, &error);
        });
        request.set_onsuccess(Some(success.unchecked_ref()));
        request.set_onerror(Some(error.unchecked_ref()));
    })
}

/// A promise for a transaction's end.
fn finished(transaction: &IdbTransaction) -> Promise {
    Promise::new(&mut |fulfil, reject| {
        let complete = Closure::once_into_js(move || {
            let _ = fulfil.call0(&JsValue::UNDEFINED);
        });
        let aborted = transaction.clone();
        let abort = Closure::once_into_js(move || {
            let cause = Reflect::get(&aborted, &CAUSE.into()).unwrap_or_default();
            let error = aborted.error().map_or(cause, JsValue::from);
            let _ = reject.call1(&JsValue::UNDEFINED, &error);
        });
        transaction.set_oncomplete(Some(complete.unchecked_ref()));
        transaction.set_onabort(Some(abort.unchecked_ref()));
    })
}

/// Goes on inside the transaction once `request` has its result. What `then` throws aborts the
/// transaction and must not leave the handler: outside it would count as a fault of the program.
fn on_success(request: &IdbRequest, then: impl FnOnce(JsValue) -> Result<(), JsValue> + 'static) {
    let succeeded = request.clone();
    let success = Closure::once_into_js(move || {
        let outcome = succeeded.result().and_then(then);
        if let (Err(thrown), Some(transaction)) = (outcome, succeeded.transaction()) {
            note_cause(&transaction, &thrown);
            let _ = transaction.abort();
        }
    });
    request.set_onsuccess(Some(success.unchecked_ref()));
}

/// Where [`note_cause`] leaves what was thrown: an aborted transaction does not know it by itself.
const CAUSE: &str = "bocageCause";

fn note_cause(transaction: &IdbTransaction, thrown: &JsValue) {
    let _ = Reflect::set(transaction, &CAUSE.into(), thrown);
}

#[wasm_bindgen]
extern "C" {
    type StrictDatabase;

    /// `web-sys` has no binding for the options, and the default is to say "done" before the disk
    /// has it.
    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn strict_transaction(
        this: &StrictDatabase,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;
}
