//! What it takes to decide about a CIB, beside `crm_simulate` of Pacemaker on the same file and in the same run.

mod input;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use haven_config::Source;
use haven_core::scheduler::engine;
use haven_tests::lab::Fallible;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use input::{Kind, Mode, Size};

/// The peer, which Debian has in `pacemaker-cli-utils`.
const PEER: &str = "crm_simulate";
/// Runs of the scheduler in one call of `crm_simulate --profile`, which reads the file once.
const REPEATS: u32 = 2;

/// Shorter times say nothing of growth, in seconds.
const GROWS_FROM: f64 = 0.005;

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Nodes and resources, such as `3x10`; with `c` in the end, chains of that many clones.
    #[arg(long, value_delimiter = ',', default_value = "3x10,8x100,16x500,32x1000,64x2000,8x20c,16x40c,32x80c", value_parser = size)]
    sizes: Vec<Size>,
    /// What has happened in them.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "steady,dead")]
    modes: Vec<Mode>,
    /// Runs of each program on each file, of which the quickest counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// These CIBs instead of generated ones.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["sizes", "modes"])]
    files: Vec<PathBuf>,
    /// Do not compare with crm_simulate.
    #[arg(long)]
    alone: bool,
}

fn size(text: &str) -> Result<Size, String> {
    let (numbers, kind) = text.strip_suffix('c').map_or((text, Kind::Mixed), |rest| (rest, Kind::Clones));
    let parts = numbers.split_once('x').and_then(|(n, r)| Some((n.parse().ok()?, r.parse().ok()?)));
    match parts {
        Some((nodes @ 2..=1000, resources @ 1..=100_000)) => Ok(Size { nodes, resources, kind }),
        _ => Err("write nodes x resources, such as 32x1000, with 2 to 1000 nodes and 1 to 100000 resources".to_owned()),
    }
}

/// A command whose processor time and memory are measured: a process of its own, since the memory of children is only known as
/// the largest of all.
#[derive(Debug, Args)]
pub(crate) struct Measured {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    words: Vec<std::ffi::OsString>,
}

/// What a process took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Took {
    cpu_s: f64,
    peak_mib: f64,
}

/// What was measured of one file.
#[derive(Debug, Serialize)]
struct Row {
    size: String,
    product: u32,
    mode: String,
    bytes: usize,
    /// The whole process, from reading the file to the last line.
    haven: Took,
    /// Deciding alone, from what was read.
    scheduler_s: f64,
    peer: Option<Took>,
    peer_scheduler_s: Option<f64>,
}

/// One CIB.
enum Input {
    Made(Size, Mode),
    File(PathBuf),
}

impl Asked {
    fn inputs(&self) -> Vec<Input> {
        if !self.files.is_empty() {
            return self.files.iter().cloned().map(Input::File).collect();
        }
        let both = |size: &Size| self.modes.iter().map(|mode| Input::Made(*size, *mode)).collect::<Vec<_>>();
        self.sizes.iter().flat_map(both).collect()
    }
}

pub(crate) fn run(asked: &Asked, haven: &Path) -> Fallible<Value> {
    let peer = !asked.alone;
    if peer && Command::new(PEER).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return Err(format!("{PEER} is not there: install pacemaker-cli-utils, or give --alone").into());
    }
    let folder = tempfile::tempdir()?;
    println!(
        "{:>14} {:7} {:>8}  {:>9} {:>9} {:>6}  {:>8} {:>8} {:>6}  {:>9} {:>9} {:>6}",
        "", "", "file", "haven", "peer", "", "haven", "peer", "", "decides", "peer", ""
    );
    println!(
        "{:>14} {:7} {:>8}  {:>9} {:>9} {:>6}  {:>8} {:>8} {:>6}  {:>9} {:>9} {:>6}",
        "size", "mode", "MiB", "CPU s", "CPU s", "ratio", "MiB", "MiB", "ratio", "CPU s", "CPU s", "ratio"
    );
    let mut rows = Vec::new();
    for of in asked.inputs() {
        // A folder for each: the peer's profile measures all files of one.
        let inputs = folder.path().join("input");
        std::fs::create_dir(&inputs)?;
        let row = row(asked, haven, &of, &inputs)?;
        std::fs::remove_dir_all(&inputs)?;
        print(&row);
        rows.push(row);
    }
    let growth = growth(&rows, &asked.modes);
    for (mode, exponent) in &growth {
        println!("{mode}: deciding grows with the {exponent:.2}th power of nodes x resources");
    }
    Ok(json!({ "rows": rows, "growth": growth.into_iter().collect::<std::collections::BTreeMap<_, _>>() }))
}

fn row(asked: &Asked, haven: &Path, of: &Input, inputs: &Path) -> Fallible<Row> {
    let (size, product, mode, text) = match of {
        Input::Made(size, mode) => {
            let product = u32::try_from(size.nodes * size.resources)?;
            (size.to_string(), product, format!("{mode:?}").to_lowercase(), input::cib(*size, *mode)?)
        }
        Input::File(file) => {
            let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            let text = std::fs::read_to_string(file).map_err(|e| format!("reading {}: {e}", file.display()))?;
            (name, 0, "file".to_owned(), text)
        }
    };
    let file = inputs.join("cib.xml");
    std::fs::write(&file, &text)?;
    let path = file.to_str().ok_or("a path that is not text")?;
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for _ in 0..asked.runs {
        own.push(measured(&[haven.to_str().ok_or("a path that is not text")?, "plan", "--cib", path, "--json"])?);
        if !asked.alone {
            other.push(measured(&[PEER, "-R", "-x", path])?);
        }
    }
    let scheduler_s = deciding(text.as_bytes(), asked.runs)?;
    let peer_scheduler_s = if asked.alone { None } else { Some(profiled(inputs, asked.runs)?) };
    let haven = quickest(&own).ok_or("nothing was run")?;
    Ok(Row { size, product, mode, bytes: text.len(), haven, scheduler_s, peer: quickest(&other), peer_scheduler_s })
}

/// The least time, and the least memory.
fn quickest(runs: &[Took]) -> Option<Took> {
    let least = |of: fn(&Took) -> f64| runs.iter().map(of).min_by(f64::total_cmp);
    Some(Took { cpu_s: least(|took| took.cpu_s)?, peak_mib: least(|took| took.peak_mib)? })
}

fn print(row: &Row) {
    let ratio =
        |own: f64, other: Option<f64>| other.map_or("-".to_owned(), |other| format!("{:.1}", other / own.max(0.0001)));
    let figure = |of: Option<f64>| of.map_or("-".to_owned(), |of| format!("{of:.3}"));
    let (cpu, memory) = (row.peer.map(|took| took.cpu_s), row.peer.map(|took| took.peak_mib));
    println!(
        "{:>14} {:7} {:8.1}  {:9.3} {:>9} {:>6}  {:8.1} {:>8} {:>6}  {:9.4} {:>9} {:>6}",
        row.size,
        row.mode,
        mib(row.bytes),
        row.haven.cpu_s,
        figure(cpu),
        ratio(row.haven.cpu_s, cpu),
        row.haven.peak_mib,
        memory.map_or("-".to_owned(), |of| format!("{of:.1}")),
        ratio(row.haven.peak_mib, memory),
        row.scheduler_s,
        figure(row.peer_scheduler_s),
        ratio(row.scheduler_s, row.peer_scheduler_s),
    );
}

fn mib(bytes: usize) -> f64 {
    u32::try_from(bytes / 1024).map_or(f64::NAN, f64::from) / 1024.0
}

/// Deciding alone, as often as asked: the least processor time of this process.
fn deciding(cib: &[u8], runs: u32) -> Fallible<f64> {
    let source = Source::of_cib("cib.xml", cib.to_vec());
    let (scene, found) = haven_config::cib::read(&source);
    let scene = scene.ok_or_else(|| haven_config::render(&source, &found))?;
    let mut least = f64::INFINITY;
    for _ in 0..runs {
        let before = own_cpu()?;
        let (began, outcome) = (Instant::now(), engine::outcome(&scene));
        let wall = began.elapsed();
        let cpu = own_cpu()? - before;
        drop(outcome);
        // The kernel counts processor time by its own ticks: what is shorter than some of them is told by the clock.
        least = least.min(if wall < Duration::from_millis(50) { wall.as_secs_f64() } else { cpu });
    }
    Ok(least)
}

fn own_cpu() -> Fallible<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(as_seconds(usage.user_time()) + as_seconds(usage.system_time()))
}

fn as_seconds(time: TimeVal) -> f64 {
    let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64()
}

/// One run of the peer's scheduler, as its own profile tells.
fn profiled(inputs: &Path, runs: u32) -> Fallible<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..runs.min(3) {
        let output =
            Command::new(PEER).arg("--profile").arg(inputs).args(["--repeat", &REPEATS.to_string()]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // "* Testing cib.xml ... 0.03 secs", or the last number that it prints.
        let mut numbers = text.split_whitespace().rev().filter_map(|word| word.parse::<f64>().ok());
        let total = numbers.next().ok_or_else(|| format!("{PEER} --profile said: {text}"))?;
        least = least.min(total / f64::from(REPEATS));
    }
    Ok(least)
}

/// What a command took, measured by this program as a process of its own.
fn measured(words: &[&str]) -> Fallible<Took> {
    let output = Command::new(std::env::current_exe()?).arg("measure").arg("--").args(words).output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs a command, and prints what it took as JSON.
///
/// # Errors
///
/// The command cannot be run, or ends with another code than 0.
pub(crate) fn measure(asked: &Measured) -> Fallible<()> {
    let (program, words) = asked.words.split_first().ok_or("no command")?;
    let status = Command::new(program).args(words).stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(format!("{} ended with {status}", PathBuf::from(program).display()).into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu_s = as_seconds(usage.user_time()) + as_seconds(usage.system_time());
    let peak_mib = f64::from(u32::try_from(usage.max_rss())?) / 1024.0;
    println!("{}", serde_json::to_string(&Took { cpu_s, peak_mib })?);
    Ok(())
}

/// The slope of the logarithms of time over nodes x resources, by least squares: mixed clusters whose time can be told from noise.
fn growth(rows: &[Row], modes: &[Mode]) -> Vec<(String, f64)> {
    let of = |mode: &String| {
        let points: Vec<(f64, f64)> = rows
            .iter()
            .filter(|row| {
                row.mode == *mode && row.product > 0 && !row.size.ends_with("clones") && row.scheduler_s > GROWS_FROM
            })
            .map(|row| (f64::from(row.product).ln(), row.scheduler_s.ln()))
            .collect();
        slope(&points).map(|slope| (mode.clone(), slope))
    };
    modes.iter().map(|mode| format!("{mode:?}").to_lowercase()).filter_map(|mode| of(&mode)).collect()
}

fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = u32::try_from(points.len()).ok().filter(|count| *count > 1).map(f64::from)?;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let rise: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let run: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    Some(rise / run)
}
