//! The two languages of the pages.

use crate::texts::{ENGLISH, INDONESIAN, Texts};

/// A page's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Indonesian, when nothing says otherwise.
    Id,
    /// English.
    En,
}

impl Lang {
    /// Both, in the order of the snapshots.
    #[cfg(test)]
    pub const ALL: [Self; 2] = [Self::Id, Self::En];

    /// Reads `id` or `en`, in any case.
    pub fn read(code: &str) -> Option<Self> {
        if code.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else if code.eq_ignore_ascii_case("id") {
            Some(Self::Id)
        } else {
            None
        }
    }

    /// `id` or `en`, as `<html lang>` has it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::En => "en",
        }
    }

    /// The other one, for the switch at the foot of a page.
    pub fn other(self) -> Self {
        match self {
            Self::Id => Self::En,
            Self::En => Self::Id,
        }
    }

    /// Its own name for itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "Bahasa Indonesia",
            Self::En => "English",
        }
    }

    /// Every text in this language.
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::Id => &INDONESIAN,
            Self::En => &ENGLISH,
        }
    }
}
