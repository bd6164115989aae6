//! The reference, printed from the tables.
