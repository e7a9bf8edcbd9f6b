//! An address, its machine killed and unplugged, a client that asks every 20 ms.
//!
//! The fence device answers at once, and its staleness is measured by `fence test --cycle` before the first run. Every
//! third victim leads the cluster. The outage is from the last answer of the dead machine to the first of another.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use haven_api::view::LogLine;
use haven_core::ids::ResourceId;
use haven_core::spec::{Profile, SpecEdit};
use haven_tests::lab::{
    ADDRESS, Cluster, ECHO_PORT, Fallible, PATIENCE, Probe, Programs, SERVER, SERVICE_PORT, primitive,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::peers;
use crate::table::{Summary, load, seconds};

/// Every so many victims lead.
const LEADER_EVERY: usize = 3;

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Machines that are killed, per profile.
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Profiles, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "default,lan,fast")]
    profiles: Vec<String>,
    /// Folder with the scripts that run Pacemaker, keepalived and heartbeat in the same way.
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
    /// Runs of each of them.
    #[arg(long, default_value_t = 7)]
    peer_runs: usize,
    /// Print what the log says of each failover.
    #[arg(long)]
    story: bool,
    /// Also with a service above the address, run by a stock OCF agent.
    #[arg(long)]
    service: bool,
}

/// One victim.
#[derive(Debug, Serialize)]
struct Run {
    victim: String,
    led: bool,
    outage_s: f64,
    since_kill_s: f64,
    to: String,
    phases: Phases,
}

/// Where the time went, by the cluster's own clock, in seconds.
#[derive(Debug, Default, Serialize)]
struct Phases {
    /// From the kill to the loss: detection, and the election if the victim led.
    detect_s: f64,
    /// From the loss to the committed proof.
    prove_s: f64,
    /// From the proof to the address and what is above it.
    start_s: f64,
}

/// One row of the table.
#[derive(Debug, Serialize)]
struct Row {
    who: String,
    follower: Option<Summary>,
    leader: Option<Summary>,
    all: Option<Summary>,
    target_follower_s: f64,
    target_leader_s: f64,
    runs: Vec<Run>,
    load: String,
}

pub(crate) fn run(asked: &Asked, programs: &Programs) -> Fallible<Value> {
    println!("{:28}  runs   median   least    most   target", "outage of an address, s");
    let mut rows = Vec::new();
    for profile in &asked.profiles {
        rows.push(measure(asked, programs, profile, Above::Nothing)?);
        if asked.service {
            rows.push(measure(asked, programs, profile, Above::Service)?);
        }
    }
    let peers = match &asked.peers {
        Some(folder) => peers::run(folder, asked.peer_runs)?,
        None => Vec::new(),
    };
    Ok(json!({ "haven": rows, "peers": peers }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    Nothing,
    Service,
}

/// What the victim is in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Leader,
    Follower,
}

fn measure(asked: &Asked, programs: &Programs, name: &str, above: Above) -> Fallible<Row> {
    let profile = Profile::parse(name).ok_or_else(|| format!("{name} is no profile"))?;
    let dead_after = f64::from(u32::try_from(profile.dead_after().0)?) / 1000.0;
    let cluster = Cluster::new(name, programs)?;
    cluster.edit("m1", vec![cluster.switch_device()?])?;
    cluster.cycle("m1", "m3")?;
    let params = [("ip", ADDRESS), ("cidr_netmask", "24"), ("nic", "eth0")];
    let mut edits = vec![primitive("vip", "haven:ip", &params)?];
    if above == Above::Service {
        edits = vec![primitive("vip", "haven:ip", &params)?, server()?, group()?];
    }
    cluster.edit("m1", edits)?;
    let port = if above == Above::Service { SERVICE_PORT } else { ECHO_PORT };
    let probe = cluster.probe(ADDRESS, port)?;
    probe.answers("", PATIENCE)?;
    let mut runs = Vec::new();
    for number in 0..asked.runs {
        let role = if number % LEADER_EVERY == LEADER_EVERY - 1 { Role::Leader } else { Role::Follower };
        let (done, story) = kill_one(&cluster, &probe, role, above)?;
        let Phases { detect_s, prove_s, start_s } = done.phases;
        eprintln!(
            "  {name} {number:2}: {} {}{:.3} s (detect {detect_s:.3}, prove {prove_s:.3}, start {start_s:.3})",
            done.victim,
            if done.led { "led " } else { "" },
            done.outage_s
        );
        if asked.story {
            for line in story {
                eprintln!("    {:8} {}", line.time_ms.unwrap_or_default(), line.text);
            }
        }
        runs.push(done);
    }
    if let Some((one, other)) = probe.doubled() {
        return Err(format!("{one} and {other} answered the same question").into());
    }
    Ok(row(name, above, dead_after, runs))
}

/// A program that answers, run by a stock OCF agent.
fn server() -> Fallible<SpecEdit> {
    primitive("srv", "ocf:heartbeat:anything", &[("binfile", SERVER), ("pidfile", "/run/haven-lab-server.pid")])
}

fn row(name: &str, above: Above, dead_after: f64, runs: Vec<Run>) -> Row {
    let of = |which: fn(&Run) -> bool| {
        Summary::of(&runs.iter().filter(|run| which(run)).map(|run| run.outage_s).collect::<Vec<_>>())
    };
    let extra = if above == Above::Service { 0.5 } else { 0.0 };
    let row = Row {
        who: format!("haven {name}{}", if above == Above::Service { " and a service" } else { "" }),
        follower: of(|run| !run.led),
        leader: of(|run| run.led),
        all: of(|_| true),
        target_follower_s: dead_after + 0.5 + extra,
        target_leader_s: dead_after + 0.8 + extra,
        load: load(),
        runs,
    };
    for (what, summary, target) in
        [("", row.follower, row.target_follower_s), (", leader", row.leader, row.target_leader_s)]
    {
        println!("{:28}  {}  <= {target:.1}", format!("{}{what}", row.who), Summary::columns(summary));
    }
    row
}

fn group() -> Fallible<SpecEdit> {
    use haven_core::spec::{Body, Resource};
    let members = vec![ResourceId::new("vip")?, ResourceId::new("srv")?];
    Ok(SpecEdit::PutResource(Resource::new(ResourceId::new("both")?, Body::Group { members })))
}

/// Kills the machine with the address, which leads or does not, as wanted; waits until everything is well again.
fn kill_one(cluster: &Cluster, probe: &Probe, role: Role, above: Above) -> Fallible<(Run, Vec<LogLine>)> {
    let here = probe.answers("", PATIENCE)?;
    cluster.healthy(&here)?;
    let leader = cluster.leader(&here)?;
    let is = if here == leader { Role::Leader } else { Role::Follower };
    let victim = if is == role { here.clone() } else { place(cluster, probe, &here, &leader, role, above)? };
    let asked = ["m1", "m2", "m3"].into_iter().find(|name| *name != victim).unwrap_or("m1");
    let led = cluster.leader(asked)? == victim;
    let before = cluster.status(asked)?.index;
    let killed = cluster.crash(&victim)?;
    let to = probe.answers(&victim, PATIENCE)?;
    let outage = probe.outage(&victim, killed).ok_or("nobody answered")?;
    let story = cluster.log(asked, before + 1)?;
    let phases = phases(&story, seconds(outage.since_kill));
    cluster
        .wait("the victim is back", Duration::from_secs(120), |cluster| Ok(cluster.status(&victim).ok().map(drop)))?;
    cluster.healthy(asked)?;
    let (outage_s, since_kill_s) = (seconds(outage.span), seconds(outage.since_kill));
    Ok((Run { victim, led, outage_s, since_kill_s, to, phases }, story))
}

/// The log has no time of the kill: detection is what the other phases leave of `since_kill`.
fn phases(lines: &[LogLine], since_kill: f64) -> Phases {
    let at = |kind: &str| {
        let time = lines.iter().find(|line| line.kind == kind).and_then(|line| line.time_ms);
        time.map(|ms| seconds(Duration::from_millis(ms)))
    };
    let (Some(lost), Some(proven)) = (at("node_lost"), at("fence_confirmed")) else { return Phases::default() };
    // The last start that is in the log when the first answer comes.
    let started = lines.iter().rfind(|line| line.kind == "action_finished").and_then(|line| line.time_ms);
    let started = started.map_or(proven, |ms| seconds(Duration::from_millis(ms)));
    let (prove_s, start_s) = (proven - lost, started - proven);
    Phases { detect_s: since_kill - prove_s - start_s, prove_s, start_s }
}

/// Moves the address to the leader, or away from it; where it is.
fn place(cluster: &Cluster, probe: &Probe, here: &str, leader: &str, role: Role, above: Above) -> Fallible<String> {
    let away = ["m1", "m2", "m3"].into_iter().find(|name| *name != leader && *name != here).unwrap_or("m1");
    let to = if role == Role::Leader { leader } else { away };
    let resource = if above == Above::Service { "both" } else { "vip" };
    cluster.haven(here, &["resource", "move", resource, to])?;
    cluster
        .wait(&format!("the address answers from {to}"), PATIENCE, |_| Ok(probe.owner().filter(|owner| owner == to)))?;
    cluster.haven(to, &["resource", "clear", resource])?;
    Ok(to.to_owned())
}
