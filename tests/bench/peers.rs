//! The same fault done to Pacemaker, keepalived and heartbeat, by scripts that are given.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use haven_tests::lab::{Fallible, line};
use serde::Serialize;
use serde_json::Value;

use crate::table::{Summary, load};

/// Script, its argument, and what it is.
const PEERS: [(&str, &str, &str); 4] = [
    ("pcmk.py", "pcmk_default", "Pacemaker, defaults"),
    ("pcmk.py", "pcmk_token1000", "Pacemaker, token 1000"),
    ("ka.py", "keepalived_1", "keepalived, advert 1"),
    ("hb.py", "heartbeat_1s", "heartbeat, deadtime 1"),
];
/// Longest time for one of them.
const WITHIN: Duration = Duration::from_secs(900);

/// What one came to.
#[derive(Debug, Serialize)]
pub(crate) struct Peer {
    who: String,
    outage: Option<Summary>,
    trouble: Option<String>,
    load: String,
}

/// Runs them one after the other, from a copy of `folder`: they write their results beside themselves.
pub(crate) fn run(folder: &Path, runs: usize) -> Fallible<Vec<Peer>> {
    let copy = std::env::temp_dir().join(format!("haven-bench-peers-{}", std::process::id()));
    line(&format!("cp -r {} {}", folder.display(), copy.display()))?;
    line(&format!("chmod -R u+w {}", copy.display()))?;
    let _ = fs::remove_file(copy.join("results.json"));
    let mut peers = Vec::new();
    for (script, argument, who) in PEERS {
        let trouble = one(&copy, script, argument, runs).err().map(|trouble| trouble.to_string());
        let outage = Summary::of(&outages(&copy, argument).unwrap_or_default());
        println!("{who:28}  {}", Summary::columns(outage));
        if let Some(trouble) = &trouble {
            eprintln!("  {who}: {trouble}");
        }
        peers.push(Peer { who: who.to_owned(), outage, trouble, load: load() });
    }
    fs::remove_dir_all(copy)?;
    Ok(peers)
}

fn one(copy: &Path, script: &str, argument: &str, runs: usize) -> Fallible<()> {
    let log = fs::File::create(copy.join(format!("{argument}.out")))?;
    // `timeout` ends it by TERM, after which it still removes its namespaces.
    let status = Command::new("timeout")
        .arg(WITHIN.as_secs().to_string())
        .args(["/usr/bin/python3", script, argument, &runs.to_string()])
        .current_dir(copy)
        .env("LABDIR", copy.join("lab"))
        .env("LAB_PFX", format!("pb{}", std::process::id()))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()?;
    if status.success() {
        return Ok(());
    }
    let said = fs::read_to_string(copy.join(format!("{argument}.out")))?;
    Err(format!("{status}: {}", said.lines().next_back().unwrap_or_default()).into())
}

/// The outages in its results, or, if it ended early, in what it printed.
fn outages(copy: &Path, argument: &str) -> Fallible<Vec<f64>> {
    let text = fs::read_to_string(copy.join("results.json")).unwrap_or_default();
    let results: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    let runs = results.get(&format!("failover_{argument}")).and_then(|result| result.get("runs")?.as_array());
    if let Some(runs) = runs {
        return Ok(runs.iter().filter_map(|run| run.get("outage")?.as_f64()).collect());
    }
    let said = fs::read_to_string(copy.join(format!("{argument}.out")))?;
    let of = |line: &str| line.split("'outage': ").nth(1)?.split(',').next()?.parse().ok();
    Ok(said.lines().filter_map(of).collect())
}
