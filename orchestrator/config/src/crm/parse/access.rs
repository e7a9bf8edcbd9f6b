//! Who may do what, and who is told of events.
//! Source: crm(8), "role", "acl_target", "user", "alert", "Access Control Lists (ACL)".

use super::attributes::{Ends, set};
use super::resource::description;
use super::words::{Read, Refused, Words};
use crate::crm::object::attributes::SetKind;
use crate::crm::object::cluster::{ALERT_KINDS, AclTarget, Alert, AlertPart, Permission, Role};
use crate::crm::shortcut;
use crate::diagnostic::quoted;

const RIGHTS: [&str; 3] = ["read", "write", "deny"];
const ABOUT: [&str; 5] = ["xpath:", "tag:", "type:", "ref:", "attribute:"];

/// A role, or a user with permissions of its own.
pub(super) fn role(words: &mut Words) -> Read<Role> {
    let id = words.id("the name")?;
    let mut permissions = Vec::new();
    while words.peek().is_some() {
        permissions.push(permission(words)?);
    }
    if permissions.is_empty() {
        return Err(words.refuse_end("`read`, `write` or `deny`"));
    }
    Ok(Role { id, permissions })
}

/// A user of old configurations: roles it has, or permissions.
pub(super) fn user(words: &mut Words) -> Read<Role> {
    let id = words.id("the user")?;
    let mut permissions = Vec::new();
    while let Some(word) = words.peek() {
        if let Some(role) = word.strip_prefix("role:") {
            let role = words.checked_id(role)?;
            words.next();
            permissions.push(Permission { right: "role".to_owned(), about: vec![("id", role)] });
        } else {
            permissions.push(permission(words)?);
        }
    }
    Ok(Role { id, permissions })
}

fn permission(words: &mut Words) -> Read<Permission> {
    let right = words.one_of(&RIGHTS, "permission")?.to_owned();
    let mut about = Vec::new();
    while let Some(word) = words.peek() {
        if RIGHTS.contains(&word) {
            break;
        }
        let found = match word.split_once(':') {
            Some(("xpath", path)) => ("xpath", path.to_owned()),
            Some(("tag" | "type", kind)) => ("object-type", kind.to_owned()),
            Some(("ref", reference)) => ("reference", reference.to_owned()),
            Some(("attribute" | "attr", name)) => ("attribute", name.to_owned()),
            Some(_) | None => match shortcut::path(word) {
                Some(path) => ("xpath", path),
                None => return Err(unknown(words, word)),
            },
        };
        if found.1.is_empty() || about.iter().any(|(name, _)| *name == found.0) {
            let what = format!("{} is empty or there twice", quoted(word));
            return Err(words.refuse(what, "name each thing once"));
        }
        about.push(found);
        words.next();
    }
    if about.is_empty() {
        return Err(words.refuse_end("what it is about"));
    }
    Ok(Permission { right, about })
}

fn unknown(words: &mut Words, word: &str) -> Refused {
    let known: Vec<&str> = shortcut::WORDS.iter().copied().chain(ABOUT).collect();
    words.refuse_word(word.split(':').next().unwrap_or_default(), &known, "part of a configuration")
}

/// Which roles a user has.
pub(super) fn acl_target(words: &mut Words) -> Read<AclTarget> {
    let id = words.id("the user")?;
    let mut roles = Vec::new();
    while words.peek().is_some() {
        roles.push(words.id("a role")?);
    }
    Ok(AclTarget { id, roles })
}

/// Words that begin a part of an alert.
const ALERT_PARTS: Ends = &["attributes", "meta", "select", "to", "{", "}"];

fn set_of(word: &str) -> Option<SetKind> {
    match word {
        "attributes" => Some(SetKind::Params),
        "meta" => Some(SetKind::Meta),
        _ => None,
    }
}

/// An alert.
pub(super) fn alert(words: &mut Words) -> Read<Alert> {
    let id = words.id("the name")?;
    let path = words.need("the path of the program")?.to_owned();
    let mut alert = Alert { id, path, description: None, parts: Vec::new() };
    while let Some(word) = words.peek() {
        if let Some(text) = description(words) {
            alert.description = Some(text);
        } else if let Some(kind) = set_of(word) {
            words.next();
            alert.parts.push(AlertPart::Set(kind, set(words, ALERT_PARTS)?));
        } else if words.take("select") {
            alert.parts.push(select(words)?);
        } else if words.take("to") {
            alert.parts.push(recipient(words)?);
        } else {
            return Err(words.end(&["attributes", "meta", "select", "to"]).err().unwrap_or(Refused));
        }
    }
    Ok(alert)
}

fn select(words: &mut Words) -> Read<AlertPart> {
    let (mut kinds, mut attributes) = (Vec::new(), Vec::new());
    while let Some(word) = words.peek().filter(|word| ALERT_KINDS.contains(word)) {
        if word == "attributes" && words.second() != Some("{") {
            break;
        }
        words.next();
        kinds.push(word.to_owned());
        if word == "attributes" {
            words.next();
            while !words.take("}") {
                let name = words.need("`}`")?;
                attributes.push(name.to_owned());
            }
        }
    }
    if kinds.is_empty() {
        return Err(words.refuse_end("`nodes`, `fencing`, `resources` or `attributes { NAME }`"));
    }
    Ok(AlertPart::Select { kinds, attributes })
}

fn recipient(words: &mut Words) -> Read<AlertPart> {
    let braces = words.take("{");
    let value = words.need("the recipient")?.to_owned();
    let mut sets = Vec::new();
    while let Some(kind) = words.take_as(set_of) {
        sets.push((kind, set(words, ALERT_PARTS)?));
    }
    if braces && !words.take("}") {
        return Err(words.refuse("the brace of the recipient is not closed", "write `}` behind it"));
    }
    Ok(AlertPart::Recipient(value, sets))
}
