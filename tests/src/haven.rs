//! The program `haven`, for tests that start it.
//!
//! Cargo gives a program's path only to tests of its own package. `cargo nextest run --workspace` builds the program,
//! so tests elsewhere find it beside themselves; when only their package was built, it may be missing or old, and
//! cargo is asked to build it first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Folders whose sources the program is made of, from the root of the workspace.
const SOURCES: [&str; 4] = ["chaos", "orchestrator", "resource-agents", "simulator"];
/// Deepest folder of sources.
const DEPTH_MAX: usize = 12;

static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();

/// Path of the program, built with the profile of this test. `HAVEN_BIN` names another one. Cargo's own lock keeps
/// tests that ask at the same time apart. Errors: it cannot be built; the text says what to run.
pub fn haven() -> Result<PathBuf, String> {
    BUILT.get_or_init(find).clone()
}

fn find() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("HAVEN_BIN") {
        return Ok(PathBuf::from(named));
    }
    let test = std::env::current_exe().map_err(|error| format!("cannot find this test's own file: {error}"))?;
    // target/PROFILE/deps/TEST
    let folder = test.ancestors().nth(2).ok_or("this test is in no target folder; set HAVEN_BIN")?;
    let program = folder.join("haven");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has no root; set HAVEN_BIN")?;
    let built = fs::metadata(&program).and_then(|found| found.modified()).ok();
    let changed = SOURCES.iter().map(|name| newest(&root.join(name), DEPTH_MAX)).max().flatten();
    if built.is_none() || built < changed {
        build(root, folder)?;
    }
    Ok(program)
}

/// When the newest source below `folder` was written.
fn newest(folder: &Path, depth: usize) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let written = |path: PathBuf| {
        let name = path.extension()?;
        if name == "rs" || name == "toml" { fs::metadata(&path).ok()?.modified().ok() } else { None }
    };
    let below = |path: PathBuf| {
        if !path.is_dir() {
            written(path)
        } else if depth > 0 {
            newest(&path, depth - 1)
        } else {
            None
        }
    };
    entries.filter_map(below).max()
}

fn build(root: &Path, folder: &Path) -> Result<(), String> {
    let target = folder.parent().ok_or("this test is in no target folder; set HAVEN_BIN")?;
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // With `--workspace` the dependencies have the features that they have in a run of all tests.
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--workspace", "--bin", "haven", "--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run cargo: {error}; build `haven` and set HAVEN_BIN"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`cargo build --workspace --bin haven` fails:\n{}", String::from_utf8_lossy(&output.stderr)))
}
