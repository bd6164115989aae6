//! Every command of the guides for merchants and operators is run as it is printed, in its order.

use std::{
    path::Path,
    process::{Command, Output},
};

use crate::{
    keepings::Keeping,
    support::{World, eventually},
};

/// The lines of a guide's shell blocks, with the exit code that a comment behind the command says.
fn commands(guide: &str) -> Vec<(String, i32)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides").join(guide);
    let text = std::fs::read_to_string(path).expect("the guide");
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block));
    let lines = blocks.flat_map(str::lines).filter(|line| line.starts_with("gerbang "));
    let code = |comment: &str| {
        let (_, rest) = comment.split_once("exit code ")?;
        rest.chars().next()?.to_digit(10).and_then(|digit| i32::try_from(digit).ok())
    };
    lines
        .map(|line| match line.split_once("  # ") {
            Some((command, comment)) => (command.to_owned(), code(comment).unwrap_or(0)),
            None => (line.to_owned(), 0),
        })
        .collect()
}

fn run(world: &World, command: &str) -> Output {
    run_in(world, command, None)
}

fn run_in(world: &World, command: &str, working_folder: Option<&Path>) -> Output {
    let folder = Path::new(env!("CARGO_BIN_EXE_gerbang")).parent().expect("a folder").display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("PATH", path).env("GERBANG_READY_FILE", world.ready_file());
    shell.current_dir(working_folder.unwrap_or(Path::new(".")));
    shell.output().expect("a shell")
}

async fn walk(guide: &str, count_min: usize) {
    let world = World::sandbox(Keeping::Sqlite);
    let commands = commands(guide);
    assert!(commands.len() >= count_min, "{commands:?}");
    for (command, code) in commands {
        // A question is asked again until it is answered as the guide says.
        eventually(&command, async || {
            let output = run(&world, &command);
            let ended = output.status.code() == Some(code);
            assert!(ended || command.contains(" status "), "{command}: {output:?}");
            ended.then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_merchants_guide_can_be_followed() {
    walk("sell-bills.md", 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_giving_money_back_can_be_followed() {
    walk("give-money-back.md", 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_guide_can_be_followed() {
    walk("operate-billers.md", 15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_reconciliation_can_be_followed() {
    let world = World::sandbox(Keeping::Sqlite);
    crate::reconciling::guide_files(&world).await;
    let commands = commands("reconcile.md");
    assert!(commands.len() >= 14, "{commands:?}");
    for (command, code) in commands {
        let output = run_in(&world, &command, Some(world.path()));
        assert_eq!(output.status.code(), Some(code), "{command}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_what_is_unknown_can_be_followed() {
    walk("settle-unknown.md", 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_the_clock_can_be_followed() {
    walk("turn-the-clock.md", 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_cases_can_be_followed() {
    let world = World::sandbox(Keeping::Sqlite);
    let commands = commands("show-a-case.md");
    assert!(commands.len() >= 2, "{commands:?}");
    for (command, code) in commands {
        let output = run_in(&world, &command, Some(world.path()));
        assert_eq!(output.status.code(), Some(code), "{command}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_notifications_can_be_followed() {
    walk("notify-merchants.md", 9).await;
}
