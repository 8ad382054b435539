//! XChaCha20-Poly1305 for what is stored (draft-irtf-cfrg-xchacha-03). The nonce is drawn at random
//! for each sealing; 192 bits make that safe for any number of them.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand_core::CryptoRng;
use thiserror::Error;

use super::secret::Secret;

/// Length of the nonce in front of the ciphertext.
const NONCE: usize = 24;

/// The bytes were not sealed with this key for this place, or were changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("sealed bytes do not open")]
pub(crate) struct NotAuthentic;

/// Seals `plain`; only the same key with the same `context` opens it.
pub(crate) fn seal(
    key: &Secret,
    rng: &mut dyn CryptoRng,
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let sealed = cipher(key)
        .encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: plain,
                aad: context,
            },
        )
        .map_err(|_| NotAuthentic)?;
    let mut out = Vec::with_capacity(NONCE + sealed.len());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Opens what [`seal`] made.
pub(crate) fn open(key: &Secret, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(NotAuthentic)?;
    cipher(key)
        .decrypt(
            &XNonce::from(*nonce),
            Payload {
                msg: rest,
                aad: context,
            },
        )
        .map_err(|_| NotAuthentic)
}

fn cipher(key: &Secret) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn any_changed_bit_or_context_is_noticed() {
        let key = Secret::new([3; 32]);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let sealed = seal(&key, &mut rng, b"here", b"hello").unwrap();
        assert_eq!(sealed.len(), 5 + NONCE + 16);
        assert_eq!(open(&key, b"here", &sealed).unwrap(), b"hello");
        assert_eq!(open(&key, b"there", &sealed), Err(NotAuthentic));
        assert_eq!(
            open(&Secret::new([4; 32]), b"here", &sealed),
            Err(NotAuthentic)
        );
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&key, b"here", &bad), Err(NotAuthentic), "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert_eq!(
                open(&key, b"here", &sealed[..len]),
                Err(NotAuthentic),
                "length {len}"
            );
        }
    }

    /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn the_published_vector_opens() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len() / 2)
                .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
                .collect()
        };
        let mut key = [0; 32];
        for (i, byte) in key.iter_mut().enumerate() {
            *byte = 0x80 + u8::try_from(i).unwrap();
        }
        let sealed = [
            hex("404142434445464748494a4b4c4d4e4f5051525354555657"),
            hex(
                "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
                 731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
                 2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
                 21f9664c97637da9768812f615c68b13b52e\
                 c0875924c1c7987947deafd8780acf49",
            ),
        ]
        .concat();
        let plain = open(&Secret::new(key), &hex("50515253c0c1c2c3c4c5c6c7"), &sealed).unwrap();
        assert!(plain.starts_with(b"Ladies and Gentlemen of the class of '99"));
    }
}
