//! The whole program, run as its users run it: child processes, real HTTP, real files.

#[macro_use]
mod keepings;

mod bill_crashes;
mod bills;
mod bundles;
mod callbacks;
mod commands;
mod demo;
mod deposits;
mod guides;
mod kills;
mod magic_numbers;
mod moving;
mod openssl_guide;
mod operating;
mod payments;
mod products;
mod reconciling;
mod refunds;
mod restoring;
mod room;
mod samples;
mod scenarios;
mod simulating;
mod sources;
mod support;
mod turning;
mod unknown;
mod upstream;
