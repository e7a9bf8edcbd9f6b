//! The check of the store's files before the first write of a boot, in a process of its own: redb can abort on a
//! damaged page, and that must become a message with a remedy, not a daemon that restarts for ever.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use haven_log::{Checker, StoreFile};
use tokio::process::Command;
use tokio::time::timeout;

use crate::FileVolume;
use crate::host::launch;

/// The name under which `haven` checks a file of the store.
pub(crate) const NAME: &str = "haven-check";
/// Longest time for one file: it is read once, and the largest archive has 1 GiB.
const WITHIN: Duration = Duration::from_secs(120);
/// What is kept of what it complains, in bytes.
const COMPLAINT_MAX: usize = 400;

/// Checks files in the folder `store` by calling this very program again.
pub(crate) fn checker(store: PathBuf) -> Checker {
    Arc::new(move |file| {
        let store = store.clone();
        Box::pin(async move { check(&store, file).await })
    })
}

async fn check(store: &Path, file: StoreFile) -> Result<(), String> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(NAME).arg(store).arg(file.name()).stdin(Stdio::null()).kill_on_drop(true);
    let Ok(output) = timeout(WITHIN, command.output()).await else {
        return Err(format!("its check did not end within {} s", WITHIN.as_secs()));
    };
    let output = output.map_err(|error| format!("its check could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: String = said.trim().chars().take(COMPLAINT_MAX).collect();
    Err(if said.is_empty() { format!("its check ended with {}", output.status) } else { said })
}

/// Acts as the check, with the arguments after its own name: the folder and the file. The code to end with.
pub(crate) fn main(arguments: &[OsString]) -> i32 {
    let [store, name] = arguments else { return complain("it is haven's own helper") };
    // It reads up to a gigabyte, which must hold nobody up that is scheduled as a daemon is.
    launch::ordinary();
    let file = [StoreFile::Log, StoreFile::Archive].into_iter().find(|file| name == file.name());
    let Some(file) = file else { return complain("there is no such file in a store") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        let volume = FileVolume::open(Path::new(store)).map_err(|error| error.to_string())?;
        runtime.block_on(haven_log::check(&*volume, file)).map_err(|error| crate::chain(&error))
    });
    match result {
        Ok(_) => 0,
        Err(what) => complain(&what),
    }
}

fn complain(what: &str) -> i32 {
    let _ = writeln!(io::stderr(), "{what}");
    1
}
