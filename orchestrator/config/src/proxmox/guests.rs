//! `resources.cfg`: the guests that Proxmox's HA manager looks after.

use std::collections::BTreeMap;

use haven_core::ids::ResourceId;

use super::said::{In, Said, Spot};
use super::section::{Kind, Section, Word, sections};
use crate::diagnostic::quoted;
use crate::nearest::nearest;
use crate::source::Source;

/// Most tries that Proxmox allows for a start or a move.
const TRIES_MAX: u32 = 10_000;
/// Most digits of the number of a guest.
const DIGITS_MAX: usize = 9;

const PROPERTIES: &[&str] = &["state", "group", "max_restart", "max_relocate", "failback", "auto-rebalance", "comment"];
const KINDS: [Kind; 2] = [Kind { word: "vm", properties: PROPERTIES }, Kind { word: "ct", properties: PROPERTIES }];
const STATES: [&str; 5] = ["started", "stopped", "enabled", "disabled", "ignored"];

/// What a guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GuestKind {
    /// A virtual machine.
    Machine,
    /// A container.
    Container,
}

/// What Proxmox is asked to make of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It runs.
    Started,
    /// It does not run.
    Stopped,
    /// Nobody touches it.
    Ignored,
}

/// Whether a guest goes back to a node that it prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Returning {
    /// As soon as the node is there.
    Home,
    /// Only when it must move.
    Stay,
}

/// A guest.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    /// Its name here, such as `vm-101`.
    pub(super) id: ResourceId,
    /// Its name there, such as `vm:101`.
    pub(super) sid: String,
    pub(super) spot: Spot,
    pub(super) kind: GuestKind,
    pub(super) wanted: Wanted,
    pub(super) group: Option<Word>,
    /// Further tries of a failed start on one node; `None` if it is not said.
    pub(super) restarts: Option<u32>,
    /// `None` if it is not said.
    pub(super) returning: Option<Returning>,
    pub(super) comment: Option<String>,
}

/// The name that a guest has here, from `vm:101`. `None` if it is no such name.
pub(super) fn id_of(sid: &str) -> Option<ResourceId> {
    let (kind, number) = sid.split_once(':')?;
    let fits = ["vm", "ct"].contains(&kind) && number.bytes().all(|byte| byte.is_ascii_digit());
    let fits = fits && (1..=DIGITS_MAX).contains(&number.len());
    ResourceId::new(&format!("{kind}-{number}")).ok().filter(|_| fits)
}

/// Reads the file: each guest by its name here.
pub(super) fn read(source: &Source, said: &mut Said) -> BTreeMap<ResourceId, Guest> {
    let mut found = BTreeMap::new();
    for section in sections(source, &KINDS, said.of(In::Resources)) {
        if let Some(guest) = guest(&section, said) {
            found.insert(guest.id.clone(), guest);
        }
    }
    found
}

fn at(word: &Word) -> Spot {
    Spot { file: In::Resources, place: word.place() }
}

fn guest(section: &Section, said: &mut Said) -> Option<Guest> {
    let sid = format!("{}:{}", section.kind.text, section.id.text);
    let spot = at(&section.id);
    let Some(id) = id_of(&sid) else {
        let what = format!("{} is no number of a guest, 1 to {DIGITS_MAX} digits are needed", quoted(&section.id.text));
        said.error(spot, what, "write the number, as in `vm: 101`");
        return None;
    };
    let report = said.of(In::Resources);
    let restarts = section.number("max_restart", TRIES_MAX, report);
    let relocations = section.number("max_relocate", TRIES_MAX, report);
    let failback = section.truth("failback", report);
    let _ = section.truth("auto-rebalance", report);
    if relocations.is_some()
        && let Some(word) = section.get("max_relocate")
    {
        const WHAT: &str =
            "max_relocate has no equivalent: haven goes on to the next node that is allowed until none is left";
        said.note_once(at(word), WHAT, "");
    }
    if let Some(word) = section.get("auto-rebalance") {
        const WHAT: &str = "auto-rebalance has no equivalent: haven moves no guest that runs for the sake of balance";
        said.note_once(at(word), WHAT, "");
    }
    let returning = failback.map(|back| if back { Returning::Home } else { Returning::Stay });
    Some(Guest {
        id,
        sid,
        spot,
        kind: if section.kind.text == "ct" { GuestKind::Container } else { GuestKind::Machine },
        wanted: wanted(section, said),
        group: section.get("group").filter(|word| !word.text.is_empty()).cloned(),
        restarts,
        returning,
        comment: section.get("comment").map(|word| decoded(&word.text)).filter(|text| !text.is_empty()),
    })
}

fn wanted(section: &Section, said: &mut Said) -> Wanted {
    let Some(word) = section.get("state") else { return Wanted::Started };
    match word.text.as_str() {
        "started" => Wanted::Started,
        "enabled" => {
            said.note_once(at(word), "state enabled is an old word for started, and is taken for it", "");
            Wanted::Started
        }
        "stopped" => Wanted::Stopped,
        "disabled" => {
            const WHAT: &str = "state disabled becomes Stopped, as stopped does: haven has no second word for it";
            said.note_once(
                at(word),
                WHAT,
                "where it was used to leave the state error, run `haven resource cleanup` here",
            );
            Wanted::Stopped
        }
        "ignored" => {
            const WHAT: &str = "state ignored becomes is-managed=false: haven looks at the guest and leaves it alone, also when its node is lost";
            said.note_once(at(word), WHAT, "");
            Wanted::Ignored
        }
        other => {
            let near = nearest(other, STATES);
            let meant = near.map(|near| format!("; it may have been meant as `{near}`")).unwrap_or_default();
            let what = format!("{} is no state of a guest{meant}", quoted(other));
            said.error(at(word), what, format!("write one of {}", STATES.join(", ")));
            Wanted::Stopped
        }
    }
}

/// A comment as people wrote it: Proxmox keeps some characters as `%XX`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let code = behind.get(..2).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(b'%');
                rest = behind;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    let text = String::from_utf8_lossy(&bytes);
    // One line, as all descriptions here are.
    text.split(|c: char| c.is_control() || c == '\n').filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{decoded, id_of};

    #[test]
    fn a_comment_is_read_as_it_was_written() {
        assert_eq!(decoded("mail %26 files 100%"), "mail & files 100%");
        assert_eq!(decoded("one%0Atwo%C3%A4 %zz"), "one two\u{e4} %zz");
        assert_eq!(decoded("%ff"), "\u{fffd}");
    }

    #[test]
    fn guests_have_names_that_haven_allows() {
        let id = |sid| id_of(sid).map(|id| id.to_string());
        assert_eq!(id("vm:101"), Some("vm-101".to_owned()));
        assert_eq!(id("ct:7"), Some("ct-7".to_owned()));
        for wrong in ["101", "vm:", "vm:1a", "fa:1", "vm:1234567890", "vm:1:2"] {
            assert_eq!(id(wrong), None, "{wrong}");
        }
    }
}
