//! Attributes: `crm_attribute`, `crm_master`, `attrd_updater`.

use std::collections::BTreeMap;

use super::options::{self, Given, Known, Takes, has, value};
use super::{AttributeStore, Fault, Lifetime, OK, Spoken};

const ATTRIBUTE: [Known; 17] = [
    ("n", &["name", "attr-name"], Takes::Value),
    ("NU", &["node", "uname", "node-name"], Takes::Value),
    ("v", &["update", "attr-value"], Takes::Value),
    ("D", &["delete", "delete-attr"], Takes::Nothing),
    ("G", &["query", "get-value"], Takes::Nothing),
    ("qQ", &["quiet"], Takes::Nothing),
    ("l", &["lifetime"], Takes::Value),
    ("t", &["type"], Takes::Value),
    ("d", &["default"], Takes::Value),
    ("s", &["set-name"], Takes::Value),
    ("i", &["id", "attr-id"], Takes::Value),
    ("z", &["utilization"], Takes::Nothing),
    ("p", &["promotion"], Takes::Perhaps),
    ("r", &["resource-id"], Takes::Value),
    ("!", &["inhibit-policy-engine"], Takes::Nothing),
    ("V", &["verbose"], Takes::Nothing),
    ("P", &["pattern"], Takes::Value),
];

const UPDATER: [Known; 15] = [
    ("n", &["name"], Takes::Value),
    ("N", &["node"], Takes::Value),
    ("Uv", &["update"], Takes::Value),
    ("B", &["update-both"], Takes::Value),
    ("D", &["delete"], Takes::Nothing),
    ("Q", &["query"], Takes::Nothing),
    ("A", &["all"], Takes::Nothing),
    ("q", &["quiet"], Takes::Nothing),
    ("d", &["delay"], Takes::Value),
    ("p", &["private"], Takes::Nothing),
    ("S", &["section"], Takes::Value),
    ("s", &["set"], Takes::Value),
    ("l", &["lifetime"], Takes::Value),
    ("R", &["refresh"], Takes::Nothing),
    ("V", &["verbose"], Takes::Nothing),
];

/// `crm_attribute`, and `crm_master`, which is the same for a promotion score.
pub(super) fn crm_attribute(
    face: &str,
    args: &[String],
    env: &BTreeMap<String, String>,
    store: &mut dyn AttributeStore,
) -> Result<Spoken, Fault> {
    let given = options::read(args, &ATTRIBUTE)?;
    let promotion = face == "crm_master" || has(&given, "promotion");
    if has(&given, "pattern") {
        return Err(Fault::Unavailable("haven does not change attributes by pattern".to_owned()));
    }
    let name = if promotion { score_name(&given, env)? } else { needed_name(&given)? };
    let lifetime = if promotion { Lifetime::Boot } else { lifetime(&given)? };
    let node = match value(&given, "node") {
        Some(node) if !node.is_empty() => node.to_owned(),
        Some(_) | None => store.my_name()?,
    };
    if has(&given, "delete") {
        store.delete(&node, &name, lifetime)?;
        return Ok(Spoken { code: OK, ..Spoken::default() });
    }
    if let Some(text) = value(&given, "update") {
        let text = expanded(text, &node, &name, lifetime, store)?;
        store.set(&node, &name, lifetime, &text)?;
        return Ok(Spoken::default());
    }
    let found = store.get(&node, &name, lifetime)?;
    let Some(found) = found.or_else(|| value(&given, "default").map(str::to_owned)) else {
        return Err(Fault::NoSuch);
    };
    if has(&given, "quiet") {
        return Ok(Spoken::line(found));
    }
    let scope = match lifetime {
        Lifetime::Boot => "status",
        Lifetime::Forever | Lifetime::Utilization => "nodes",
        Lifetime::Cluster => "crm_config",
    };
    // Agents take the third word apart at its `=`.
    Ok(Spoken::line(format!("scope={scope}  name={name} value={found}")))
}

/// `attrd_updater`: attributes that live until the next boot.
pub(super) fn attrd_updater(args: &[String], store: &mut dyn AttributeStore) -> Result<Spoken, Fault> {
    let given = options::read(args, &UPDATER)?;
    if has(&given, "refresh") {
        return Ok(Spoken::default());
    }
    let name = needed_name(&given)?;
    let node = match value(&given, "node") {
        Some(node) if !node.is_empty() => node.to_owned(),
        Some(_) | None => store.my_name()?,
    };
    if has(&given, "delete") {
        store.delete(&node, &name, Lifetime::Boot)?;
        return Ok(Spoken::default());
    }
    // The delay exists to save writes; the log takes them at once.
    if let Some(text) = value(&given, "update").or_else(|| value(&given, "update-both")) {
        let text = expanded(text, &node, &name, Lifetime::Boot, store)?;
        store.set(&node, &name, Lifetime::Boot, &text)?;
        return Ok(Spoken::default());
    }
    if !has(&given, "query") {
        return Err(Fault::Usage("one of --update, --delete, --query is needed".to_owned()));
    }
    let nodes =
        if has(&given, "all") { store.members()?.into_iter().map(|member| member.name).collect() } else { vec![node] };
    let mut stdout = String::new();
    for node in nodes {
        if let Some(found) = store.get(&node, &name, Lifetime::Boot)? {
            // Agents hand this line to the shell's `eval`, so nothing in it may be more than text.
            stdout.push_str(&format!("name=\"{}\" host=\"{}\" value=\"{}\"\n", quoted(&name), node, quoted(&found)));
        }
    }
    if stdout.is_empty() { Err(Fault::NoSuch) } else { Ok(Spoken { stdout, ..Spoken::default() }) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

fn needed_name(given: &[Given]) -> Result<String, Fault> {
    match value(given, "name") {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        Some(_) | None => Err(Fault::Usage("option --name is needed".to_owned())),
    }
}

/// The name of a promotion score: of the resource that is named, or of the one whose agent calls.
fn score_name(given: &[Given], env: &BTreeMap<String, String>) -> Result<String, Fault> {
    let named = value(given, "promotion").or_else(|| value(given, "resource-id"));
    let resource = named.or_else(|| env.get("OCF_RESOURCE_INSTANCE").map(String::as_str)).unwrap_or_default();
    // All anonymous instances of a clone share one score per node.
    match resource.split(':').next() {
        Some(base) if !base.is_empty() => Ok(format!("master-{base}")),
        Some(_) | None => Err(Fault::Usage("a promotion score needs a resource".to_owned())),
    }
}

fn lifetime(given: &[Given]) -> Result<Lifetime, Fault> {
    let odd = |what: &str| Err(Fault::Unavailable(format!("haven keeps no attributes of {what}")));
    if has(given, "utilization") {
        return Ok(Lifetime::Utilization);
    }
    match value(given, "lifetime").or_else(|| value(given, "type")) {
        Some("reboot" | "transient" | "status") => Ok(Lifetime::Boot),
        Some("forever" | "nodes") => Ok(Lifetime::Forever),
        Some("crm_config") => Ok(Lifetime::Cluster),
        Some(other) => odd(other),
        None if has(given, "node") => Ok(Lifetime::Forever),
        None => Ok(Lifetime::Cluster),
    }
}

/// `X++` is one more than the present value, `X+=3` three more; anything else is itself.
fn expanded(
    text: &str,
    node: &str,
    name: &str,
    lifetime: Lifetime,
    store: &mut dyn AttributeStore,
) -> Result<String, Fault> {
    let step = match (text.strip_suffix("++"), text.split_once("+=")) {
        (Some(_), _) => Some(1),
        (None, Some((_, step))) => step.parse::<i64>().ok(),
        (None, None) => None,
    };
    let Some(step) = step else { return Ok(text.to_owned()) };
    let present = store.get(node, name, lifetime)?.and_then(|found| found.parse::<i64>().ok()).unwrap_or(0);
    Ok(present.saturating_add(step).to_string())
}
