//! Files and folders of the machine, as agents ask for them.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;

use haven_env::{HostError, NAMES_MAX, OUTPUT_MAX, Reply};

/// Whether `path` is an executable file.
pub(super) fn is_program(path: &str) -> bool {
    path.starts_with('/')
        && fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The beginning of a file.
pub(super) fn read_file(path: &str) -> Result<Reply, HostError> {
    let file = fs::File::open(path).map_err(|error| failed(path, &error))?;
    let mut bytes = Vec::new();
    let most = u64::try_from(OUTPUT_MAX).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut bytes).map_err(|error| failed(path, &error))?;
    Ok(Reply::Bytes(bytes))
}

/// The names in a folder, sorted.
pub(super) fn read_folder(path: &str) -> Result<Reply, HostError> {
    let entries = fs::read_dir(path).map_err(|error| failed(path, &error))?;
    let mut names = Vec::new();
    for entry in entries.take(NAMES_MAX) {
        names.push(entry.map_err(|error| failed(path, &error))?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(Reply::Names(names))
}

fn failed(path: &str, error: &io::Error) -> HostError {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) => HostError::NotFound(path.to_owned()),
        Some(_) | None => HostError::Failed(format!("cannot read {path}: {error}")),
    }
}
