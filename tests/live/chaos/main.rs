//! `haven chaos run --live` in its short form: real daemons, real faults, and the verdict of the checkers.
//!
//! What cannot be had is skipped with its reason printed; in CI, where every test must run, it fails instead.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of it is a test")]

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a run makes that others can see.
fn left_behind(pid: u32) -> Vec<String> {
    let word = format!("hl{pid}x");
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let mut found = names(Path::new("/run/netns"));
    found.extend(names(&std::env::temp_dir()));
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    found.extend(mounts.lines().map(str::to_owned));
    found.retain(|name| name.contains(&word));
    found
}

/// What a run told while it went on, and its report: it holds, and leaves nothing behind. `None` where none can be.
fn run(words: &[&str]) -> Option<(String, Value)> {
    let missing = haven_chaos::live::missing();
    if !missing.is_empty() {
        haven_tests::skip::skip(missing.join("; "));
        return None;
    }
    let child = Command::new(haven_tests::haven().unwrap())
        .args(["chaos", "run", "--live", "--json"])
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let output = child.wait_with_output().unwrap();
    let story = String::from_utf8_lossy(&output.stderr).into_owned();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    println!("{story}\n{told:#}");
    assert!(output.status.success(), "{}: {story}\n{told:#}", output.status);
    // Every fault was told in the words of scenarios.
    assert!(story.contains(" heal-all"), "{story}");
    assert_eq!(left_behind(pid), Vec::<String>::new());
    Some((story, told))
}

fn owners(told: &Value, resource: &str) -> u64 {
    told.pointer(&format!("/resources/{resource}/owners")).and_then(serde_json::Value::as_u64).unwrap_or(0)
}

#[test]
fn a_short_run_holds_and_leaves_nothing_behind() {
    let Some((_, told)) = run(&["--seed", "11", "--minutes", "0.6"]) else { return };
    // The run was more than a quiet one.
    assert!(told["acknowledged"].as_u64() > Some(5), "{told:#}");
    assert!(told["resources"].as_object().unwrap().keys().all(|resource| owners(&told, resource) > 0), "{told:#}");
}

#[test]
fn a_scenario_is_played_and_what_cannot_be_is_counted() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/live/chaos/short.toml");
    let Some((story, told)) = run(&[file]) else { return };
    let left: Vec<String> = told["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| format!("{} {}", left["count"], left["what"].as_str().unwrap()))
        .collect();
    assert_eq!(left, ["1 expect leads", "1 disk stall", "1 stand-still", "1 go-on"]);
    assert!(story.contains("left out: 1 x stand-still: all machines share one clock"), "{story}");
    assert!(story.contains(" s  kill-daemon n2 restart 200ms"), "{story}");
    // All that the script expects has come about: orders were done through the API, and waits have ended.
    assert_eq!(told["unmet"], Value::Null, "{story}");
    assert!(owners(&told, "web") > 0 && owners(&told, "db") > 0 && owners(&told, "r2") > 0, "{told:#}");
    assert_eq!((&told["file"], &told["seed"]), (&Value::from(file), &Value::Null));
}
