//! The commands, one file each. A new one is a file, a `mod` line and an entry of the list.

use std::process::ExitCode;

use clap::Subcommand;

mod bench;
mod biller;
mod bundle;
mod call;
mod clock;
mod demo;
mod explain;
mod imitations;
mod invoice;
mod keys;
mod ledger;
mod merchant;
mod migrate;
mod notifications;
mod reconcile;
mod refund;
mod sandbox;
mod serve;
mod sign;
mod simulate;
mod source;
mod status;
mod store;
mod unknown;
mod verify;

/// The data folder unless another one is named.
pub const DATA_DIR: &str = "gerbang-sandbox";

macro_rules! commands {
    ($($name:ident = $module:ident),+ $(,)?) => {
        /// What to do. The text of each command stands on its arguments.
        #[derive(Subcommand)]
        pub enum Command {
            $($name($module::Args),)+
        }

        impl Command {
            /// Does it.
            pub fn run(self) -> anyhow::Result<ExitCode> {
                match self {
                    $(Self::$name(arguments) => $module::run(arguments),)+
                }
            }
        }
    };
}

commands! {
    Sandbox = sandbox,
    Demo = demo,
    Serve = serve,
    Migrate = migrate,
    Store = store,
    Call = call,
    Biller = biller,
    Sign = sign,
    Verify = verify,
    Explain = explain,
    Keys = keys,
    Merchant = merchant,
    Invoice = invoice,
    Notifications = notifications,
    Ledger = ledger,
    Reconcile = reconcile,
    Refund = refund,
    Source = source,
    Status = status,
    Unknown = unknown,
    Clock = clock,
    Bundle = bundle,
    Bench = bench,
    Imitations = imitations,
    Simulate = simulate,
}

/// A runtime for commands that wait for the network.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
