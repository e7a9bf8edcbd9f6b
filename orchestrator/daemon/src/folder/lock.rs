//! One daemon per folder.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::FolderError;

/// The file that is locked. It stays: one that is removed could be locked twice.
const NAME: &str = "lock";

/// A folder that this process has for itself. The kernel gives it up when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the folder, which must exist. Errors: another process has it.
    pub fn take(folder: &Path) -> Result<Self, FolderError> {
        let mut file = open(folder)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(FolderError::InUse { folder: folder.to_owned(), process: process(&mut file) });
        }
        // For people only; the kernel's lock is what counts.
        let _ = file.set_len(0);
        let _ = write!(file, "{}", std::process::id());
        Ok(Self { _file: file })
    }
}

/// The process that has the folder, if any has.
pub fn holder(folder: &Path) -> Option<String> {
    let mut file = File::open(folder.join(NAME)).ok()?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => None,
        Err(_) => Some(process(&mut file)),
    }
}

fn open(folder: &Path) -> Result<File, FolderError> {
    let path = folder.join(NAME);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(&path).map_err(FolderError::system("open", &path))
}

fn process(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.take(16).read_to_string(&mut text);
    let text = text.trim();
    if text.is_empty() { "?".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_and_says_who_it_is() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(holder(folder.path()), None);
        let lock = Lock::take(folder.path()).unwrap();
        let error = Lock::take(folder.path()).unwrap_err();
        assert_eq!(error.code(), "HV-DAEMON-03");
        assert!(error.to_string().ends_with(&format!("in use by process {}", std::process::id())), "{error}");
        assert_eq!(holder(folder.path()), Some(std::process::id().to_string()));
        drop(lock);
        assert_eq!(holder(folder.path()), None);
        Lock::take(folder.path()).unwrap();
    }
}
