//! Heavy load beside a healthy cluster: nobody may be lost, nobody may take the lead, no lease may lapse.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use haven_tests::lab::{ADDRESS, Cluster, ECHO_PORT, Fallible, PATIENCE, Programs, primitive, until};
use serde::Serialize;
use serde_json::{Value, json};

use crate::table::{load, seconds};

/// The loads, as arguments of stress-ng.
const LOADS: [&str; 3] = ["--cpu 4", "--hdd 2", "--vm 1"];

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Minutes beside each load; parts of a minute too.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// The profile.
    #[arg(long, default_value = "lan")]
    profile: String,
}

/// What happened beside one load.
#[derive(Debug, Serialize)]
struct Row {
    load: String,
    minutes: f64,
    nodes_lost: usize,
    leader_changes: u64,
    leases_lapsed: usize,
    /// The longest time without an answer of the address, which is asked every 20 ms.
    silence_s: f64,
    system_load: String,
}

struct Stress(Child);

impl Drop for Stress {
    fn drop(&mut self) {
        // It ends its children itself when it is asked to.
        let pid = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

pub(crate) fn run(asked: &Asked, programs: &Programs) -> Fallible<Value> {
    let cluster = Cluster::new(&asked.profile, programs)?;
    let params = [("ip", ADDRESS), ("cidr_netmask", "24"), ("nic", "eth0")];
    cluster.edit("m1", vec![cluster.switch_device()?, primitive("vip", "haven:ip", &params)?])?;
    let probe = cluster.probe(ADDRESS, ECHO_PORT)?;
    probe.answers("", PATIENCE)?;
    println!("{:10}  minutes  lost  leaders  lapsed  address unanswered", "beside");
    let mut rows = Vec::new();
    for stress in LOADS {
        let before = cluster.status("m1")?;
        let began = Instant::now();
        let span = Duration::try_from_secs_f64(asked.minutes * 60.0)?;
        let stressed = start(stress, &cluster, span)?;
        until("the time is up", span + PATIENCE, || Ok((began.elapsed() >= span).then_some(())))?;
        let system_load = load();
        drop(stressed);
        let after = cluster.status("m1")?;
        let lines = cluster.log("m1", before.index + 1)?;
        let count = |kind: &str| lines.iter().filter(|line| line.kind == kind).count();
        let row = Row {
            load: stress.to_owned(),
            minutes: asked.minutes,
            nodes_lost: count("node_lost") + count("node_isolated"),
            leader_changes: after.term.saturating_sub(before.term),
            leases_lapsed: count("hold_lapsed"),
            silence_s: seconds(probe.longest_silence(began)),
            system_load,
        };
        println!(
            "{:10}  {:7}  {:4}  {:7}  {:6}  {:.3} s",
            row.load, row.minutes, row.nodes_lost, row.leader_changes, row.leases_lapsed, row.silence_s
        );
        rows.push(row);
    }
    Ok(json!({ "profile": asked.profile, "rows": rows }))
}

fn start(stress: &str, cluster: &Cluster, span: Duration) -> Fallible<Stress> {
    let seconds = (span + PATIENCE).as_secs().to_string();
    let child = Command::new("stress-ng")
        .args(stress.split(' '))
        .args(["--timeout", &seconds, "--temp-path"])
        .arg(cluster.lab.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Ok(Stress(child.map_err(|error| format!("cannot start stress-ng: {error}"))?))
}
