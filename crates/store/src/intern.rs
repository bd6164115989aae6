//! Why: service codes and operation names are `&'static str` in the rows, because they are written in our own code. A
//! stored one is the same text again; it is kept once and for ever.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};

/// More different texts than this are not names that our code ever wrote.
pub(crate) const TEXTS_MAX: usize = 1024;

static TEXTS: RwLock<BTreeSet<&'static str>> = RwLock::new(BTreeSet::new());

/// The one static copy of this text; none when there are too many different ones already.
pub(crate) fn intern(text: &str) -> Option<&'static str> {
    if let Some(known) = TEXTS.read().unwrap_or_else(PoisonError::into_inner).get(text) {
        return Some(known);
    }
    let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = texts.get(text) {
        return Some(known);
    }
    if texts.len() >= TEXTS_MAX {
        return None;
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    texts.insert(kept);
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_each_text_once_and_not_too_many() {
        let first = intern("payment_host_to_host").unwrap();
        let again = intern(&String::from("payment_host_to_host")).unwrap();
        assert!(std::ptr::eq(first, again));
        let refused = (0..=TEXTS_MAX).filter(|n| intern(&format!("name {n}")).is_none());
        assert!(refused.count() >= 2);
        assert_eq!(intern("payment_host_to_host"), Some(first));
    }
}
