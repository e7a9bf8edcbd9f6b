//! From `ha.cf` to settings, and the name of everything that becomes none.

use std::collections::BTreeSet;

use haven_core::ids::NodeId;
use haven_core::spec::{Profile, Settings, Spec, SpecEdit, Timing, TimingFault};
use haven_core::units::Millis;

use super::directives::{self, Said};
use super::{Entry, HaCf, Token, time};
use crate::diagnostic::{Diagnostic, Place, Report, listed, quoted, shortened};
use crate::heartbeat::Failback;
use crate::heartbeat::names::{self, Named};

/// The cluster into which a file is imported.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its members.
    pub members: &'a BTreeSet<NodeId>,
    /// What is configured.
    pub spec: &'a Spec,
    /// The timings chosen when the cluster was made; settings override them.
    pub base: Timing,
}

/// The settings that the file becomes, and a word about every line of it. With an error among the diagnostics (here
/// or from [`super::parse`]) the edits are a preview and must not be committed.
pub fn to_edits(file: &HaCf, target: &Target) -> (Vec<SpecEdit>, Vec<Diagnostic>) {
    let mut import = Import { file, target, report: Report::default(), edits: Vec::new() };
    for entry in &file.entries {
        import.entry(entry);
    }
    import.deadtime();
    import.ping_nodes();
    import.members();
    import.fencing();
    (import.edits, import.report.finish())
}

struct Import<'a> {
    file: &'a HaCf,
    target: &'a Target<'a>,
    report: Report,
    edits: Vec<SpecEdit>,
}

impl Import<'_> {
    fn entry(&mut self, entry: &Entry) {
        let Some(directive) = directives::find(&entry.name.text) else { return };
        match directive.said {
            Said::Note(what) => self.report.note(entry.name.place(), format!("{}: {what}", directive.name), ""),
            Said::Warning(what, remedy) => {
                self.report.warning(entry.name.place(), format!("{}: {what}", directive.name), remedy);
            }
            Said::ByValue => self.by_value(entry),
        }
    }

    fn by_value(&mut self, entry: &Entry) {
        match entry.name.text.as_str() {
            "auto_failback" | "nice_failback" => self.failback(entry),
            "crm" | "pacemaker" => self.pacemaker(entry),
            "respawn" => self.respawn(entry),
            "stonith" | "stonith_host" => self.stonith(entry),
            "autojoin" => self.autojoin(entry),
            "node" => self.nodes(entry),
            "ping" | "ping6" => {
                let what = format!("{}: kept in ping-nodes, but nothing watches them in this version", entry.name.text);
                self.report.note(entry.name.place(), what, "");
            }
            "ping_group" => {
                let what = "ping_group: any address of the group was enough for heartbeat; they are kept in \
                            ping-nodes, one by one, but nothing watches them in this version";
                self.report.note(entry.name.place(), what, "");
            }
            "keepalive" => {
                let what = "keepalive: heartbeats are sent 15 times per dead-after; there is nothing to set";
                self.report.note(entry.name.place(), what, "");
            }
            // deadtime is done once for the whole file.
            _ => {}
        }
    }

    fn failback(&mut self, entry: &Entry) {
        if self.file.failback_line() != Some(entry) {
            // That another line counts was said when the file was read.
            return;
        }
        let becomes = match self.file.failback() {
            Failback::Stay => "groups stay where they are when their node returns",
            Failback::Home | Failback::Unsaid => "groups go back to their node when it returns",
        };
        let (name, value) = (&entry.name.text, entry.first());
        let (old, remedy) = if value.text.eq_ignore_ascii_case("legacy") {
            (", heartbeat's old way to bring resources home", "")
        } else if name == "nice_failback" {
            (", the old question: on means that resources stay", "write `auto_failback off` or `auto_failback on`")
        } else {
            ("", "")
        };
        self.report.note(entry.name.place(), format!("{name} {}{old}: {becomes}", value.text), remedy);
    }

    fn pacemaker(&mut self, entry: &Entry) {
        let value = entry.first();
        if super::flag(&value.text) == Some(false) {
            let what = format!("{} is off, so it is `haresources` that says what runs", entry.name.text);
            self.report.note(entry.name.place(), what, "");
            return;
        }
        let what = "this is a Pacemaker cluster: its resources are in the CIB, and `haresources` was not read";
        let remedy = "import the CIB by `haven import cib`, not these files";
        self.report.error(entry.name.place(), what, remedy);
    }

    fn respawn(&mut self, entry: &Entry) {
        let program = entry.arguments.get(1).unwrap_or(&entry.name);
        let name = program.text.rsplit('/').next().unwrap_or_default();
        let (what, remedy) = match name {
            "ipfail" => (
                "ipfail: the ping nodes are kept in ping-nodes, but nothing watches them in this version".to_owned(),
                "move groups by hand, or let a resource's monitor test what it needs",
            ),
            "dopd" => (
                "dopd: nothing outdates the DRBD peer in this version, so a stale side can become primary".to_owned(),
                "use DRBD 9 with `quorum majority`, or keep `fencing resource-and-stonith` with a handler of your own",
            ),
            "ccm" | "pingd" | "hbagent" => (format!("{name}: it is part of heartbeat and not needed"), ""),
            _ => (
                format!("{}: haven starts no programs of this kind", quoted(name)),
                "make it a unit of systemd, or a resource",
            ),
        };
        self.report.warning(program.place(), what, remedy);
    }

    fn stonith(&mut self, entry: &Entry) {
        let kind = entry.arguments.get(usize::from(entry.name.text == "stonith_host")).unwrap_or(&entry.name);
        let remedy = "configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, \
                      then `haven fence test NODE`";
        let what = match kind.text.as_str() {
            "ssh" | "external/ssh" | "null" | "external/null" => {
                format!("{}: it proves nothing about a node that does not answer", quoted(&kind.text))
            }
            "meatware" => "`meatware`: a person's word counts here, too, but for one loss at a time".to_owned(),
            _ => format!("{}: fence devices are not imported, because each must be tested first", quoted(&kind.text)),
        };
        self.report.warning(kind.place(), what, remedy);
    }

    fn autojoin(&mut self, entry: &Entry) {
        let what = "autojoin: nodes join haven with a token only";
        if entry.first().text.eq_ignore_ascii_case("none") {
            self.report.note(entry.name.place(), what, "");
        } else {
            self.report.warning(entry.first().place(), what, "run `haven join` on each node");
        }
    }

    /// What is odd is said of each node; a line without oddities is named as a whole.
    fn nodes(&mut self, entry: &Entry) {
        let found: Vec<Named> =
            entry.arguments.iter().map(|node| names::find(&node.text, self.target.members)).collect();
        if found.iter().all(|named| matches!(named, Named::Member(_))) {
            let names = listed(entry.arguments.iter().map(|node| shortened(&node.text)));
            let are = if found.len() == 1 { "is a member" } else { "are members" };
            self.report.note(entry.name.place(), format!("node: {names} {are} of this cluster"), "");
            return;
        }
        for (node, named) in entry.arguments.iter().zip(found) {
            self.node(node, named);
        }
    }

    fn node(&mut self, node: &Token, named: Named) {
        let name = quoted(&node.text);
        match named {
            Named::Member(_) => {}
            Named::ByFirstLabel(member) => {
                self.report.note(node.place(), format!("{name} is taken for member {member}"), "");
            }
            Named::Several(members) => {
                let what = format!("{name} could be any of {}", listed(members));
                self.report.warning(node.place(), what, "write the name of one member");
            }
            Named::Nobody => {
                let what = format!("{name} is no member of this cluster");
                self.report.warning(node.place(), what, "run `haven join` there, if it is still in use");
            }
        }
    }

    /// Members that heartbeat's cluster did not have: they may lack disks and networks of the resources.
    fn members(&mut self) {
        let nodes = self.file.nodes();
        if nodes.is_empty() {
            return;
        }
        let mut more = self.target.members.clone();
        for node in nodes {
            match names::find(&node.text, self.target.members) {
                Named::Member(member) | Named::ByFirstLabel(member) => more.retain(|other| *other != member),
                Named::Several(members) => more.retain(|other| !members.contains(other)),
                Named::Nobody => {}
            }
        }
        if !more.is_empty() {
            let what = format!("{} is in this cluster and not in `ha.cf`: resources may run there, too", listed(&more));
            let remedy = "see that it reaches their disks and networks, or forbid it with a location of -inf";
            self.report.warning(Place::Whole, what, remedy);
        }
    }

    fn deadtime(&mut self) {
        let Some(value) = self.file.all(&["deadtime"]).next_back().map(Entry::first) else { return };
        let Some(dead_after) = time(&value.text) else { return };
        let current = Settings::read(&self.target.spec.properties, self.target.base).0.timing;
        if let Err(fault) = (Timing { dead_after, ..current }).check() {
            let remedy = match fault {
                TimingFault::DeadAfter(_) => "give a deadtime within that range",
                TimingFault::Hold { .. } => "set hold first: `haven config set hold=TIME`",
                TimingFault::Election { .. } | TimingFault::Watchdog(_) => "correct the setting that it names",
            };
            self.report.error(value.place(), format!("deadtime {} cannot be taken: {fault}", value.text), remedy);
            return;
        }
        let usual = Timing::of(Profile::Default).dead_after;
        let remedy = if dead_after > usual {
            "to start elsewhere sooner, leave it out (haven's default is 3s); `haven doctor` measures what is safe here"
        } else {
            ""
        };
        self.report.note(value.place(), format!("deadtime {} becomes dead-after={dead_after}", value.text), remedy);
        if dead_after != current.dead_after {
            self.set("dead-after", Millis::to_string(&dead_after));
        }
    }

    fn ping_nodes(&mut self) {
        let mut addresses: Vec<&str> = Vec::new();
        for entry in &self.file.entries {
            let skip = match entry.name.text.as_str() {
                "ping" | "ping6" => 0,
                // The first word is the name of the group.
                "ping_group" => 1,
                _ => continue,
            };
            for token in entry.arguments.iter().skip(skip) {
                if token.text.parse::<std::net::IpAddr>().is_err() {
                    let what =
                        format!("{} is a name, and finding its address needs a name server", quoted(&token.text));
                    self.report.warning(token.place(), what, "write the address");
                }
                if !addresses.contains(&token.text.as_str()) {
                    addresses.push(&token.text);
                }
            }
        }
        let value = addresses.join(" ");
        let current = self.target.spec.properties.get("ping-nodes");
        if !value.is_empty() && current != Some(&value) {
            self.set("ping-nodes", value);
        }
    }

    fn fencing(&mut self) {
        let named = |entry: &Entry| matches!(entry.name.text.as_str(), "stonith" | "stonith_host");
        if self.target.spec.devices.is_empty() && !self.file.entries.iter().any(named) {
            let what = "nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a \
                        proof that it is off";
            let remedy = "add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`";
            self.report.warning(Place::Whole, what, remedy);
        }
    }

    fn set(&mut self, name: &str, value: String) {
        self.edits.push(SpecEdit::SetProperty { name: name.to_owned(), value: Some(value) });
    }
}
