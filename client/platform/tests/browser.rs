//! The thin files against a real browser.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::cell::RefCell;
use std::rc::Rc;

use core::time::Duration;

use bocage_platform::shared_channel::SharedChannel;
use bocage_platform::store::{RecordWrite, StorageError, Store};
use bocage_platform::{clock, key, lock, random, task};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// A database of its own for each test.
async fn store() -> Store {
    let name: [u8; 8] = random::bytes().unwrap();
    Store::open(&format!("test-{name:?}")).await.unwrap()
}

fn put(key: &[u8], value: &[u8]) -> RecordWrite {
    RecordWrite::Put(key.to_vec(), value.to_vec())
}

async fn found(store: &Store, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.load(prefix).await.unwrap()
}

#[wasm_bindgen_test]
async fn records_are_found_by_prefix_in_the_order_of_their_keys() {
    let store = store().await;
    let run = store.claim_run().await.unwrap();
    let writes = vec![
        put(&[1, 2], b"b"),
        put(&[1, 0], b"a"),
        put(&[2], b"c"),
        put(&[255, 255], b"d"),
    ];
    store.write(run, writes).await.unwrap();
    assert_eq!(
        found(&store, &[1]).await,
        [(vec![1, 0], b"a".to_vec()), (vec![1, 2], b"b".to_vec())]
    );
    assert_eq!(
        found(&store, &[255, 255]).await,
        [(vec![255, 255], b"d".to_vec())]
    );
    assert_eq!(found(&store, &[3]).await, []);
    assert_eq!(found(&store, &[]).await.len(), 4);
}

#[wasm_bindgen_test]
async fn writes_happen_in_order() {
    let store = store().await;
    let run = store.claim_run().await.unwrap();
    let key = vec![7];
    let writes = vec![
        put(&key, b"old"),
        RecordWrite::Delete(key.clone()),
        put(&key, b"new"),
    ];
    store.write(run, writes).await.unwrap();
    assert_eq!(found(&store, &[7]).await, [(key.clone(), b"new".to_vec())]);
    store
        .write(
            run,
            vec![RecordWrite::Delete(key), RecordWrite::Delete(vec![8])],
        )
        .await
        .unwrap();
    assert_eq!(found(&store, &[7]).await, []);
}

#[wasm_bindgen_test]
async fn an_engine_of_an_earlier_run_writes_nothing() {
    let store = store().await;
    let first = store.claim_run().await.unwrap();
    let second = store.claim_run().await.unwrap();
    assert!(second > first);
    let refused = store.write(first, vec![put(&[1], b"late")]).await;
    assert_eq!(refused, Err(StorageError::Superseded));
    assert_eq!(found(&store, &[]).await, []);
    store.write(second, vec![put(&[1], b"mine")]).await.unwrap();
}

#[wasm_bindgen_test]
async fn the_storage_key_is_drawn_once() {
    let store = store().await;
    let key = key::storage_key(&store).await.unwrap();
    assert_ne!(key, [0; 32]);
    assert_eq!(key::storage_key(&store).await.unwrap(), key);
}

#[wasm_bindgen_test]
async fn a_lock_passes_on_when_it_is_released_or_stolen() {
    let first = lock::hold("test-lock", false).await.unwrap();
    let order = Rc::new(RefCell::new(Vec::new()));
    let waiting = Rc::clone(&order);
    task::spawn(async move {
        let second = lock::hold("test-lock", false).await.unwrap();
        waiting.borrow_mut().push("second");
        second.lost().await;
        waiting.borrow_mut().push("stolen");
    });
    order.borrow_mut().push("first");
    drop(first);
    while order.borrow().len() < 2 {
        task::sleep(Duration::from_millis(1)).await;
    }
    let third = lock::hold("test-lock", true).await.unwrap();
    while order.borrow().len() < 3 {
        task::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(*order.borrow(), ["first", "second", "stolen"]);
    drop(third);
}

#[wasm_bindgen_test]
async fn a_shared_channel_reaches_all_others_of_its_name() {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let hearing = Rc::clone(&heard);
    let _ear = SharedChannel::listen("test-channel", move |bytes| {
        hearing.borrow_mut().push(bytes);
    })
    .unwrap();
    SharedChannel::to("test-other")
        .unwrap()
        .send(b"not this")
        .unwrap();
    let mouth = SharedChannel::to("test-channel").unwrap();
    mouth.send(b"this").unwrap();
    while heard.borrow().is_empty() {
        task::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(*heard.borrow(), [b"this".to_vec()]);
}

#[wasm_bindgen_test]
fn the_clock_is_this_century_and_the_other_one_runs_on() {
    assert!(clock::now_ms() > 1_700_000_000_000);
    let before = clock::monotonic_us();
    assert!(clock::monotonic_us() >= before);
}
