//! Signatures that need not be computed: in a simulator one thread is everybody, and hears each signature being made.
//!
//! Without the feature `known` all are computed; with it too, on threads that did not ask otherwise.

/// Whether `verify` holds, of this signature by the key of that message.
pub fn is_good(key: &[u8], message: &[u8], signature: &[u8], verify: impl FnOnce() -> bool) -> bool {
    #[cfg(feature = "known")]
    {
        table::is_known(key, message, signature) || verify() && table::add(key, message, signature)
    }
    #[cfg(not(feature = "known"))]
    {
        let _unasked = (key, message, signature);
        verify()
    }
}

/// This signature was just made, so it is good.
pub fn on_signed(key: &[u8], message: &[u8], signature: &[u8]) {
    #[cfg(feature = "known")]
    table::add(key, message, signature);
    #[cfg(not(feature = "known"))]
    let _unasked = (key, message, signature);
}

#[cfg(feature = "known")]
pub use table::begin;

#[cfg(feature = "known")]
mod table {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use sha2::{Digest as _, Sha256};

    /// All are forgotten when there are so many.
    const MOST: usize = 4096;

    thread_local! {
        static GOOD: RefCell<Option<BTreeSet<[u8; 32]>>> = const { RefCell::new(None) };
    }

    /// From now on this thread remembers which signatures are good, and computes none of those again.
    pub fn begin() {
        GOOD.set(Some(BTreeSet::new()));
    }

    fn id(key: &[u8], message: &[u8], signature: &[u8]) -> [u8; 32] {
        let lengths = [key.len(), signature.len()].map(usize::to_be_bytes).concat();
        [lengths.as_slice(), key, signature, message].into_iter().fold(Sha256::new(), Sha256::chain_update).finalize().into()
    }

    pub(super) fn is_known(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        GOOD.with_borrow(|good| good.as_ref().is_some_and(|good| good.contains(&id(key, message, signature))))
    }

    pub(super) fn add(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        GOOD.with_borrow_mut(|good| {
            if let Some(good) = good {
                if good.len() >= MOST {
                    good.clear();
                }
                good.insert(id(key, message, signature));
            }
        });
        true
    }
}

#[cfg(all(test, feature = "known"))]
mod tests {
    use super::*;

    #[test]
    fn what_was_good_is_not_asked_again_and_all_else_is() {
        let never = || panic!("it was good before");
        assert!(is_good(b"key", b"message", b"signature", || true));
        assert!(!is_good(b"key", b"message", b"signature", || false), "nobody asked for it");
        begin();
        assert!(!is_good(b"key", b"message", b"signature", || false));
        assert!(is_good(b"key", b"message", b"signature", || true));
        assert!(is_good(b"key", b"message", b"signature", never));
        on_signed(b"key", b"another", b"signature");
        assert!(is_good(b"key", b"another", b"signature", never));
        for (key, message, signature) in [("ke", "ymessage", "signature"), ("key", "message", "forged"), ("other", "message", "signature")]
        {
            assert!(!is_good(key.as_bytes(), message.as_bytes(), signature.as_bytes(), || false));
        }
    }
}
