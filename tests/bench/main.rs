//! Benchmarks on real processes in network namespaces; each prints a table, and JSON with `--json FILE`.
//!
//! - `failover`: how long an address is away when its machine dies, side by side with what people use today;
//! - `calm`: that nothing happens beside heavy load;
//! - `commit`: what a committed event costs, next to etcd and to the disk itself;
//! - `idle`: what a daemon with ten resources costs that do nothing;
//! - `plan`: what it takes to decide about a CIB of Pacemaker, next to Pacemaker itself; it needs neither root nor namespaces.
//!
//! The others need root and the packages named in `docs/reference/benchmarks.md`, and say so if something is missing.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program that prints tables")]

mod calm;
mod commit;
mod failover;
mod idle;
mod peers;
mod plan;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use haven_tests::lab::{Aboard, Disk, Fallible, Lab, Programs};

/// Benchmarks of haven on real processes in network namespaces.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    what: What,
}

/// Options of every benchmark.
#[derive(Debug, Args)]
struct Common {
    /// The program `haven`; by default the one beside this program.
    #[arg(long, global = true, env = "HAVEN_BIN", value_name = "FILE")]
    haven: Option<PathBuf>,
    /// Write the figures to a file as JSON, too.
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Outage of an address when its machine is killed and its link goes down.
    Failover(failover::Asked),
    /// No loss, no leader change and no lapsed lease beside stress-ng.
    Calm(calm::Asked),
    /// Time of one committed event, next to etcd and to a bare fdatasync.
    Commit(commit::Asked),
    /// Memory and processor time of a daemon with ten idle resources.
    Idle(idle::Asked),
    /// Time and memory of `haven plan --cib`, next to crm_simulate.
    Plan(plan::Asked),
    /// Run a command, and print what it took as JSON.
    #[command(hide = true)]
    Measure(plan::Measured),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("bench-live: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Fallible<()> {
    if let What::Measure(asked) = &cli.what {
        return plan::measure(asked);
    }
    println!("{}", table::machine());
    let figures = match &cli.what {
        What::Failover(asked) => failover::run(asked, &programs(&cli.common)?)?,
        What::Calm(asked) => calm::run(asked, &programs(&cli.common)?)?,
        What::Commit(asked) => commit::run(asked)?,
        What::Idle(asked) => idle::run(asked, &programs(&cli.common)?)?,
        What::Plan(asked) => plan::run(asked, &beside(&cli.common, "haven")?)?,
        What::Measure(_) => return Ok(()),
    };
    if let Some(file) = &cli.common.json {
        std::fs::write(file, serde_json::to_string_pretty(&figures)?)?;
        println!("written to {}", file.display());
    }
    Ok(())
}

/// The programs that the machines of a lab run, if this computer can have one.
fn programs(common: &Common) -> Fallible<Programs> {
    if let Some(missing) = Lab::missing(&[]) {
        return Err(missing.into());
    }
    let (haven, lab) = (beside(common, "haven")?, beside(common, "lab-program")?);
    Ok(Programs { haven, aboard: Aboard::Echo(lab), disk: Disk::Folder })
}

/// A program beside this one, or the `haven` that was named.
fn beside(common: &Common, name: &str) -> Fallible<PathBuf> {
    let folder = std::env::current_exe()?.parent().ok_or("this program is in no folder")?.to_owned();
    let named = common.haven.clone().filter(|_| name == "haven");
    let program = named.unwrap_or_else(|| folder.join(name));
    if !program.exists() {
        let needed = "build it with the same profile: cargo build -p haven-cli -p haven-tests --bins";
        return Err(format!("{} is not there; {needed}", program.display()).into());
    }
    Ok(program)
}
