//! Leaving a cluster for good: everything that makes this machine a member is removed.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::SetupError;
use crate::folder::{FolderError, Folders, Lock};

/// Removes card, certificates and log; the paths that were there. The card goes first: whatever happens then, this
/// machine is no member. Errors: a daemon runs, or the system's.
///
/// The cluster is not told: remove the node there with `haven node remove`. Data of resources are not touched.
pub fn reset(folders: &Folders) -> Result<Vec<PathBuf>, SetupError> {
    let mut removed = Vec::new();
    if !folders.state.exists() {
        return Ok(removed);
    }
    let _lock = Lock::take(&folders.state)?;
    for path in [folders.card(), folders.tls(), folders.store()] {
        let gone = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match gone {
            Ok(()) => removed.push(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(FolderError::system("remove", &path)(error).into()),
        }
    }
    Ok(removed)
}
