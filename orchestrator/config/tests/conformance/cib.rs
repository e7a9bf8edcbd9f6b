//! CIBs: every one that Pacemaker accepts is read without an error.

use std::path::{Path, PathBuf};
use std::process::Command;

use haven_config::{Severity, Source, cib, render};
use haven_core::scheduler::engine::scene::Scene;

/// The path of `part` within the cases, unless it is not there.
pub(super) fn cases(part: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let path = std::env::var_os("HAVEN_CONFORMANCE").map_or_else(beside, PathBuf::from).join(part);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no cases at {}", path.display());
    None
}

/// Reads a case, and says what keeps it from being read.
fn check(name: &str, bytes: Vec<u8>, faults: &mut Vec<String>) -> Option<Scene> {
    let source = Source::of_cib(name, bytes);
    let (scene, said) = cib::read(&source);
    let errors: Vec<_> = said.iter().filter(|d| d.severity == Severity::Error).cloned().collect();
    if scene.is_none() || !errors.is_empty() {
        faults.push(render(&source, &errors));
    }
    scene
}

/// Every `.xml` below `folder`.
pub(super) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "xml") {
            found.push(path);
        }
    }
}

#[track_caller]
fn check_folder(part: &str) {
    let Some(folder) = cases(part) else { return };
    let (mut paths, mut faults) = (Vec::new(), Vec::new());
    files(&folder, &mut paths);
    for path in &paths {
        let name = path.file_name().unwrap().to_string_lossy();
        let Some(scene) = check(&name, std::fs::read(path).unwrap(), &mut faults) else { continue };
        assert!(!scene.config.nodes.is_empty() || !scene.status.nodes.is_empty(), "{name}: no node was read");
    }
    assert!(!paths.is_empty() && faults.is_empty(), "{} cases\n{}", paths.len(), faults.concat());
}

#[test]
fn the_regression_cases_of_pacemaker_are_read() {
    check_folder("pacemaker/xml");
}

#[test]
fn the_experiments_are_read() {
    check_folder("experiments");
}

/// The random clusters, unless they are not there.
pub(super) fn random_clusters() -> Option<Vec<serde_json::Value>> {
    let packed = cases("differential/cases.jsonl.gz")?;
    let unpacked = Command::new("gzip").arg("-dc").arg(packed).output().unwrap();
    assert!(unpacked.status.success());
    let text = String::from_utf8(unpacked.stdout).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn the_random_clusters_are_read() {
    let Some(cases) = random_clusters() else { return };
    let mut faults = Vec::new();
    for case in &cases {
        let (name, text) = (case["id"].as_str().unwrap(), case["cib"].as_str().unwrap());
        check(name, text.as_bytes().to_vec(), &mut faults);
    }
    assert!(!cases.is_empty() && faults.is_empty(), "{} cases\n{}", cases.len(), faults.concat());
}
