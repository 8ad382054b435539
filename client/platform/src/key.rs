//! The key that seals this profile's storage, bound to the browser.
//!
//! The key's bytes lie in storage wrapped under a WebCrypto key that the browser keeps and does not
//! give out. That keeps the storage unreadable on a copied disk; it does not keep out whoever can
//! run code in this origin, or the browser itself.

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AesGcmParams, AesKeyGenParams, CryptoKey, SubtleCrypto};

use crate::store::{StorageError, Store};
use crate::{PlatformError, random};

const WRAPPING_KEY: &str = "wrapping-key";
const WRAPPED: &str = "storage-key";

/// The storage key; drawn and wrapped on the first call of a profile.
///
/// # Errors
/// [`StorageError::Unavailable`] when the browser cannot, or when what is stored does not unwrap.
pub async fn storage_key(store: &Store) -> Result<[u8; 32], StorageError> {
    let subtle = subtle()?;
    let wrapped = store.meta(WRAPPED).await?;
    if wrapped.is_undefined() {
        return draw(store, &subtle).await;
    }
    let field = |name: &str| Reflect::get(&wrapped, &name.into()).map(|v| Uint8Array::new(&v));
    let (nonce, sealed) = (field("nonce")?, field("sealed")?);
    let wrapping: CryptoKey = store
        .meta(WRAPPING_KEY)
        .await?
        .dyn_into()
        .map_err(|_| damaged())?;
    let opening = subtle.decrypt_with_object_and_buffer_source(
        &AesGcmParams::new("AES-GCM", &nonce),
        &wrapping,
        &sealed,
    )?;
    let opened = JsFuture::from(opening).await.map_err(|_| damaged())?;
    let bytes = Uint8Array::new(&opened).to_vec();
    bytes.try_into().map_err(|_| damaged().into())
}

async fn draw(store: &Store, subtle: &SubtleCrypto) -> Result<[u8; 32], StorageError> {
    let key: [u8; 32] = random::bytes()?;
    let nonce = Uint8Array::from(random::bytes::<12>()?.as_slice());
    let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
    let generating =
        subtle.generate_key_with_object(&AesKeyGenParams::new("AES-GCM", 256), false, &usages)?;
    let wrapping: CryptoKey = JsFuture::from(generating).await?.unchecked_into();
    let sealing = subtle.encrypt_with_object_and_buffer_source(
        &AesGcmParams::new("AES-GCM", &nonce),
        &wrapping,
        &Uint8Array::from(key.as_slice()),
    )?;
    let sealed = Uint8Array::new(&JsFuture::from(sealing).await?);
    let wrapped = Object::new();
    Reflect::set(&wrapped, &"nonce".into(), &nonce)?;
    Reflect::set(&wrapped, &"sealed".into(), &sealed)?;
    let values = vec![
        (WRAPPING_KEY.to_owned(), JsValue::from(wrapping)),
        (WRAPPED.to_owned(), JsValue::from(wrapped)),
    ];
    store.put_meta(values).await?;
    Ok(key)
}

fn subtle() -> Result<SubtleCrypto, PlatformError> {
    let missing = || PlatformError::new("NotSupported", "WebCrypto is missing");
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into()).map_err(|_| missing())?;
    let crypto = crypto
        .dyn_into::<web_sys::Crypto>()
        .map_err(|_| missing())?;
    Ok(crypto.subtle())
}

fn damaged() -> PlatformError {
    PlatformError::new(
        "KeyDamaged",
        "the key of this profile's storage does not unwrap",
    )
}
