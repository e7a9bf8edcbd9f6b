//! Both files in one go.

use std::collections::BTreeSet;
use std::fmt::Write;

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Fault, Spec, SpecEdit, Timing, lint};

use super::{Failback, Inventory, ha_cf, haresources};
pub use crate::diagnostic::Refused;
use crate::diagnostic::{Diagnostic, Place, Severity, has_errors, render};
use crate::source::Source;

/// What is to be imported, and into which cluster.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// The file `haresources`.
    pub haresources: &'a Source,
    /// The file `ha.cf`, if there is one; without it, heartbeat's defaults hold.
    pub ha_cf: Option<&'a Source>,
    /// The cluster's members.
    pub members: &'a BTreeSet<NodeId>,
    /// Which agents they have.
    pub inventory: &'a Inventory,
    /// What is configured.
    pub spec: &'a Spec,
    /// The timings chosen when the cluster was made.
    pub base: Timing,
    /// DRBD resources whose possible loss of data a person has accepted by name.
    pub accept_data_loss: &'a BTreeSet<ResourceId>,
}

/// What an import would do.
#[derive(Debug, Clone)]
pub struct Imported {
    edits: Vec<SpecEdit>,
    /// What is to be said about `haresources`, or about the configuration as a whole.
    pub haresources: Vec<Diagnostic>,
    /// What is to be said about `ha.cf`; empty without it.
    pub ha_cf: Vec<Diagnostic>,
}

impl Imported {
    /// The edits, to be shown. With errors among the diagnostics they lack what the errors are about.
    pub fn preview(&self) -> &[SpecEdit] {
        &self.edits
    }

    /// The edits, to be committed together. Errors: [`Refused`] if there is any error in either file.
    pub fn commit(self) -> Result<Vec<SpecEdit>, Refused> {
        let all = self.haresources.iter().chain(&self.ha_cf);
        let errors = all.filter(|d| d.severity == Severity::Error).count();
        if errors == 0 { Ok(self.edits) } else { Err(Refused { errors }) }
    }

    /// All diagnostics as plain text, with the lines that they are about.
    pub fn render(&self, import: &Import) -> String {
        let mut text = render(import.haresources, &self.haresources);
        if let Some(ha_cf) = import.ha_cf {
            let _ = write!(text, "{}", render(ha_cf, &self.ha_cf));
        }
        text
    }
}

/// Reads both files and makes edits of them. Also says what a commit of the edits would refuse.
pub fn import(import: &Import) -> Imported {
    let Import { members, inventory, spec, base, accept_data_loss, .. } = *import;
    let (failback, returning, mut edits, ha_cf) = match import.ha_cf {
        Some(source) => {
            let (file, mut diagnostics) = ha_cf::parse(source);
            let (edits, more) = ha_cf::to_edits(&file, &ha_cf::Target { members, spec, base });
            diagnostics.extend(more);
            // A line that says it is named as a line.
            let unsaid = file.failback_line().is_none().then(|| note(UNSAID));
            (file.failback(), unsaid, edits, diagnostics)
        }
        None => (Failback::Unsaid, Some(note(NO_FILE)), Vec::new(), Vec::new()),
    };
    let (file, mut haresources) = haresources::parse(import.haresources);
    let target = haresources::Target { members, inventory, spec, failback, accept_data_loss };
    let (more, said) = haresources::to_edits(&file, &target);
    haresources.extend(said);
    edits.extend(more);
    haresources.extend(returning);
    if !has_errors(&haresources) && !has_errors(&ha_cf) {
        haresources.extend(commit_faults(spec, &edits, base));
    }
    Imported { edits, haresources: in_order(haresources), ha_cf: in_order(ha_cf) }
}

/// What was said while reading and what was said while making edits, line by line.
fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|d| (d.place == Place::Whole, d.line(), d.column()));
    diagnostics
}

/// What resources do when their node returns, if no line of a file says it.
const UNSAID: &str = "`ha.cf` does not set auto_failback: groups go back to their node when it returns, which is \
                      heartbeat's default";
const NO_FILE: &str = "no `ha.cf` is given: new groups go back to their node when it returns, which is heartbeat's \
                       default, and others do as they did";

fn note(what: &str) -> Diagnostic {
    Diagnostic { severity: Severity::Note, place: Place::Whole, what: what.to_owned(), remedy: String::new() }
}

/// What a commit of `edits` would say that it does not say of the configuration as it is.
pub(crate) fn commit_faults(spec: &Spec, edits: &[SpecEdit], base: Timing) -> Vec<Diagnostic> {
    let whole = |severity, what| Diagnostic { severity, place: Place::Whole, what, remedy: String::new() };
    let edited = match spec.edited(edits, u64::MAX / 2) {
        Ok(edited) => edited,
        Err(fault) => return vec![whole(Severity::Error, fault.to_string())],
    };
    let before = lint(spec, base);
    let new = lint(&edited, base).into_iter().filter(|fault| !before.contains(fault));
    new.map(|fault: Fault| match fault.severity {
        haven_core::spec::Severity::Error => {
            whole(Severity::Error, format!("the configuration would be refused: {fault}"))
        }
        haven_core::spec::Severity::Warning => whole(Severity::Warning, fault.to_string()),
    })
    .collect()
}
