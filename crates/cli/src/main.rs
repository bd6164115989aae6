//! The one executable `gerbang`: reads settings, builds everything, runs one command.
fn main() {}
