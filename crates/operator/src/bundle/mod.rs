//! One case with everything that is known of it, for whoever must find out what happened or show it to somebody else.

pub mod make;
