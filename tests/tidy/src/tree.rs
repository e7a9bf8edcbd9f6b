//! The files of the repository.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders that are not looked into.
const OUTSIDE: [&str; 4] = [".git", "target", "node_modules", "third-party"];

/// Text files by their path from the root; others are listed without text.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

/// One text file.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// From the root of the tree, with `/`.
    pub path: &'a str,
    /// All of it.
    pub text: &'a str,
}

impl<'a> File<'a> {
    /// Lines with their numbers from 1.
    pub fn lines(self) -> impl Iterator<Item = (usize, &'a str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

impl Tree {
    /// The tree that this package was built from.
    pub fn here() -> io::Result<Self> {
        Self::read(&Self::root())
    }

    /// The root of the tree that this package was built from.
    #[must_use]
    pub fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// Every file below `root`, except what builds leave.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let name = entry.file_name();
                if entry.file_type()?.is_dir() {
                    if !OUTSIDE.iter().any(|outside| name == *outside) {
                        folders.push(entry.path());
                    }
                    continue;
                }
                if name == ".git" {
                    continue;
                }
                let path = entry.path();
                let Ok(inside) = path.strip_prefix(root) else { continue };
                let text = String::from_utf8(fs::read(&path)?).unwrap_or_default();
                tree.files.insert(inside.to_string_lossy().into_owned(), text);
            }
        }
        Ok(tree)
    }

    /// A tree that is written down.
    #[must_use]
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect() }
    }

    /// The file at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<File<'_>> {
        self.files.get_key_value(path).map(|(path, text)| File { path, text })
    }

    /// Whether `path` is a file, or a folder with a file in it.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&folder))
    }

    /// Files whose path ends with `ending`, in the order of their paths.
    pub fn ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = File<'a>> {
        self.files.iter().filter(move |(path, _)| path.ends_with(ending)).map(|(path, text)| File { path, text })
    }

    /// Every file, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = File<'_>> {
        self.ending("")
    }
}
