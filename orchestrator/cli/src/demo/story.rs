//! The story of the demo: the leader dies, its guests go on elsewhere, it returns, and nothing moves back.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::time::{Duration, Instant};

use haven_api::view::LogLine;
use tokio::sync::mpsc;

use super::bmc::Health;
use super::error::DemoError;
use super::machine::Machine;
use super::probe::Outage;
use super::report::{Failback, Held, Moments, Report};
use super::stage::{MACHINES, Stage};
use super::talk::Talk;
use crate::args::Script;
use crate::terminal::Format;

/// Time to read the screen before something dies.
const READ: Duration = Duration::from_secs(3);
/// Longest wait for each turn of the story.
const TURN: Duration = Duration::from_secs(60);
/// How long the screen shows that nothing runs twice while the BMC fails.
const HELD: Duration = Duration::from_secs(3);
/// The command by which a person says that a machine is off.
const CONFIRM: &str = "haven fence confirm ";
/// Typed lines that wait to be read.
const LINES_MAX: usize = 16;

/// Tells the story of `script`; what it came to.
pub(super) async fn tell(stage: &Stage, script: Script, talk: &Talk) -> Result<Report, DemoError> {
    let (leader, witness) = cast(stage).await?;
    show(stage, &witness, &["status"], talk);
    if talk.format() == Format::Text {
        talk.say(&format!(
            "{}  {leader} leads. In {} s it dies, with all of its guests",
            stage.clock(),
            READ.as_secs()
        ));
        tokio::time::sleep(READ).await;
    }
    let mut told = Told::begin(stage, &witness).await;
    if script == Script::BmcFails {
        stage.bmc.set_health(Health::Fails);
        talk.say(&format!("{}  from here on, the BMC answers everything with an error", stage.clock()));
    }
    let hit: BTreeSet<String> =
        stage.probe.answering().into_iter().filter(|(_, at)| *at == leader).map(|(guest, _)| guest).collect();
    let killed = Instant::now();
    let done = stage.bmc.with(&leader, Machine::kill).unwrap_or(Ok(()));
    done.map_err(DemoError::system(format!("kill {leader}")))?;
    let names: Vec<&str> = hit.iter().map(String::as_str).collect();
    talk.say(&format!("{}  {leader} is dead, and with it {}", stage.clock(), names.join(" and ")));
    let lost = told.until(stage, "node_lost", &leader, talk).await?;
    let ordered = told.until(stage, "fence_ordered", &leader, talk).await?;
    let way_out = match script {
        Script::Crash => None,
        Script::BmcFails => Some(hold_back(stage, &mut told, &leader, &hit, talk).await?),
    };
    let proven = told.until(stage, "fence_confirmed", &leader, talk).await?;
    // The first order and those after it came to nothing while the BMC failed.
    let obeyed = told.last_before(proven, "fence_ordered", &leader).unwrap_or(ordered);
    let held = way_out.map(|(why, command)| Held::new(why, command, ordered, obeyed));
    let outages = recovered(stage, &hit, &leader, killed).await?;
    let answered = outages.iter().map(|outage| outage.ended).max().unwrap_or(proven);
    told.read(stage, talk).await;
    let moments = Moments { killed, lost, ordered, obeyed, proven, answered };
    let mut report = Report::new(script.word(), &leader, &moments, &outages, held);
    report.returned(comes_back(stage, &mut told, &leader, talk).await?);
    show(stage, &witness, &["status"], talk);
    Ok(report)
}

/// The leader, and another machine to ask while it is dead.
async fn cast(stage: &Stage) -> Result<(String, String), DemoError> {
    let leads = async || stage.status(MACHINES[0]).await.ok()?.leader;
    let leader = stage.wait("somebody leads", TURN, leads).await?;
    let witness = MACHINES.iter().find(|name| **name != leader).copied().unwrap_or_default();
    Ok((leader, witness.to_owned()))
}

/// Waits until every guest that died answers elsewhere; their outages.
async fn recovered(
    stage: &Stage,
    hit: &BTreeSet<String>,
    dead: &str,
    killed: Instant,
) -> Result<Vec<Outage>, DemoError> {
    let found = async || {
        let seen = stage.probe.seen();
        let of_hit = |outage: &&Outage| hit.contains(&outage.guest) && outage.from == dead && outage.ended > killed;
        let outages: Vec<Outage> = seen.outages.iter().filter(of_hit).cloned().collect();
        (outages.len() == hit.len()).then_some(outages)
    };
    stage.wait("every guest answers elsewhere", TURN, found).await
}

/// The BMC fails: nothing may be started that could still run. Shows what is held and the way out; then the BMC works.
/// Why it is held, and the command that would end that.
async fn hold_back(
    stage: &Stage,
    told: &mut Told,
    dead: &str,
    hit: &BTreeSet<String>,
    talk: &Talk,
) -> Result<(String, String), DemoError> {
    told.until(stage, "fence_failed", "", talk).await?;
    let witness = told.witness.clone();
    let way_out = async || {
        let status = stage.status(&witness).await.ok()?;
        let held = status.problems.iter().find(|problem| problem.hint.starts_with(CONFIRM))?;
        let names_a_guest = hit.iter().any(|guest| held.text.starts_with(guest));
        names_a_guest.then(|| (held.text.clone(), held.hint.clone()))
    };
    let (why, command) = stage.wait("the cluster names the way out", TURN, way_out).await?;
    show(stage, &witness, &["status"], talk);
    talk.say(&format!("{}  {why}", stage.clock()));
    talk.say(&format!("         a person who has seen that {dead} is off would type: {command}"));
    let end = Instant::now() + HELD;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if let Some((guest, at)) = stage.probe.answering().into_iter().find(|(guest, _)| hit.contains(guest)) {
            return Err(DemoError::TwoOwners { guest, one: dead.to_owned(), other: at });
        }
    }
    stage.bmc.set_health(Health::Works);
    talk.say(&format!("{}  the BMC works again; nobody need type anything", stage.clock()));
    Ok((why, command))
}

/// The dead machine gets power again, as its BMC is told by the cluster itself, and is readmitted.
async fn comes_back(stage: &Stage, told: &mut Told, dead: &str, talk: &Talk) -> Result<Failback, DemoError> {
    told.until(stage, "node_readmitted", dead, talk).await?;
    let all = async || (stage.probe.answering().len() > MACHINES.len()).then(|| stage.probe.answering());
    let places = stage.wait("every guest answers", TURN, all).await?;
    let back = places.iter().any(|(_, at)| at == dead);
    Ok(if back { Failback::Some } else { Failback::None })
}

/// The log as it is told, with the moment at which each line was seen.
struct Told {
    witness: String,
    next: u64,
    seen: Vec<(Instant, LogLine)>,
}

impl Told {
    async fn begin(stage: &Stage, witness: &str) -> Self {
        let applied = stage.status(witness).await.map_or(0, |status| status.index);
        Self { witness: witness.to_owned(), next: applied + 1, seen: Vec::new() }
    }

    /// Reads what is new and says it.
    async fn read(&mut self, stage: &Stage, talk: &Talk) {
        let Ok(page) = stage.log(&self.witness, self.next).await else { return };
        let now = Instant::now();
        self.next = self.next.max(page.applied + 1);
        for line in page.lines {
            talk.say(&format!("{}  #{:<4} {}", stage.clock(), line.index, line.text));
            self.seen.push((now, line));
        }
    }

    /// When an event of this kind about `node` was seen first; waits for it. An empty `node` means any.
    async fn until(&mut self, stage: &Stage, kind: &str, node: &str, talk: &Talk) -> Result<Instant, DemoError> {
        let what = format!("the log says {kind} {node}");
        let this = tokio::sync::Mutex::new(self);
        let found = async || {
            let mut told = this.lock().await;
            told.read(stage, talk).await;
            let is = |line: &LogLine| line.kind == kind && (node.is_empty() || line.nodes.iter().any(|n| n == node));
            told.seen.iter().find(|(_, line)| is(line)).map(|(at, _)| *at)
        };
        stage.wait(what.trim(), TURN, found).await
    }

    /// When an event of this kind about `node` was seen last, up to `end`.
    fn last_before(&self, end: Instant, kind: &str, node: &str) -> Option<Instant> {
        let is = |line: &LogLine| line.kind == kind && line.nodes.iter().any(|name| name == node);
        self.seen.iter().filter(|(at, line)| *at <= end && is(line)).map(|(at, _)| *at).next_back()
    }
}

/// Shows what a command prints, as a person would see it. For programs it is left out.
fn show(stage: &Stage, machine: &str, words: &[&str], talk: &Talk) {
    if talk.format() == Format::Json {
        return;
    }
    talk.say(&format!("\n{machine}# haven {}", words.join(" ")));
    let Some(mut command) = stage.bmc.with(machine, |m| m.haven(words)) else { return };
    // Status ends with another code than 0 when something needs attention, which is part of what is shown.
    let _ = command.status();
    talk.say("");
}

/// The demo stays until Ctrl-C, and does what is typed.
pub(super) async fn go_on(stage: &Stage, talk: &Talk) -> Result<(), DemoError> {
    let folder = stage.folder();
    let [first, ..] = MACHINES;
    talk.say("");
    talk.say("What to try next, in another terminal:");
    talk.say(&format!("  export HAVEN_RUN={}", folder.join(first).join("run").display()));
    for words in ["status", "why web", "log --follow", "node standby m2", "resource move web m3"] {
        talk.say(&format!("  haven {words}"));
    }
    talk.say("Or here: `kill m2`, `on m2`, `bmc fails`, `bmc works`, `who`; Ctrl-C ends the demo.");
    let mut lines = typed();
    while let Some(line) = lines.recv().await {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["kill", machine] => {
                let done = stage.bmc.with(machine, Machine::kill);
                talk.say(if done.is_some() { "it is dead; watch `haven log`" } else { "no such machine" });
            }
            ["on", machine] => stage.boot(machine)?,
            ["bmc", "fails"] => stage.bmc.set_health(Health::Fails),
            ["bmc", "works"] => stage.bmc.set_health(Health::Works),
            ["who"] => stage.probe.answering().iter().for_each(|(guest, at)| talk.say(&format!("  {guest:6} {at}"))),
            [] => {}
            _ => talk.say("kill MACHINE, on MACHINE, bmc fails, bmc works, who; Ctrl-C ends the demo"),
        }
    }
    // Nobody can type any more; Ctrl-C still ends it.
    std::future::pending().await
}

/// Lines as they are typed.
fn typed() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(LINES_MAX);
    // The thread waits for a line that may never come, and ends with the program.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
