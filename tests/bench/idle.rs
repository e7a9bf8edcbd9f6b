//! A daemon whose ten resources do nothing: its memory and processor time, and apart from it those of its agents.

use std::fs;
use std::time::{Duration, Instant};

use clap::Args;
use haven_tests::lab::{ADDRESS, Cluster, Fallible, MACHINES, PATIENCE, Programs, primitive, until};
use serde::Serialize;
use serde_json::{Value, json};

use crate::table::seconds;

/// Resources besides the fence device and the address.
const DUMMIES: usize = 8;
/// Clock ticks per second of `/proc/PID/stat`, the same on every Linux.
const TICKS: f64 = 100.0;

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Seconds that are measured.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The profile.
    #[arg(long, default_value = "default")]
    profile: String,
}

/// One daemon.
#[derive(Debug, Serialize)]
struct Row {
    machine: String,
    role: String,
    pss_mib: f64,
    rss_mib: f64,
    daemon_cpu_s: f64,
    agents_cpu_s: f64,
    core_percent: f64,
}

pub(crate) fn run(asked: &Asked, programs: &Programs) -> Fallible<Value> {
    let cluster = Cluster::new(&asked.profile, programs)?;
    let params = [("ip", ADDRESS), ("cidr_netmask", "24"), ("nic", "eth0")];
    let mut edits = vec![cluster.switch_device()?, primitive("vip", "haven:ip", &params)?];
    for number in 0..DUMMIES {
        edits.push(primitive(&format!("d{number}"), "ocf:heartbeat:Dummy", &[])?);
    }
    cluster.edit("m1", edits)?;
    cluster.wait("everything runs", PATIENCE, |cluster| {
        let status = cluster.status("m1")?;
        let all = status.resources.len() > DUMMIES && status.resources.iter().all(|row| row.as_wanted);
        Ok(all.then_some(()))
    })?;
    let leader = cluster.leader("m1")?;
    let mut daemons = Vec::new();
    for name in MACHINES {
        daemons.push((name, daemon(&cluster, name)?));
    }
    let before: Vec<(f64, f64)> = daemons.iter().map(|(_, pid)| cpu(*pid)).collect::<Fallible<_>>()?;
    let (began, span) = (Instant::now(), Duration::from_secs(asked.seconds));
    until("the time is up", span + PATIENCE, || Ok((began.elapsed() >= span).then_some(())))?;
    let took = seconds(began.elapsed());
    println!("{:8}  {:8}  PSS MiB  RSS MiB  daemon s  agents s  of a core", "machine", "role");
    let mut rows = Vec::new();
    for ((name, pid), (own, agents)) in daemons.into_iter().zip(before) {
        let (own, agents) = (cpu(pid)?.0 - own, cpu(pid)?.1 - agents);
        let row = Row {
            machine: name.to_owned(),
            role: if name == leader { "leader" } else { "follower" }.to_owned(),
            pss_mib: memory(pid, "Pss:")?,
            rss_mib: memory(pid, "Rss:")?,
            daemon_cpu_s: own,
            agents_cpu_s: agents,
            core_percent: 100.0 * own / took,
        };
        println!(
            "{:8}  {:8}  {:7.1}  {:7.1}  {:8.2}  {:8.2}  {:.2} %",
            row.machine, row.role, row.pss_mib, row.rss_mib, row.daemon_cpu_s, row.agents_cpu_s, row.core_percent
        );
        rows.push(row);
    }
    Ok(json!({ "profile": asked.profile, "seconds": took, "rows": rows }))
}

/// The process id of a machine's daemon, as this computer numbers it: the oldest process of that name on it.
fn daemon(cluster: &Cluster, name: &str) -> Fallible<i32> {
    let pids = cluster.lab.with(name, |machine| machine.pids())??;
    let is_daemon = |pid: &i32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        let mut words = words.split('\0');
        words.next().is_some_and(|word| word.ends_with("/haven")) && words.next() == Some("daemon")
    };
    let found = pids.iter().map(|pid| pid.as_raw_nonzero().get()).find(is_daemon);
    Ok(found.ok_or_else(|| format!("no daemon runs on {name}"))?)
}

/// Processor time of a process and of the children that it has waited for, in seconds.
fn cpu(pid: i32) -> Fallible<(f64, f64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    // proc(5): utime is field 14, and this list begins with field 3.
    let ticks = |place: usize| -> Fallible<f64> { Ok(fields.get(place).ok_or("a short stat")?.parse::<f64>()?) };
    Ok(((ticks(11)? + ticks(12)?) / TICKS, (ticks(13)? + ticks(14)?) / TICKS))
}

fn memory(pid: i32, what: &str) -> Fallible<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find(|line| line.starts_with(what)).ok_or_else(|| format!("no {what}"))?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kib / 1024.0)
}
