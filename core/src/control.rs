//! Wrong rules, to show that the tests would find them. Only with the feature `controls`, which no
//! build that people use has.

/// A rule that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Late work counts only if the remover had it: honest work that was built on it is lost.
    NoEndorsement,
    /// Late work counts only if somebody built right on it.
    EndorsementOfOne,
    /// Late work counts if anybody built on it, whether that counts or not.
    EndorsementByAnybody,
    /// Of two branches of a chain the one with the lower id counts, whoever built on the other.
    LowestIdWins,
    /// Who has built on a branch decides, even where a manager has settled another.
    NothingIsSettled,
    /// What somebody who was removed did without knowing of it stands.
    NothingIsVoid,
    /// Whoever is more junior removes as well.
    NoSeniority,
    /// Of somebody who was let in twice, what is done about one admission does not concern the other.
    AdmissionsApart,
    /// Who lets themself in without knowing that the invitation was revoked is in.
    JoinsOutliveRevocation,
    /// Of those who exceed an instant invitation's uses the ones with the lowest ids stand.
    SurplusByLowestId,
    /// Nobody looks at signatures.
    Unsigned,
    /// A batch that has once come with a bad signature is refused for ever, whatever comes with a good one.
    BadSignatureIsFinal,
}

#[cfg(feature = "controls")]
mod switch {
    use core::cell::Cell;

    use super::Control;

    std::thread_local! {
        static WRONG: Cell<Option<Control>> = const { Cell::new(None) };
    }

    /// Does something under a wrong rule.
    pub fn under<T>(control: Control, act: impl FnOnce() -> T) -> T {
        struct Reset;
        impl Drop for Reset {
            fn drop(&mut self) {
                WRONG.set(None);
            }
        }
        WRONG.set(Some(control));
        let _reset = Reset;
        act()
    }

    pub(crate) fn is(control: Control) -> bool {
        WRONG.get() == Some(control)
    }
}

#[cfg(not(feature = "controls"))]
mod switch {
    use super::Control;

    pub(crate) const fn is(_: Control) -> bool {
        false
    }
}

pub(crate) use switch::is;
#[cfg(feature = "controls")]
pub use switch::under;
