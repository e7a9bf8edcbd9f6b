//! `haven demo` for programs: a whole cluster of real daemons on loopback, twice.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of it is tests")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest time from the command to the outage on the screen: a newcomer waits no longer than that.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the demo to its end; its JSON.
fn demo(script: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_haven"))
        .args(["demo", "--script", script, "--exit", "--json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let story = String::from_utf8_lossy(&output.stderr);
    println!("{story}");
    assert!(output.status.success(), "{}: {story}\n{}", output.status, String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn seconds(told: &Value, place: &str) -> f64 {
    told.pointer(place).and_then(Value::as_f64).unwrap_or_else(|| unreachable!("no {place} in {told}"))
}

/// What both stories have in common. How long it takes is the computer's affair; that the phases are there, and that
/// they make up the outage, is ours.
fn check(told: &Value) {
    let phases = ["detect_s", "decide_s", "fence_s", "start_s"].map(|name| seconds(told, &format!("/phases/{name}")));
    let outage = seconds(told, "/outage_s");
    println!("outage {outage} s, phases {phases:?}");
    assert!(phases.iter().all(|span| *span >= 0.0), "{told}");
    let held = told.pointer("/held/held_s").and_then(Value::as_f64).unwrap_or(0.0);
    let sum: f64 = phases.iter().sum::<f64>() + held;
    // The probe's last answer before the kill is at most some periods older than the kill.
    assert!(
        (sum - outage).abs() < 1.0,
        "the phases, and what was held for {held} s, make {sum} s of {outage} s: {told}"
    );
    let guests = told["guests"].as_array().unwrap();
    assert!(!guests.is_empty(), "{told}");
    assert!(guests.iter().all(|guest| guest["from"] == told["killed"] && guest["to"] != told["killed"]), "{told}");
    assert_eq!((&told["returned"], &told["failed_back"]), (&Value::Bool(true), &Value::Bool(false)), "{told}");
}

#[test]
fn demo_tells_of_a_leader_that_dies_and_of_its_guests_that_go_on() {
    let told = demo("crash");
    check(&told);
    assert_eq!(told.get("held"), None);
}

#[test]
fn demo_tells_of_a_bmc_that_fails_and_of_the_way_out() {
    let told = demo("bmc-fails");
    check(&told);
    let command = told["held"]["command"].as_str().unwrap();
    assert!(
        command.starts_with("haven fence confirm ") && command.contains(told["killed"].as_str().unwrap()),
        "{told}"
    );
    // What waits for the BMC is held, and no part of a phase.
    let held = seconds(&told, "/held/held_s");
    assert!(held >= 3.0 && seconds(&told, "/phases/decide_s") < held, "{told}");
}

/// A demo that ends with its test, as by Ctrl-C, so that it takes its daemons along.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
            let _ = self.0.wait();
        }
    }
}

/// The commands of the processes to which `folder` was given, as an argument or in their environment.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let names = |bytes: &[u8]| bytes.windows(folder.len()).any(|part| part == folder);
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().map(Result::unwrap) {
        let read = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
        let command = read("cmdline");
        if names(&command) || names(&read("environ")) {
            found.push(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    found
}

/// The command of the README, as a newcomer gives it, who then types something, and leaves by Ctrl-C.
#[test]
fn demo_shows_a_person_a_failover_and_what_to_try_and_leaves_nothing_behind() {
    let from = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_haven"));
    command.arg("demo").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut demo = Demo(command.spawn().unwrap());
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut until = |what: &str| {
        let found = lines.by_ref().inspect(|line| println!("{line}")).find(|line| line.contains(what));
        found.unwrap_or_else(|| unreachable!("the demo ended without `{what}`"))
    };
    until("m1 lost");
    until("OUTAGE");
    let seen = from.elapsed();
    assert!(seen < PATIENCE, "a newcomer has seen a failover only after {:.1} s", seen.as_secs_f64());
    let folder = until("export HAVEN_RUN=");
    let folder = Path::new(folder.split_once('=').unwrap().1).ancestors().nth(2).unwrap().to_owned();
    until("Ctrl-C ends the demo");
    assert!(folder.join("m1").is_dir(), "{}", folder.display());
    assert!(processes(&folder).len() >= 3, "three daemons are found by their folder");
    demo.0.stdin.as_mut().unwrap().write_all(b"who\n").unwrap();
    until("  web");
    assert!(Command::new("kill").args(["-INT", &demo.0.id().to_string()]).status().unwrap().success());
    let ended = demo.0.wait().unwrap();
    println!("{ended}");
    assert!(!folder.exists(), "{} is left", folder.display());
    assert_eq!(processes(&folder), Vec::<String>::new(), "processes are left");
}
