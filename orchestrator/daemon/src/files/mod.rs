//! The disks of a real machine: files in one folder.
//!
//! For: the log, the archive and the ballast of one node. Names are durable, since the folder is synced with each
//! change of it; a file that one process has open is refused to all others.
//! Never: a write that could be reported durable while the kernel has thrown it away. After a failed sync a file
//! takes nothing more, and one that is opened again is read from the medium and not from the page cache.
//! Source: open(2), fsync(2), flock(2); Rebello et al., "Can Applications Recover from fsync Failures?", 2020.

mod disk;
mod measure;
mod place;
#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use haven_env::{Disk, Volume};
use rustix::fs::{Advice, fadvise, statvfs};

pub(crate) use measure::{SyncFigures, measure_sync};
pub(crate) use place::{Kind, Place, place_of};

use disk::FileDisk;

use crate::host::aside;

/// Only the daemon reads its files: the log holds addresses and configurations.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A folder with one node's files.
#[derive(Debug)]
pub struct FileVolume {
    folder: PathBuf,
}

impl FileVolume {
    /// The folder `folder`, which is made if it is missing; its parent must exist. Errors: the system's.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
            Ok(()) => sync_folder(folder.parent().unwrap_or(Path::new("/")))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(at(folder, &error)),
        }
        if !fs::metadata(folder)?.is_dir() {
            return Err(at(folder, &io::ErrorKind::NotADirectory.into()));
        }
        Ok(Arc::new(Self { folder: folder.to_owned() }))
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let mut parts = Path::new(name).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(only)), None) if only == name => Ok(self.folder.join(name)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` is not the name of a file"))),
        }
    }

    /// An existing file that nobody has open, locked; it stays so until the result is dropped.
    fn idle(&self, name: &str) -> io::Result<File> {
        let path = self.path(name)?;
        let file = OpenOptions::new().read(true).open(&path).map_err(|e| at(&path, &e))?;
        lock(&file, &path)?;
        Ok(file)
    }
}

impl Volume for FileVolume {
    fn open(&self, name: &str) -> io::Result<Arc<dyn Disk>> {
        let path = self.path(name)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
        let file = options.open(&path).map_err(|e| at(&path, &e))?;
        lock(&file, &path)?;
        // Whoever removed or replaced the file before it was locked left this process with one that has no name.
        let (named, opened) = (fs::metadata(&path)?, file.metadata()?);
        if (named.dev(), named.ino()) != (opened.dev(), opened.ino()) {
            return Err(at(&path, &io::Error::new(io::ErrorKind::ResourceBusy, "somebody has just replaced it")));
        }
        // Pages whose write-back failed are in the page cache as if they were stored. Dropped, they are read from the
        // medium, and what is missing there shows.
        file.sync_data().map_err(|e| at(&path, &e))?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
        sync_folder(&self.folder)?;
        Ok(FileDisk::start(file, name)?)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|e| at(&self.folder, &e))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let _from = self.idle(from)?;
        let _to = match self.idle(to) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        fs::rename(self.path(from)?, self.path(to)?)?;
        sync_folder(&self.folder)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let _file = self.idle(name)?;
        fs::remove_file(self.path(name)?)?;
        sync_folder(&self.folder)
    }

    /// What a process without privileges could write: the reserve of the file system's owner is not counted.
    fn free(&self) -> io::Result<u64> {
        let room = aside(|| statvfs(&self.folder))?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }
}

/// Makes the names in `folder` durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| at(folder, &e))
}

/// Takes the file for this process, or says that another has it. The kernel frees it when the process ends.
fn lock(file: &File, path: &Path) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(at(path, &io::Error::new(io::ErrorKind::ResourceBusy, "it is in use, here or in another process")))
        }
        Err(TryLockError::Error(error)) => Err(at(path, &error)),
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
