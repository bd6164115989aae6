//! The whole program, run as its users run it: child processes, real HTTP, real files.

#[macro_use]
mod keepings;

mod callbacks;
mod commands;
mod demo;
mod moving;
mod openssl_guide;
mod payments;
mod samples;
mod support;
