//! The words of the crm shell, against the crm shell and against other people's configurations.
//!
//! For: the files beside this one and those of `docs/examples`, which the crm shell must read and show as we do where it is
//! installed, and the latter do what their pages say; the cases of `$HAVEN_CONFORMANCE`, else of the folder `shared/conformance` beside the project, which must mean the same after a way
//! through the objects.
//! Never: a case in the project itself, or a cluster that is asked.

#![allow(clippy::disallowed_methods, reason = "the cases are files, and the crm shell is a program")]

// The attribute tells clippy that all of it is tests.
#[cfg(test)]
mod cases;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod shell;

#[cfg(test)]
use std::path::{Path, PathBuf};

#[cfg(test)]
use haven_config::crm::{Configuration, Load, parse};
#[cfg(test)]
use haven_config::{Source, has_errors, render};

/// Reads a text that has no error in it.
#[cfg(test)]
#[track_caller]
fn read(name: &str, text: &str) -> Configuration {
    let source = Source::of_crm(name, text.as_bytes());
    let (draft, said) = parse(&source);
    assert!(!has_errors(&said), "{}", render(&source, &said));
    let (configuration, said) = Configuration::default().load(&draft, Load::Replace);
    assert!(!has_errors(&said), "{}", render(&source, &said));
    configuration
}

/// What another system has given us, unless it is not there.
#[cfg(test)]
fn shared(part: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(part);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: nothing at {}", path.display());
    None
}
