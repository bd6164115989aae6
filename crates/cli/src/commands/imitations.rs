//! `gerbang imitations`: what is outside of the gateway alone, for several gateways and for those that die.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use serde_json::json;

use super::{DATA_DIR, runtime};
use crate::sandbox::{Folder, prepare_outside, wait_for_stop, write_whole};

/// Play the providers and the demo merchant alone, for gateways that run with --providers-elsewhere over the same folder
#[derive(clap::Args)]
#[command(hide = true)]
pub struct Args {
    /// The folder of the sandbox
    #[arg(long, value_name = "DIR", default_value = DATA_DIR)]
    data_dir: PathBuf,
    /// Where the gateway will listen
    #[arg(long, value_name = "ADDRESS", default_value = super::sandbox::LISTEN)]
    listen: SocketAddr,
    /// Where to say that they play: JSON with `providers` and their addresses
    #[arg(long, value_name = "FILE")]
    ready_file: PathBuf,
}

pub fn run(arguments: Args) -> anyhow::Result<ExitCode> {
    runtime()?.block_on(async {
        let outside = prepare_outside(&Folder::new(&arguments.data_dir), arguments.listen).await?;
        let providers: Vec<_> = outside
            .providers
            .iter()
            .map(|provider| json!({"name": provider.name(), "base_url": provider.base_url()}))
            .collect();
        write_whole(&arguments.ready_file, json!({"providers": providers}).to_string().as_bytes())?;
        wait_for_stop().await;
        let _ = std::fs::remove_file(&arguments.ready_file);
        outside.stop()?;
        Ok(ExitCode::SUCCESS)
    })
}
