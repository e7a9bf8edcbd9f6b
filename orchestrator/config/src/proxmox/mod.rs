//! The files of Proxmox VE's HA manager, `resources.cfg`, `groups.cfg` and `rules.cfg`, into haven's configuration.
//!
//! For: one call, [`import`], from all files to edits that are committed together or not at all, with everything said that is
//! different here. Guests become resources, groups and rules of node affinity become scores of nodes, rules of resource
//! affinity become colocations.
//! Never: a line that is passed over in silence; a guest started by an agent that nobody has prepared; a rule that cannot hold
//! taken in as if it did.
//! Source: the administration guide of Proxmox VE, "High Availability"; docs/reference/proxmox.md says what becomes of what.

mod edits;
mod feasible;
mod guests;
mod nodes;
mod rules;
mod said;
mod section;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Spec, SpecEdit, Timing};
use haven_core::units::Score;

use self::guests::Guest;
use self::rules::{Known, Rules};
use self::said::{In, Said};
pub use crate::diagnostic::Refused;
use crate::diagnostic::{Diagnostic, Place, Severity, has_errors, listed, quoted, render};
use crate::heartbeat::commit_faults;
use crate::nearest::nearest;
use crate::source::Source;

/// Points between two classes of priority. Below [`STAY`] for as many classes as a cluster has nodes.
pub const STEP: i64 = 1_000;
/// Stickiness of a guest that goes back: just enough that it does not wander between equal nodes.
pub const HOME: i64 = 1;
/// Stickiness of a guest that stays: more than any preference of nodes, and less than the wish to be together.
pub const STAY: i64 = 200_000;
/// How much guests of a positive rule want to be together: more than all else that is finite, and not infinite, since one
/// that is stopped must not keep the others from running.
pub const TOGETHER: Score = Score::new(500_000);
/// After this time failures of a guest are forgotten. Proxmox forgets them at the first start that goes well.
pub const FAILURES_FORGOTTEN: &str = "10min";

/// The files.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// `resources.cfg`.
    pub resources: &'a Source,
    /// `groups.cfg`, if it is there.
    pub groups: Option<&'a Source>,
    /// `rules.cfg`, if it is there.
    pub rules: Option<&'a Source>,
    /// Names of other files that are there, of [`OTHER_FILES`].
    pub others: &'a BTreeSet<&'static str>,
}

/// Files beside the three that say something about a cluster, with what is said of them.
pub const OTHER_FILES: [(&str, &str); 3] = [
    (
        "fence.cfg",
        "fence.cfg is not read: Proxmox itself never uses the devices in it. Add them here, where they are used",
    ),
    ("manager_status", "manager_status is not read: haven asks every node what runs there"),
    ("crm_commands", "crm_commands is not read: what Proxmox was told and has not done yet is not done here"),
];

/// What is known of the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nodes {
    /// There are so many members, and no others.
    Members(usize),
    /// Only those that the files name; there may be more.
    Named,
}

/// What is to be imported, and into which cluster.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// The files.
    pub files: Files<'a>,
    /// The cluster's members, or the nodes that the files name.
    pub members: &'a BTreeSet<NodeId>,
    /// Which of both.
    pub nodes: Nodes,
    /// What is configured.
    pub spec: &'a Spec,
    /// The timings chosen when the cluster was made.
    pub base: Timing,
    /// Guests of which a person has said, by their names here, that the agent of their kind can start them on every node.
    pub defined: &'a BTreeSet<ResourceId>,
}

/// What an import would do.
#[derive(Debug, Clone)]
pub struct Imported {
    edits: Vec<SpecEdit>,
    /// What is to be said about `resources.cfg`, or about the whole.
    pub resources: Vec<Diagnostic>,
    /// What is to be said about `groups.cfg`.
    pub groups: Vec<Diagnostic>,
    /// What is to be said about `rules.cfg`.
    pub rules: Vec<Diagnostic>,
    /// How many of what were found, a line each.
    pub counted: String,
}

impl Imported {
    /// The edits, to be shown. Guests that are refused are among them, since they show what would become of them.
    pub fn preview(&self) -> &[SpecEdit] {
        &self.edits
    }

    /// The edits, to be committed together. Errors: [`Refused`] if there is any error in any file.
    pub fn commit(self) -> Result<Vec<SpecEdit>, Refused> {
        let all = self.resources.iter().chain(&self.groups).chain(&self.rules);
        let errors = all.filter(|said| said.severity == Severity::Error).count();
        if errors == 0 { Ok(self.edits) } else { Err(Refused { errors }) }
    }

    /// All diagnostics as plain text, with the lines that they are about.
    pub fn render(&self, files: &Files) -> String {
        let mut text = render(files.resources, &self.resources);
        for (source, said) in [(files.groups, &self.groups), (files.rules, &self.rules)] {
            text += &source.map(|source| render(source, said)).unwrap_or_default();
        }
        text
    }
}

/// The nodes that groups and rules name, for a preview without a cluster.
pub fn nodes_of(files: &Files) -> BTreeSet<NodeId> {
    let sources = [files.groups, files.rules].into_iter().flatten();
    let names = sources.flat_map(|source| rules::names(source, &mut Said::default()));
    names.filter_map(|name| NodeId::new(&name).ok()).collect()
}

/// The name here of the guest that Proxmox calls so, such as `vm:101`; a name of here is taken, too. `None` for others.
pub fn guest_id(name: &str) -> Option<ResourceId> {
    guests::id_of(&name.replacen('-', ":", 1))
}

/// Reads the files and makes edits of them. Also says what a commit of the edits would refuse.
pub fn import(import: &Import) -> Imported {
    let Import { files, members, nodes, spec, base, defined } = *import;
    let mut said = Said::default();
    let guests = guests::read(files.resources, &mut said);
    let rules = rules::read(files.groups, files.rules, Known { members, guests: &guests }, &mut said);
    groups_are_known(&guests, &rules, &mut said);
    let holding = feasible::holding(&rules, &guests, nodes, &mut said);
    startable(&guests, spec, defined, &mut said);
    let edits = edits::edits(&guests, &holding, members, spec, &mut said);
    of_all(import, &guests, &mut said);
    let [mut resources, groups, rules_said] = said.finish();
    if ![&resources, &groups, &rules_said].iter().any(|said| has_errors(said)) {
        resources.extend(commit_faults(spec, &edits, base));
    }
    let counted = counted(&guests, &rules);
    Imported { edits, resources, groups, rules: rules_said, counted }
}

/// The group of a guest must be there.
fn groups_are_known(guests: &BTreeMap<ResourceId, Guest>, rules: &Rules, said: &mut Said) {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for guest in guests.values() {
        let Some(word) = &guest.group else { continue };
        if rules.groups.contains_key(&word.text) {
            used.insert(&word.text);
            continue;
        }
        let near = nearest(&word.text, rules.groups.keys().map(String::as_str));
        let meant = near.map(|near| format!("; it may have been meant as `{near}`")).unwrap_or_default();
        let what = format!("there is no group {} for {}{meant}", quoted(&word.text), guest.sid);
        let spot = said::Spot { file: In::Resources, place: word.place() };
        said.error(spot, what, "name a group of groups.cfg, or remove the line");
    }
    for group in rules.groups.values().filter(|group| !used.contains(group.name.as_str())) {
        said.note(group.spot, format!("no guest is in the group {}, which is left out", quoted(&group.name)), "");
    }
}

/// Whether there is something that starts each guest.
fn startable(guests: &BTreeMap<ResourceId, Guest>, spec: &Spec, defined: &BTreeSet<ResourceId>, said: &mut Said) {
    let known = |id: &ResourceId| defined.contains(id) || spec.resources.contains_key(id);
    for guest in guests.values().filter(|guest| !known(&guest.id)) {
        let (id, sid) = (&guest.id, &guest.sid);
        let (kind, place) = match guest.kind {
            guests::GuestKind::Machine => ("virtual machine", "libvirt"),
            guests::GuestKind::Container => ("container", "LXC"),
        };
        let what = format!(
            "{sid} is a {kind} of Proxmox, and no agent starts those: `qm` and `pct` need Proxmox's own cluster"
        );
        let remedy = format!("define it in {place} as {id} on every node, and say so: --guest-defined {sid}");
        said.error(guest.spot, what, remedy);
    }
    for id in defined.iter().filter(|id| !guests.contains_key(id)) {
        let remedy = format!("name one of {}", listed(guests.values().map(|guest| &guest.sid)));
        said.of(In::Resources).error(
            Place::Whole,
            format!("--guest-defined {id}: there is no such guest in the file"),
            remedy,
        );
    }
}

/// What is different here for every cluster of Proxmox.
fn of_all(import: &Import, guests: &BTreeMap<ResourceId, Guest>, said: &mut Said) {
    for (_, what) in OTHER_FILES.iter().filter(|(name, _)| import.files.others.contains(name)) {
        said.note_of_all(what, "");
    }
    if guests.is_empty() {
        said.of(In::Resources).warning(Place::Whole, "there is no guest in the file", "give the folder /etc/pve/ha");
        return;
    }
    said.note_of_all(
        "a guest that Proxmox still looks after would be started by both: take it out of there first, which leaves it running",
        "run `ha-manager remove` for each guest, set `onboot` of each to 0, and disable pve-ha-lrm and pve-ha-crm",
    );
    if import.spec.devices.is_empty() {
        said.of(In::Resources).warning(
            Place::Whole,
            "Proxmox waits until a lost node must have reset itself, about two minutes; haven starts nothing elsewhere before \
             a proof, and no fence device is configured that could give one",
            "run `haven fence add` for each node, then `haven fence test`",
        );
    }
    said.note_of_all(
        "a guest that is to move is stopped and started: live migration is not done by this version, and Proxmox does it",
        "",
    );
    if import.spec.properties.get("start-failure-is-fatal").map(String::as_str) != Some("false") {
        said.note_of_all(
            "max_restart counts failed starts; here one failed start closes a node for a guest, and other failures are counted",
            "if a start should be tried again on its node, run `haven config set start-failure-is-fatal=false`",
        );
    }
    said.note_of_all(
        "whether a node reaches a guest's disk is not checked, by Proxmox neither; replication of disks is not heeded",
        "keep a guest on local disks to its node by a strict rule",
    );
    said.note_of_all(
        "datacenter.cfg is not read: haven shares guests out by their number (crs), and moves them away from a node that is \
         to be shut down when it is told so (shutdown_policy)",
        "run `haven node drain NODE` before a node is shut down",
    );
}

fn counted(guests: &BTreeMap<ResourceId, Guest>, rules: &Rules) -> String {
    let Rules { groups, nodes, together, apart } = rules;
    let mut text = String::new();
    let counts = [
        ("guests", guests.len()),
        ("groups", groups.len()),
        ("rules of node affinity", nodes.len()),
        ("rules of resource affinity", together.len() + apart.len()),
    ];
    for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        let _ = writeln!(text, "{what}: {count}");
    }
    text
}

/// The names of guests as Proxmox has them.
fn listed_guests<'a>(ids: impl IntoIterator<Item = &'a ResourceId>) -> String {
    listed(ids.into_iter().map(|id| id.as_str().replacen('-', ":", 1)))
}
