//! Sealing for the holder of an X25519 key (HPKE, RFC 9180): base mode, one message per
//! encapsulated key, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
//!
//! It says nothing about who sealed: sign what is sealed. It does not commit to the key either: never
//! search for the key that opens something.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open,
    single_shot_seal_with_rng,
};
use rand_core::CryptoRng;
use thiserror::Error;

use super::aead::NotAuthentic;
use super::dh::{PrivateKey, PublicKey};

/// Length of the encapsulated key in front of the ciphertext.
const ENCAPSULATED: usize = 32;

type TheirKey = <X25519HkdfSha256 as Kem>::PublicKey;
type OurKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// The recipient's key has a small order, or the plaintext is longer than the cipher takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("nothing can be sealed for this key")]
pub struct CannotSeal;

/// Seals `plain` for the holder of `recipient`. It opens only with the same `info` (what it is for)
/// and `context` (where it belongs). 48 bytes longer than `plain`.
///
/// # Errors
/// [`CannotSeal`].
pub fn seal(
    rng: &mut dyn CryptoRng,
    recipient: &PublicKey,
    info: &[u8],
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, CannotSeal> {
    let recipient = TheirKey::from_bytes(&recipient.0).map_err(|_| CannotSeal)?;
    let mut rng = rng;
    let (encapsulated, sealed) = single_shot_seal_with_rng::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
    >(&OpModeS::Base, &recipient, info, plain, context, &mut rng)
    .map_err(|_| CannotSeal)?;
    let mut out = Vec::with_capacity(ENCAPSULATED + sealed.len());
    out.extend_from_slice(&encapsulated.to_bytes());
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`NotAuthentic`] if it was made for another key, `info` or `context`, or was changed since.
pub fn open(
    key: &PrivateKey,
    info: &[u8],
    context: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    let (encapsulated, sealed) = sealed
        .split_first_chunk::<ENCAPSULATED>()
        .ok_or(NotAuthentic)?;
    let key = OurKey::from_bytes(key.expose()).map_err(|_| NotAuthentic)?;
    let encapsulated = Encapsulated::from_bytes(encapsulated).map_err(|_| NotAuthentic)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &key,
        &encapsulated,
        info,
        sealed,
        context,
    )
    .map_err(|_| NotAuthentic)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use core::convert::Infallible;

    use rand_chacha::ChaCha20Rng;
    use rand_core::{SeedableRng, TryCryptoRng, TryRng};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::crypto::dh::tests::SMALL_ORDER;
    use crate::crypto::hex;
    use crate::crypto::secret::Secret;

    /// Gives out 32 bytes, once.
    struct Once(Option<[u8; 32]>);

    impl TryRng for Once {
        type Error = Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            unreachable!("only bytes are drawn")
        }
        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            unreachable!("only bytes are drawn")
        }
        fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
            to.copy_from_slice(&self.0.take().unwrap());
            Ok(())
        }
    }

    impl TryCryptoRng for Once {}

    /// RFC 9180, A.2.1 and the first encryption of A.2.1.1.
    #[test]
    fn the_published_message_is_made_and_opens() {
        let key = PrivateKey::from_secret(&Secret::new(hex::array(
            "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
        )));
        let public = PublicKey(hex::array(
            "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
        ));
        let info = hex::bytes("4f6465206f6e2061204772656369616e2055726e");
        let plain = b"Beauty is truth, truth beauty";
        let mut rng = Once(Some(hex::array(
            "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b",
        )));
        let expected = hex::bytes(
            "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a\
             1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db\
             21993c62ce81883d2dd1b51a28",
        );
        assert_eq!(key.public_key(), public);
        let sealed = seal(&mut rng, &public, &info, b"Count-0", plain).unwrap();
        assert_eq!(sealed, expected);
        assert_eq!(open(&key, &info, b"Count-0", &sealed).unwrap(), plain);
    }

    #[test]
    fn any_changed_bit_purpose_or_place_is_noticed() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let key = PrivateKey::generate(&mut rng);
        let sealed = seal(&mut rng, &key.public_key(), b"info", b"here", b"hello").unwrap();
        assert_eq!(sealed.len(), 5 + 48);
        assert_eq!(open(&key, b"info", b"here", &sealed).unwrap(), b"hello");
        assert_eq!(open(&key, b"Info", b"here", &sealed), Err(NotAuthentic));
        assert_eq!(open(&key, b"info", b"there", &sealed), Err(NotAuthentic));
        let other = PrivateKey::generate(&mut rng);
        assert_eq!(open(&other, b"info", b"here", &sealed), Err(NotAuthentic));
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                open(&key, b"info", b"here", &bad),
                Err(NotAuthentic),
                "bit {bit}"
            );
        }
        for len in 0..sealed.len() {
            assert_eq!(
                open(&key, b"info", b"here", &sealed[..len]),
                Err(NotAuthentic),
                "length {len}"
            );
        }
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let key = PrivateKey::generate(&mut rng);
        for point in SMALL_ORDER {
            let point: [u8; 32] = hex::array(point);
            assert_eq!(
                seal(&mut rng, &PublicKey(point), b"", b"", b"hello"),
                Err(CannotSeal)
            );
            let mut sealed = point.to_vec();
            sealed.extend_from_slice(&[0; 21]);
            assert_eq!(open(&key, b"", b"", &sealed), Err(NotAuthentic));
        }
    }
}
