//! A CIB in a file: read, and written as a whole.
//!
//! Never: half a file, another mode, a change of what somebody else has changed meanwhile.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use haven_config::crm::{Configuration, put_into};
use haven_config::{Severity, Source, render};

use crate::commands::read_cib;
use crate::terminal::Terminal;
use crate::trouble::Trouble;

/// A CIB as it was when it was read.
#[derive(Debug, Clone)]
pub(crate) struct CibFile {
    path: PathBuf,
    text: String,
}

impl CibFile {
    /// Reads it with its configuration. Errors: it is not there, or no CIB; what is wrong with it is told.
    pub(crate) fn read(path: &Path, terminal: &Terminal) -> Result<(Self, Configuration), Trouble> {
        let (name, bytes) = read_cib(path)?;
        let source = Source::of_cib(&name, bytes.clone());
        let (found, said) = Configuration::from_xml(&source);
        let said = render(&source, &said);
        if !said.is_empty() {
            terminal.aside(said.trim_end());
        }
        let no_cib = || {
            let remedy = "give a CIB as `cibadmin --query` prints it";
            Trouble::crm(format!("cannot work on {name}: it is no CIB that haven can read"), remedy)
        };
        let text = String::from_utf8(bytes).map_err(|_| no_cib())?;
        Ok((Self { path: path.to_owned(), text }, found.ok_or_else(no_cib)?))
    }

    /// Its text with another configuration.
    pub(crate) fn with(&self, configuration: &Configuration) -> Result<String, Trouble> {
        put_into(&self.text, configuration).map_err(|fault| {
            let what = format!("cannot put a configuration into {}: {fault}", self.path.display());
            Trouble::crm(what, "give a CIB as `cibadmin --query` prints it")
        })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Why nobody could plan with another configuration in it, if so and if it can be planned with as it is.
    pub(crate) fn unplannable(&self, configuration: &Configuration) -> Result<Option<String>, Trouble> {
        let name = self.path.display().to_string();
        let read = |text: String| {
            let source = Source::of_cib(&name, text.into_bytes());
            let (scene, said) = haven_config::cib::read(&source);
            let wrong = || said.iter().filter(|said| said.severity == Severity::Error).map(|said| said.what.clone());
            scene.is_none().then(|| wrong().collect::<Vec<_>>().join("; "))
        };
        if read(self.text.clone()).is_some() {
            return Ok(None);
        }
        Ok(read(self.with(configuration)?))
    }

    /// Writes it with another configuration. Errors: somebody else has written it since it was read; the disk.
    pub(crate) fn write(&self, configuration: &Configuration) -> Result<(), Trouble> {
        let failed = |error: std::io::Error| Trouble::file(&format!("write {}", self.path.display()), &error);
        let text = self.with(configuration)?;
        // What is written must be a CIB that is read again.
        let again = Source::of_cib("what is to be written", text.clone().into_bytes());
        if Configuration::from_xml(&again).0.is_none() {
            let what = format!("{} was not written: its text would be no CIB", self.path.display());
            return Err(Trouble::crm(what, "show what was edited with `show changed`, and mend it"));
        }
        // A link stays, and what it leads to is replaced.
        let path = fs::canonicalize(&self.path).map_err(failed)?;
        // One at a time from the comparison to the end: the folder is locked, since the file itself is another one then.
        let folder = File::open(path.parent().unwrap_or_else(|| Path::new("/"))).map_err(failed)?;
        folder.lock().map_err(failed)?;
        if fs::read(&path).map_err(failed)? != self.text.as_bytes() {
            let what = format!("{} was not written: somebody else has changed it since it was read", path.display());
            return Err(Trouble::crm(what, "look at it with `refresh` and `show`, and make the edits again"));
        }
        replace(&path, text.as_bytes()).map_err(failed)
    }
}

/// Puts `bytes` in place of a file, with its mode and owner: all of them, or none.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let old = fs::metadata(path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(old.permissions())?;
    let new = file.as_file().metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(file.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
