//! The rules that every entry keeps.
