//! A CIB into edits of haven's own configuration.
//!
//! For: `haven import cib`. What a CIB asks for is taken in, or refused by name and place with a way out, or, only where it
//! changes nothing here, noted.
//! Never: a part of the configuration passed over in silence; a password in an edit [S7]; a setting that protects data
//! weakened, or one that a person chose replaced, without that person's word.
//! Source: Pacemaker Explained; DESIGN, section 6: "mapped and said, not silently dropped".

pub(super) mod agents;
mod constraints;
pub(super) mod devices;
mod faults;
pub(super) mod hosts;
mod ids;
mod nodes;
mod operations;
mod options;
mod places;
mod resources;
mod sets;
mod tally;
#[cfg(test)]
mod tests;
mod work;

use std::collections::BTreeSet;
use std::fmt;

use haven_core::ids::{DeviceId, NodeId, ResourceId};
use haven_core::spec::{Spec, SpecEdit, Timing};

pub use self::tally::{Fate, Tally, Thing};
use self::work::Work;
use super::said::Said;
pub use crate::diagnostic::Refused;
use crate::diagnostic::{Diagnostic, Severity, has_errors, render};
use crate::source::Source;

/// What is to be imported, and into which cluster.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// The CIB.
    pub cib: &'a Source,
    /// The cluster's members.
    pub members: &'a BTreeSet<NodeId>,
    /// What is configured.
    pub spec: &'a Spec,
    /// The timings chosen when the cluster was made.
    pub base: Timing,
    /// What a person has accepted.
    pub accepted: &'a BTreeSet<Accept>,
    /// Resources whose possible loss of data a person has accepted by name.
    pub accept_data_loss: &'a BTreeSet<ResourceId>,
    /// What becomes of passwords.
    pub secrets: SecretsTo<'a>,
}

/// What a CIB may ask for that haven does not do, and that a person must let go by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accept {
    /// A partition without quorum stops what it runs, whatever `no-quorum-policy` says.
    NoQuorumStop,
    /// Nodes are switched off, and nothing starts elsewhere before a proof, although fencing is off in the CIB.
    Fencing,
}

impl Accept {
    /// The option of the command line that gives it.
    pub const fn option(self) -> &'static str {
        match self {
            Self::NoQuorumStop => "--no-quorum-stop-accepted",
            Self::Fencing => "--fencing-accepted",
        }
    }
}

/// What becomes of the passwords of fence devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretsTo<'a> {
    /// Each of them is an error.
    Refused,
    /// Each goes into a file of its own in this folder, an absolute path; the configuration names the file.
    Folder(&'a str),
}

/// A password that is to be written into a file before the edits are committed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// The device that needs it.
    pub device: DeviceId,
    /// Its parameter.
    pub parameter: String,
    /// Where the device looks for it, on every node.
    pub path: String,
    value: String,
}

impl SecretFile {
    /// The password itself, for the file and nothing else.
    pub fn reveal(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} of {} in {}: ***", self.parameter, self.device, self.path)
    }
}

/// What an import would do.
#[derive(Debug, Clone)]
pub struct Imported {
    edits: Vec<SpecEdit>,
    /// What is to be said about the CIB, in the order of its text, then about the configuration as a whole.
    pub said: Vec<Diagnostic>,
    /// Passwords to be written on this machine; empty unless a folder was given for them.
    pub secrets: Vec<SecretFile>,
    /// How many things of each kind were found, and what became of them.
    pub tally: Tally,
    errors: usize,
}

impl Imported {
    /// The edits, to be shown. With errors among the diagnostics they lack what the errors are about.
    pub fn preview(&self) -> &[SpecEdit] {
        &self.edits
    }

    /// The edits, to be committed together. Errors: [`Refused`] if anything of the CIB is.
    pub fn commit(self) -> Result<Vec<SpecEdit>, Refused> {
        if self.errors == 0 { Ok(self.edits) } else { Err(Refused { errors: self.errors }) }
    }

    /// All diagnostics as plain text, with the lines that they are about.
    pub fn render(&self, import: &Import) -> String {
        render(import.cib, &self.said)
    }
}

/// Reads the CIB and makes edits of it. Also says what a commit of the edits would refuse.
pub fn import(import: &Import) -> Imported {
    let mut said = Said::about(import.cib.text());
    let parsed = super::parse(import.cib, &mut said);
    let (mut edits, mut secrets, mut tally) = (Vec::new(), Vec::new(), Tally::default());
    if let Some((tree, scene)) = &parsed
        // What could not be understood is not taken in without it.
        && said.errors() == 0
        && !has_errors(import.cib.faults())
        && let Some(root) = tree.element(0)
    {
        let mut work = Work::of(import, root, &mut said);
        work.everything(root, &scene.config);
        (edits, secrets, tally) = work.finish();
    }
    let errors = said.errors() + import.cib.faults().iter().filter(|d| d.severity == Severity::Error).count();
    Imported { edits, said: said.finish(import.cib.faults()), secrets, tally, errors }
}

/// The names of the nodes that a CIB configures, for a preview without a cluster. Empty if it cannot be read.
pub fn nodes_of(cib: &Source) -> BTreeSet<NodeId> {
    let (scene, _) = super::read(cib);
    let nodes = scene.map(|scene| scene.config.nodes).unwrap_or_default();
    nodes.iter().filter_map(|node| NodeId::new(&node.name).ok()).collect()
}
