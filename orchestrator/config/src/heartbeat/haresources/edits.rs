//! From a file to edits of the configuration.
//!
//! Each line becomes a group (or, with one resource, a plain primitive) that prefers the line's node. What the
//! configuration already says and the file does not contradict is kept, so that importing a file again changes
//! nothing. Groups whose lines are gone are not removed: a file does not say that something was there before.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Spec, SpecEdit};

use super::{HaResources, Line, Reading, Word};
use crate::diagnostic::{Diagnostic, Place, Report, listed, quoted, shortened};
use crate::heartbeat::agents::{self, Meaning, Storage, Thing};
use crate::heartbeat::build::{self, Wish};
use crate::heartbeat::ids::{self, Ids};
use crate::heartbeat::inventory::{Found, Inventory};
use crate::heartbeat::names::{self, Named};
use crate::heartbeat::{ACCEPTED, Failback};

/// The cluster into which a file is imported.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its members.
    pub members: &'a BTreeSet<NodeId>,
    /// Which agents they have.
    pub inventory: &'a Inventory,
    /// What is configured.
    pub spec: &'a Spec,
    /// What resources do when their node returns.
    pub failback: Failback,
    /// DRBD resources, by the ids that they get here, whose possible loss of data a person has accepted by name.
    pub accept_data_loss: &'a BTreeSet<ResourceId>,
}

/// The words of a line that mean something, with what they mean.
type Meanings<'a> = Vec<(&'a Word, Meaning)>;

/// One line, understood.
struct Group<'a> {
    node: Option<NodeId>,
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    word: &'a Word,
    meaning: Meaning,
    id: ResourceId,
}

/// The edits that make the same of the file here, and what should be known about them. With an error among the
/// diagnostics (here or from [`super::parse`]) the edits are a preview and must not be committed.
pub fn to_edits(file: &HaResources, target: &Target) -> (Vec<SpecEdit>, Vec<Diagnostic>) {
    let mut import = Import { target, report: Report::default(), claims: BTreeMap::new() };
    if target.inventory.nodes.is_empty() {
        let remedy = "run the import where at least one member can be asked";
        import.report.error(Place::Whole, "no member was asked which agents it has", remedy);
    }
    let groups = import.groups(file);
    let wanted: BTreeSet<&ResourceId> = groups.iter().flat_map(|group| &group.members).map(|m| &m.id).collect();
    let mut edits = Vec::new();
    for group in &groups {
        import.edit(group, &wanted, &mut edits);
    }
    import.unused_acceptance(&groups);
    if !groups.is_empty() {
        import.whole();
    }
    (build::removed_first(edits), import.report.finish())
}

struct Import<'a> {
    target: &'a Target<'a>,
    report: Report,
    /// What is claimed, and where first.
    claims: BTreeMap<Thing, &'a Word>,
}

impl<'a> Import<'a> {
    fn groups(&mut self, file: &'a HaResources) -> Vec<Group<'a>> {
        let lines: Vec<(Option<NodeId>, Meanings)> =
            file.lines.iter().map(|line| (self.node(line), self.meanings(line))).collect();
        let mut ids = Ids::default();
        // Keys choose first, so that they are named the same whatever stands on other lines.
        let mut keys = Vec::new();
        for (_, meanings) in &lines {
            let key = meanings.first().map(|(word, meaning)| (ids.key(&meaning.label, &word.text), word.place()));
            keys.push(match key {
                Some((Ok(key), _)) => Some(key),
                Some((Err(fault), place)) => {
                    self.report.error(place, fault.to_string(), "name it otherwise");
                    None
                }
                None => None,
            });
        }
        let mut groups = Vec::new();
        for ((node, meanings), key) in lines.into_iter().zip(keys) {
            let Some(key) = key else { continue };
            let mut members: Vec<Member> = Vec::new();
            for (word, meaning) in meanings {
                let id =
                    if members.is_empty() { Ok(key.clone()) } else { ids.member(&meaning.label, &key, &word.text) };
                match id {
                    Ok(id) => members.push(Member { word, meaning, id }),
                    Err(fault) => self.report.error(word.place(), fault.to_string(), "name it otherwise"),
                }
            }
            groups.push(Group { node, members });
        }
        groups
    }

    fn node(&mut self, line: &Line) -> Option<NodeId> {
        let Word { text, reading, .. } = &line.node;
        if *reading == Reading::Faulty {
            return None;
        }
        let members = self.target.members;
        let place = line.node.place();
        match names::find(text, members) {
            Named::Member(node) => Some(node),
            Named::ByFirstLabel(node) => {
                self.report.note(place, format!("{} is taken for member {node}", quoted(text)), "");
                Some(node)
            }
            Named::Several(nodes) => {
                let what = format!("{} could be any of {}", quoted(text), listed(nodes));
                self.report.error(place, what, "write the name of one member");
                None
            }
            Named::Nobody => {
                let known = if members.is_empty() { "nobody".to_owned() } else { listed(members) };
                let what = format!("{} is no member of this cluster; members are {known}", quoted(text));
                self.report.error(place, what, "write the name of a member, or let the node join first");
                None
            }
        }
    }

    fn meanings(&mut self, line: &'a Line) -> Meanings<'a> {
        let mut found = Vec::new();
        let mut primary = false;
        for word in line.resources.iter().filter(|word| word.reading == Reading::Clear) {
            let Some(mut meaning) = agents::read(word, &mut self.report) else { continue };
            if meaning.storage == Storage::OnDrbd && primary {
                // What made the device primary has been answered for.
                meaning.storage = Storage::Other;
            }
            primary |= meaning.storage == Storage::DrbdRole;
            self.claim(word, &meaning);
            found.push((word, meaning));
        }
        found
    }

    fn claim(&mut self, word: &'a Word, meaning: &Meaning) {
        for claim in &meaning.claims {
            let Some(first) = self.claims.get(claim) else {
                self.claims.insert(claim.clone(), word);
                continue;
            };
            let what = format!(
                "{claim} is on line {} already: two resources would start and stop the same thing, each without the \
                 other's knowledge",
                first.at.line
            );
            self.report.error(word.place(), what, "name it once; put what needs it on the same line behind it");
            return;
        }
    }

    fn edit(&mut self, group: &Group, wanted: &BTreeSet<&ResourceId>, edits: &mut Vec<SpecEdit>) {
        let spec = self.target.spec;
        let Some(key) = group.members.first() else { return };
        let ids: Vec<ResourceId> = group.members.iter().map(|member| member.id.clone()).collect();
        // Cannot fail: `Ids::key` gives no id that leaves no room for the group's.
        let Ok(group_id) = ids::group(&key.id) else { return };
        let single = ids.len() == 1;
        let top = if single { key.id.clone() } else { group_id.clone() };
        let (failback, earlier) = (self.target.failback, [&group_id, &key.id]);
        let mut wishes: Vec<Wish> = group.members.iter().filter_map(|member| self.primitive(member)).collect();
        if single {
            wishes = wishes.into_iter().map(|wish| wish.returning(failback, spec, earlier)).collect();
        } else {
            wishes.push(Wish::group(top.clone(), ids).returning(failback, spec, earlier));
        }
        for wish in &wishes {
            self.replaced(key.word, wish, spec);
            edits.extend(build::put(spec, wish));
        }
        if let Some(node) = &group.node {
            edits.extend(build::prefer(spec, &top, node));
        }
        let stale = build::stale(spec, &group_id, &key.id, &top, wanted);
        for edit in &stale {
            if let SpecEdit::RemoveResource(id) = edit
                && *id != group_id
            {
                let what = format!("resource {id} was in this group and is removed, since the file does not name it");
                self.report.warning(key.word.place(), what, "");
            }
        }
        edits.extend(stale);
    }

    fn replaced(&mut self, key: &Word, wish: &Wish, spec: &Spec) {
        let Some(old) = spec.resources.get(&wish.id) else { return };
        if let Some(agent) = spec.agent(&wish.id)
            && wish.agent().is_some_and(|wanted| wanted != agent)
        {
            let what = format!("there is a resource {} with the agent {agent} already; it is replaced", old.id);
            self.report.warning(key.place(), what, "rename that one first, if it is something else");
        }
    }

    fn primitive(&mut self, member: &Member) -> Option<Wish> {
        let Member { word, meaning, id } = member;
        let mut candidates = meaning.candidates();
        // What runs by one agent is not handed to another because the nodes have more of them today.
        if let Some(agent) = self.target.spec.agent(id).filter(|agent| candidates.contains(agent))
            && self.target.inventory.find(std::slice::from_ref(agent)) != Found::Nowhere
        {
            candidates = vec![agent.clone()];
        }
        let (index, lacking) = match self.target.inventory.find(&candidates) {
            Found::Everywhere(index) => (index, Vec::new()),
            Found::Lacking(index, lacking) => (index, lacking),
            Found::Nowhere => {
                self.missing(word, meaning);
                (0, Vec::new())
            }
        };
        let agent = candidates.into_iter().nth(index)?;
        if !lacking.is_empty() {
            let what = format!("{agent} is missing on {}, so the group cannot run there", listed(lacking));
            self.report.warning(word.place(), what, "install it there");
        }
        let (params, operations) = (meaning.params(&agent), meaning.times(&agent).operations());
        let wish = Wish::primitive(id.clone(), agent, params, operations);
        Some(match meaning.storage {
            Storage::DrbdRole | Storage::OnDrbd => wish.described(self.accepted(member)),
            Storage::Other => wish,
        })
    }

    fn missing(&mut self, word: &Word, meaning: &Meaning) {
        let nodes = &self.target.inventory.nodes;
        if nodes.is_empty() {
            return;
        }
        let mut places: Vec<String> = meaning.native.iter().map(|native| native.agent.to_string()).collect();
        let script = shortened(&meaning.script);
        places.push(format!("/etc/ha.d/resource.d/{script}"));
        let mut more = String::new();
        if meaning.arguments.is_empty() {
            places.push(format!("/etc/init.d/{script}"));
            places.push(format!("{script}.service of systemd"));
        } else if nodes.values().any(|node| node.init_d.contains(&meaning.script)) {
            more = format!("; /etc/init.d/{script} is there, but haven gives no arguments to init scripts");
        }
        let what = format!(
            "{} is missing on {}: there is no {}{more}",
            quoted(&word.text),
            listed(nodes.keys()),
            places.join(", no ")
        );
        self.report.error(word.place(), what, "install it on every node, or take the word off the line");
    }

    /// The description that records the choice, or an error: a node that comes back with older data and a node that
    /// goes on with newer data can both have been primary.
    fn accepted(&mut self, member: &Member) -> Option<String> {
        let Member { word, id, .. } = member;
        let spec = self.target.spec;
        let before = spec.resources.get(id).and_then(|old| old.description.clone());
        if let Some(text) = before.filter(|text| text.starts_with(ACCEPTED)) {
            return Some(text);
        }
        if self.target.accept_data_loss.contains(id) {
            return Some(ACCEPTED.to_owned());
        }
        let how = match member.meaning.storage {
            Storage::DrbdRole | Storage::Other => "makes DRBD primary",
            Storage::OnDrbd => {
                "mounts a DRBD device, with nothing before it on the line that makes it primary, so the mount would do that"
            }
        };
        let what = format!(
            "{} {how}, and this version does not drive DRBD: after a failover nothing here knows whether the data of \
             the other side is newer",
            quoted(&word.text)
        );
        self.report.error(word.place(), what, format!("accept the loss by name: --data-loss-accepted {id}"));
        None
    }

    fn unused_acceptance(&mut self, groups: &[Group]) {
        let members = groups.iter().flat_map(|group| &group.members);
        let drbd = members.filter(|member| member.meaning.storage != Storage::Other);
        let known: BTreeSet<&ResourceId> = drbd.map(|member| &member.id).collect();
        for id in self.target.accept_data_loss.iter().filter(|id| !known.contains(id)) {
            let what = format!("the loss of data was accepted for {id}, which no DRBD resource of this file needs");
            self.report.warning(Place::Whole, what, "correct the name after --data-loss-accepted");
        }
    }

    fn whole(&mut self) {
        let seen = &self.target.inventory.nodes;
        let unseen: Vec<&NodeId> = self.target.members.iter().filter(|node| !seen.contains_key(*node)).collect();
        if !unseen.is_empty() && !seen.is_empty() {
            let what = format!("agents were looked for on {} only, not on {}", listed(seen.keys()), listed(&unseen));
            let remedy =
                if unseen.len() == 1 { "run `haven doctor` there" } else { "run `haven doctor` on each of them" };
            self.report.warning(Place::Whole, what, remedy);
        }
        let what = "heartbeat never looked at what it had started; haven asks every resource again and again how it \
                    is, and restarts or moves one that fails";
        self.report.note(Place::Whole, what, "see that the `status` of your own scripts tells the truth");
    }
}
