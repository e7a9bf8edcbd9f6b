//! The end of a run: it converges, the checkers look, and evidence is kept of what did not hold.
//!
//! Never: a checker before the histories are closed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use haven_api::view::LogLine;
use haven_api::{Client, LogAsk};
use haven_core::ids::{LogIndex, OrderId, ResourceId};
use haven_core::state::{ClusterState, FenceOrder, OrderResult};
use tokio::runtime::Runtime;

use super::edits::{Answers, Edits};
use super::people::People;
use super::play::Found as Met;
use super::report::{AWAY, COUNTED, Outages, Report};
use super::stage::Stage;
use super::watch::{Watch, sockets};
use super::{Ended, Evidence, pages};
use crate::aboard::agent;
use crate::check::acknowledged::{Changed, Told};
use crate::check::convergence::View;
use crate::check::orders::Order;
use crate::check::secrets::{PASSWORD, Scan};
use crate::check::{Violation, acknowledged, convergence, equal, orders, owners, panic, recovery};
use crate::history::{History, HostTime, Mark};
use crate::lab::Fallible;
use crate::schedule::Schedule;

/// How long convergence may take: as in the simulator, and a minute more for a computer that is busy.
const CONVERGES_WITHIN: Duration = Duration::from_secs(300);
/// Time between two looks whether all is well.
const LOOK: Duration = Duration::from_millis(300);
/// How long all must be well: a node that has just begun may still tell what it knew before, and a loss that nobody has
/// noticed is noticed meanwhile.
const STAYS_WELL: Duration = Duration::from_secs(5);
/// How long the nodes may take to have applied what one of them has.
const LEVELS_WITHIN: Duration = Duration::from_secs(30);
/// A page of the past may have to be read from the disk.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// Largest file that is looked through for the secret.
const FILE_MAX: u64 = 512 << 20;

/// A run whose faults have ended.
pub(super) struct Run<'a> {
    pub(super) stage: &'a mut Stage,
    pub(super) watch: Watch,
    pub(super) people: People,
    pub(super) schedule: &'a Schedule,
    pub(super) began: HostTime,
    pub(super) length: Duration,
    pub(super) found: Met,
    pub(super) evidence: Evidence,
}

/// What the nodes have at the end.
struct Found {
    log: Vec<LogLine>,
    orders: Vec<Order>,
    violations: Vec<Violation>,
}

impl Run<'_> {
    /// Waits until all is well, has the checkers look, and says what came of it.
    pub(super) fn finish(mut self, edits: Edits, tell: &dyn Fn(&str), stop: &AtomicBool) -> Fallible<Ended> {
        let healed = Instant::now();
        let last = self.converge(stop)?;
        if stop.load(Ordering::Relaxed) {
            return Ok(Ended::Stopped);
        }
        let mut violations: Vec<Violation> = Vec::new();
        let mut converged = None;
        match last {
            Ok(since) => converged = Some(since.saturating_duration_since(healed).as_secs_f64()),
            Err(why) => {
                let within = CONVERGES_WITHIN.as_secs();
                violations.push(Violation::new("L1", format!("{within} s after the last fault: {why}")));
            }
        }
        tell(&format!("{:>8.3} s  the checkers look", super::since(self.began).as_secs_f64()));
        let (answers, changes) = (edits.end(), self.people.changes());
        let histories = self.histories()?;
        violations.extend(histories.iter().flat_map(|history| owners::check(history, self.began)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let found = self.ask(&runtime, &answers, &changes)?;
        violations.extend(found.violations);
        let offs = self.stage.panel.offs();
        let looks = self.watch.seen().looks.clone();
        violations.extend(orders::check(&offs, &found.orders, &looks, self.began));
        violations.extend(self.secrets(&runtime));
        violations.extend(self.panics()?);
        let keeps = self.evidence == Evidence::Always || !violations.is_empty();
        let evidence = keeps.then(|| keep(self.stage, self.schedule, Some(&found.log)));
        let mut left_out = self.schedule.left_out.clone();
        left_out.extend(std::mem::take(&mut self.found.left_out));
        let report = Report {
            origin: self.schedule.origin.clone(),
            nodes: self.stage.nodes.len(),
            faults_s: (self.length.as_secs_f64() * 10.0).round() / 10.0,
            converged_s: converged,
            faults: self.schedule.kinds.clone(),
            left_out,
            unmet: std::mem::take(&mut self.found.unmet),
            entries: found.log.last().map_or(0, |line| line.index),
            terms: found.log.last().map_or(0, |line| line.term),
            events: counted(&found.log),
            power_offs: offs.len(),
            ended_by_themselves: self.stage.ended.clone(),
            acknowledged: answers.acknowledged.len(),
            not_acknowledged: answers.others,
            resources: histories.iter().map(|history| (history.resource.clone(), outages(history))).collect(),
            violations,
            evidence,
        };
        if let Some(folder) = &report.evidence {
            fs::write(folder.join("report.json"), serde_json::to_string_pretty(&report)?)?;
        }
        Ok(Ended::Checked(Box::new(report)))
    }

    /// Waits until all is well and stays so: since when, or why it never is.
    fn converge(&mut self, stop: &AtomicBool) -> Fallible<Result<Instant, String>> {
        let end = Instant::now() + CONVERGES_WITHIN;
        let mut well: Option<Instant> = None;
        loop {
            self.stage.look_after()?;
            let unwell = self.unwell();
            match (unwell, well) {
                (None, Some(since)) if since.elapsed() >= STAYS_WELL => return Ok(Ok(since)),
                (None, Some(_)) => {}
                (None, None) => well = Some(Instant::now()),
                (Some(why), _) if Instant::now() >= end || stop.load(Ordering::Relaxed) => return Ok(Err(why)),
                (Some(_), _) => well = None,
            }
            std::thread::park_timeout(LOOK);
        }
    }

    /// What is not well, first thing first.
    fn unwell(&self) -> Option<String> {
        let mut views = Vec::new();
        let must = self.schedule.never_removed();
        for node in &self.stage.nodes {
            match self.stage.cluster.status(node) {
                Ok(status) => views.push(View::of(node, &status, &must)),
                Err(trouble) => return Some(format!("{node} does not answer: {trouble}")),
            }
        }
        match self.histories() {
            Ok(histories) => convergence::unwell(&views, &histories, HostTime::now()),
            Err(trouble) => Some(trouble.to_string()),
        }
    }

    fn histories(&self) -> Fallible<Vec<History>> {
        let read = |(resource, file): (String, PathBuf)| {
            let text = fs::read_to_string(file)?;
            // A line that is being written is none yet.
            let whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
            Ok(History::parse(&resource, whole))
        };
        written(self.stage)?.into_iter().map(read).collect()
    }

    /// Asks every node what it has, and looks at what the log and the states say.
    fn ask(&self, runtime: &Runtime, answers: &Answers, changes: &[Changed]) -> Fallible<Found> {
        let clients: Vec<(String, Client)> = sockets(&self.stage.cluster.lab.rack())
            .into_iter()
            .map(|(node, socket)| (node, Client::new(socket).within(ANSWERS_WITHIN)))
            .collect();
        let mut violations = Vec::new();
        let least = answers.acknowledged.values().copied().chain(changes.iter().filter_map(entry)).max().unwrap_or(0);
        let states = runtime.block_on(level(&clients, least));
        let hash =
            |(node, state): &(String, ClusterState)| (state.index.0, node.clone(), format!("{:08x}", state.hash()));
        let hashes: Vec<(u64, String, String)> = states.iter().map(hash).collect();
        violations
            .extend(equal::check("state", hashes.iter().map(|(i, node, hash)| (*i, node.as_str(), hash.clone()))));
        violations.extend(acknowledged::check_reached(states.iter().map(|(_, state)| state.index.0).max(), least));
        for (node, state) in states.iter().filter(|(_, state)| state.index.0 >= least) {
            let has: BTreeSet<String> = state.spec.tags.keys().map(ToString::to_string).collect();
            violations.extend(acknowledged::check(&answers.acknowledged, node, &has));
            let resources = state.spec.resources.keys().map(ToString::to_string).collect();
            violations.extend(acknowledged::check_resources(changes, node, &resources));
        }
        {
            let seen = self.watch.seen();
            let entries = seen.entries.iter().map(|(index, node, is)| (*index, node.as_str(), is.clone()));
            violations.extend(equal::check("entry", entries));
        }
        let client = states.first().and_then(|(node, _)| clients.iter().find(|(name, _)| name == node));
        let Some((_, client)) = client else {
            violations.push(Violation::new("L1", "no node tells its state".to_owned()));
            return Ok(Found { log: Vec::new(), orders: Vec::new(), violations });
        };
        let page = runtime.block_on(client.log(LogAsk { from: Some(1), to: None }))?;
        let state = |index: u64| runtime.block_on(client.state(Some(LogIndex(index))));
        violations.extend(recovery::check(&page.lines, |index, resource| {
            state(index).map(|state| holders(&state, resource))
        })?);
        let seen = self.watch.seen().first.clone();
        let mut orders = BTreeMap::new();
        for line in page.lines.iter().filter(|line| line.kind == "fence_ordered") {
            let when = seen.get(&line.index).copied().unwrap_or(self.began);
            orders.extend(order(&state(line.index)?, line.index, when).map(|order| (line.index, order)));
        }
        for line in page.lines.iter().filter(|line| line.kind == "fence_withdrawn") {
            let withdrawn = withdrawn(&state(line.index)?, line.index);
            if let Some(order) = withdrawn.and_then(|order| orders.get_mut(&order)) {
                order.withdrawn = seen.get(&line.index).copied();
            }
        }
        Ok(Found { log: page.lines, orders: orders.into_values().collect(), violations })
    }

    /// Daemons that ended by a fault of their own: those that reset their machines say why, and do not panic.
    fn panics(&self) -> Fallible<Vec<Violation>> {
        let mut found = Vec::new();
        for node in &self.stage.nodes {
            found.extend(panic::check(node, &self.stage.with(node, |machine| machine.daemon_log())?));
        }
        Ok(found)
    }

    /// Where the secret is: in what was seen during the run, in every file of the nodes, in what the API tells.
    fn secrets(&self, runtime: &Runtime) -> Vec<Violation> {
        let mut scan = Scan::new(PASSWORD, &self.stage.secret);
        let lab = self.stage.cluster.lab.folder();
        let own = self.stage.secret_file();
        let found = files(lab);
        let (keys, others): (Vec<&PathBuf>, Vec<&PathBuf>) = found.iter().partition(|file| is_key(file));
        for key in keys {
            let called = format!("the private key of {}", key.strip_prefix(lab).unwrap_or(key).display());
            scan.also(&called, &body(&fs::read_to_string(key).unwrap_or_default()));
        }
        for file in others.into_iter().filter(|file| **file != own) {
            let small = file.metadata().is_ok_and(|found| found.len() <= FILE_MAX);
            if small && let Ok(bytes) = fs::read(file) {
                scan.look(&file.strip_prefix(lab).unwrap_or(file).display().to_string(), &bytes);
            }
        }
        let resources: Vec<String> = written(self.stage).unwrap_or_default().into_keys().collect();
        let pages = pages::all(&self.stage.nodes, &resources);
        for (node, socket) in sockets(&self.stage.cluster.lab.rack()) {
            let client = Client::new(socket).within(ANSWERS_WITHIN);
            for page in &pages {
                let bytes = runtime.block_on(client.get_bytes(page)).unwrap_or_default();
                scan.look(&format!("what the API of {node} answers to {page}"), &bytes);
            }
        }
        let mut found = scan.violations();
        found.extend(self.watch.seen().scan.violations());
        found
    }
}

/// The states of the nodes at an index that all of them have, `least` at least; after a while of those that have one.
async fn level(clients: &[(String, Client)], least: u64) -> Vec<(String, ClusterState)> {
    let end = Instant::now() + LEVELS_WITHIN;
    loop {
        let mut applied = Vec::new();
        for (node, client) in clients {
            if let Ok(status) = client.status(None).await {
                applied.push((node, client, status.index));
            }
        }
        let common = applied.iter().map(|(_, _, index)| *index).min().unwrap_or(0);
        if (applied.len() == clients.len() && common >= least) || Instant::now() >= end {
            let mut states = Vec::new();
            for (node, client, _) in applied {
                if let Ok(state) = client.state(Some(LogIndex(common))).await {
                    states.push((node.clone(), state));
                }
            }
            return states;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The nodes where a resource may run by a state: not known to be stopped, on a boot that is not over.
fn holders(state: &ClusterState, resource: &str) -> BTreeSet<String> {
    let Ok(id) = ResourceId::new(resource) else { return BTreeSet::new() };
    let Some(status) = state.resources.get(&id) else { return BTreeSet::new() };
    let lives = |node: &haven_core::ids::NodeId, boot| {
        state.members.get(node).is_some_and(|member| member.boot() == Some(boot) && member.death().is_none())
    };
    let held = status.possible_owners().filter(|(node, presence)| lives(node, presence.boot));
    held.map(|(node, _)| node.to_string()).collect()
}

/// The order that entry `index` is, by the state after it; none if the state did not take it.
fn order(state: &ClusterState, index: u64, seen: HostTime) -> Option<Order> {
    let order = state.fencing.orders.get(&OrderId(index))?;
    // The executor counts from its own applying of the order, under an act lease, so it is at most that much late.
    let sendable = state.timing.counted_act + order.send_within + order.device_deadline;
    // Clocks may be off by one in a hundred.
    let sendable = Duration::from_millis(sendable.0).mul_f64(1.01);
    let (node, executor) = (order.node.to_string(), order.executor.to_string());
    Some(Order { index, node, executor, seen, sendable, withdrawn: None })
}

/// The entry of the order that entry `index` withdraws, by the state after it; none if the state did not take it.
fn withdrawn(state: &ClusterState, index: u64) -> Option<u64> {
    let ended = |order: &&FenceOrder| order.ended.is_some_and(|ended| ended.index == LogIndex(index));
    let order = state.fencing.orders.values().find(ended)?;
    matches!(order.result, Some(OrderResult::Withdrawn { .. })).then_some(order.id.0)
}

/// The entry that a change became.
fn entry(changed: &Changed) -> Option<u64> {
    match changed.told {
        Told::Done(index) => Some(index),
        Told::Denied | Told::Nothing => None,
    }
}

/// The files of the histories, by resource.
fn written(stage: &Stage) -> Fallible<BTreeMap<String, PathBuf>> {
    let entries = fs::read_dir(stage.folder.join(agent::HISTORIES))?.flatten();
    Ok(entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect())
}

fn counted(log: &[LogLine]) -> BTreeMap<&'static str, u64> {
    let count = |kind: &&'static str| {
        let count = log.iter().filter(|line| line.kind == *kind).count();
        (*kind, u64::try_from(count).unwrap_or(u64::MAX))
    };
    COUNTED.iter().map(count).filter(|(_, count)| *count > 0).collect()
}

fn outages(history: &History) -> Outages {
    let gaps: Vec<u64> =
        history.gaps(AWAY).iter().map(|gap| u64::try_from(gap.span.as_millis()).unwrap_or(u64::MAX)).collect();
    Outages {
        owners: history.lines.iter().filter(|line| line.mark == Mark::Start).count(),
        count: gaps.len(),
        total_ms: gaps.iter().sum(),
        longest_ms: gaps.iter().max().copied().unwrap_or(0),
    }
}

/// Deepest folder of a lab.
const DEPTH_MAX: usize = 12;

/// Whether a file may hold a private key: that of a node, or of the cluster's authority.
fn is_key(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "key")
}

/// The longest line of a key in PEM: it is in no other key.
fn body(pem: &str) -> String {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    lines.max_by_key(|line| line.len()).unwrap_or_default().to_owned()
}

/// Every plain file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = left.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEPTH_MAX => left.push((entry.path(), depth + 1)),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                Ok(_) | Err(_) => {}
            }
        }
    }
    found
}

/// Copies logs and histories to where they outlive the run; their folder.
pub(super) fn keep(stage: &Stage, schedule: &Schedule, log: Option<&[LogLine]>) -> PathBuf {
    let kept = std::env::temp_dir().join(format!("haven-chaos-{}-{}", schedule.origin.name(), std::process::id()));
    let _ = fs::create_dir_all(&kept);
    let _ = fs::write(kept.join("schedule"), format!("{schedule}\n"));
    for (resource, file) in written(stage).unwrap_or_default() {
        let _ = fs::copy(file, kept.join(format!("{resource}.history")));
    }
    for node in &stage.nodes {
        let log = stage.with(node, |machine| machine.daemon_log()).unwrap_or_default();
        let _ = fs::write(kept.join(format!("{node}.log")), log);
    }
    let lines = log.unwrap_or_default().iter().filter_map(|line| serde_json::to_string(line).ok());
    let _ = fs::write(kept.join("log.jsonl"), lines.collect::<Vec<_>>().join("\n"));
    kept
}
