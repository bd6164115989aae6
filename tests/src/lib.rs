//! Tests that belong to no single crate. `tests/tidy` holds the structure's rules; `browser` walks the pages.
