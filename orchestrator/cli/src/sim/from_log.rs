//! `haven sim from-log`: what happened in a cluster, replayed, also with other settings.
//!
//! Never: a replay of half a file; a replay in which a safety property does not hold and that ends with 0.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use haven_core::ids::ResourceId;
use haven_core::spec::Spec;
use haven_core::units::Millis;
use haven_simulator::cluster::Tracing;
use haven_simulator::recorded::{Cause, Compared, End, Loss, Outage, Recording, Settings, Tale, Turned};
use haven_simulator::recorded::{answer, compare, turn};
use serde::{Deserialize, Serialize};

use crate::args::{SimFromLog, With};
use crate::export::new_file;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::trouble::{Exit, Trouble};

/// What is no answer to the question, and still to be known.
const DIM: Style = Style::new().dimmed();
/// The answer.
const BOLD: Style = AnsiColor::Green.on_default().bold();

/// What came of it, for programs.
#[derive(Debug, Serialize)]
struct Replayed<'a> {
    title: &'a str,
    recorded: Told<'a>,
    replayed: Told<'a>,
    /// What of the recording is not in the replay, and how often.
    left_out: &'a BTreeMap<String, u32>,
    /// What may have been something else, and how often.
    assumed: &'a BTreeMap<String, u32>,
    /// What did not hold in the replay; empty is well.
    violations: &'a [String],
    answer: &'a str,
    hash: String,
}

/// One side of it, for programs.
#[derive(Debug, Serialize)]
struct Told<'a> {
    losses: Vec<ToldLoss<'a>>,
    resources: Vec<ToldResource<'a>>,
}

#[derive(Debug, Serialize)]
struct ToldLoss<'a> {
    node: &'a str,
    /// When it was heard last, since the beginning of the replay.
    from_ms: u64,
    /// When the cluster said that it is lost.
    judged_ms: u64,
    /// `off`, `returned` or `open`.
    end: &'static str,
    end_ms: Option<u64>,
    how: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct ToldResource<'a> {
    resource: &'a str,
    failovers: usize,
    longest_ms: u64,
    outages: Vec<ToldOutage<'a>>,
}

#[derive(Debug, Serialize)]
struct ToldOutage<'a> {
    from_ms: u64,
    until_ms: Option<u64>,
    node: &'a str,
    to: Option<&'a str>,
    cause: &'static str,
}

/// What `haven config show --json` prints, as far as it is asked for here.
#[derive(Deserialize)]
struct Shown {
    spec: Spec,
}

pub(super) fn from_log(asked: &SimFromLog, terminal: &Terminal) -> Result<Exit, Trouble> {
    let name = asked.file.display().to_string();
    let text = read(&asked.file)?;
    let recording = Recording::parse(&text).map_err(|fault| {
        let remedy = "export the log again with `haven log export`, see docs/guide/simulator.md";
        Trouble::recording(format!("{name} is no export of a log"), format!("{name}, {fault}"), remedy)
    })?;
    let settings = settings(&asked.with)?;
    let turned = turn(&recording, &settings).map_err(|why| Trouble::cannot_replay(&name, &why.to_string()))?;
    if let Some(path) = &asked.write {
        let written = new_file(path)?.write_all(turned.scenario.to_toml().as_bytes());
        written.map_err(|error| Trouble::file(&format!("write {}", path.display()), &error))?;
    }
    let ran = turned.scenario.run(Tracing::Off);
    let compared = compare(&turned, &ran);
    let answer = answer(&compared, &settings);
    let replayed = Replayed {
        title: &turned.scenario.title,
        recorded: Told::of(&compared.recorded),
        replayed: Told::of(&compared.replayed),
        left_out: &turned.left.out,
        assumed: &turned.left.assumed,
        violations: &compared.violations,
        answer: &answer,
        hash: format!("{:016x}", ran.hash),
    };
    terminal.answer(&replayed, || page(&turned, &compared, &answer));
    Ok(if compared.violations.is_empty() { Exit::Fine } else { Exit::Refused })
}

fn read(path: &Path) -> Result<String, Trouble> {
    std::fs::read_to_string(path).map_err(|error| Trouble::file(&format!("read {}", path.display()), &error))
}

fn settings(with: &[With]) -> Result<Settings, Trouble> {
    let mut settings = Settings::default();
    for with in with {
        match with {
            With::DeadAfter(span) => settings.dead_after = Some(*span),
            With::Hold(span) => settings.hold = Some(*span),
            With::Spec(path) => {
                let name = path.display();
                let shown: Result<Shown, _> = serde_json::from_str(&read(path)?);
                let shown = shown.map_err(|error| {
                    let remedy = "write it with `haven config show --json`, and change that";
                    Trouble::recording(format!("{name} is no configuration"), format!("{name}: {error}"), remedy)
                })?;
                settings.spec = Some(shown.spec);
            }
        }
    }
    Ok(settings)
}

impl<'a> Told<'a> {
    fn of(tale: &'a Tale) -> Self {
        let resource = |id: &'a ResourceId| ToldResource {
            resource: id.as_str(),
            failovers: tale.failovers(id),
            longest_ms: tale.longest(id).0,
            outages: tale.outages.iter().filter(|outage| outage.resource == *id).map(ToldOutage::of).collect(),
        };
        Self {
            losses: tale.losses.iter().map(ToldLoss::of).collect(),
            resources: tale.resources.iter().map(resource).collect(),
        }
    }
}

impl<'a> ToldLoss<'a> {
    fn of(loss: &'a Loss) -> Self {
        let (end, end_ms, how) = match &loss.end {
            End::Off { at, how } => ("off", Some(at.0), Some(how.as_str())),
            End::Returned { at } => ("returned", Some(at.0), None),
            End::Open => ("open", None, None),
        };
        Self { node: loss.node.as_str(), from_ms: loss.from.0, judged_ms: loss.judged.0, end, end_ms, how }
    }
}

impl<'a> ToldOutage<'a> {
    fn of(outage: &'a Outage) -> Self {
        Self {
            from_ms: outage.from.0,
            until_ms: outage.until.map(|until| until.0),
            node: outage.node.as_str(),
            to: outage.to.as_ref().map(haven_core::ids::NodeId::as_str),
            cause: cause(outage.cause),
        }
    }
}

fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Loss => "loss",
        Cause::Stop => "stop",
        Cause::Failure => "failure",
    }
}

fn page(turned: &Turned, compared: &Compared, answer: &str) -> String {
    let mut page = format!("{}\n\n", turned.scenario.title);
    let mut losses = Table::new(&["LOST", "NODE", "HEARD LAST", "WHAT CAME OF IT"]);
    for (side, tale) in [("recorded", &compared.recorded), ("replayed", &compared.replayed)] {
        for loss in &tale.losses {
            let end = match &loss.end {
                End::Off { at, how } => format!("proven off after {}: {how}", seconds(at.minus(loss.from))),
                End::Returned { at } => format!("heard again after {}", seconds(at.minus(loss.from))),
                End::Open => "nothing, to the end".to_owned(),
            };
            losses.row([side.to_owned(), loss.node.to_string(), format!("at {}", seconds(loss.from)), end]);
        }
        if tale.losses.is_empty() {
            losses.row([side.to_owned(), "nobody".to_owned(), String::new(), String::new()]);
        }
    }
    page += &losses.text();
    let mut resources = Table::new(&["RESOURCE", "RECORDED", "REPLAYED"]);
    for id in compared.resources() {
        resources.row([id.to_string(), away(&compared.recorded, id), away(&compared.replayed, id)]);
    }
    page += &format!("\n{}\n", resources.text());
    page += &list("not in the replay", &turned.left.out);
    page += &list("taken for something that it may not have been", &turned.left.assumed);
    for violation in &compared.violations {
        page += &format!("{}does not hold{:#}: {violation}\n", super::RED, super::RED);
    }
    format!("{page}{BOLD}{answer}{BOLD:#}\n")
}

fn list(head: &str, counts: &BTreeMap<String, u32>) -> String {
    let lines: String = counts.iter().map(|(what, count)| format!("{DIM}  {count} x {what}{DIM:#}\n")).collect();
    if lines.is_empty() { lines } else { format!("{DIM}{head}:{DIM:#}\n{lines}\n") }
}

/// How long a resource ran nowhere at a stretch, from where to where, and how often.
fn away(tale: &Tale, id: &ResourceId) -> String {
    let outages: Vec<&Outage> = tale.outages.iter().filter(|outage| outage.resource == *id).collect();
    let span = |outage: &&Outage| outage.until.unwrap_or(tale.end).minus(outage.from);
    let Some(longest) = outages.iter().copied().max_by_key(span) else { return "never down".to_owned() };
    let way = match &longest.to {
        Some(to) => format!("{} to {to}", longest.node),
        None => "to the end".to_owned(),
    };
    let often = if outages.len() > 1 { format!(", down {} times", outages.len()) } else { String::new() };
    format!("down {}, {way}{often}", seconds(span(&longest)))
}

fn seconds(Millis(ms): Millis) -> String {
    let tenths = (ms + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}
