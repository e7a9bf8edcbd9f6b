//! Questions: `crm_node`, `crm_resource`, `pacemakerd`.

use super::options::{self, Known, Takes, has, value};
use super::{AttributeStore, Fault, Presence, Promoted, Quorum, Spoken};

/// The version whose faces these are. Agents ask because before 1.1.8 a node's name had to be its host's name.
const VERSION: &str = "Pacemaker 2.1.5";

const NODE: [Known; 7] = [
    ("n", &["name"], Takes::Nothing),
    ("i", &["cluster-id"], Takes::Nothing),
    ("l", &["list"], Takes::Nothing),
    ("p", &["partition"], Takes::Nothing),
    ("q", &["quorum"], Takes::Nothing),
    ("N", &["name-for-id"], Takes::Value),
    ("V", &["verbose"], Takes::Nothing),
];

const RESOURCE: [Known; 12] = [
    ("r", &["resource"], Takes::Value),
    ("W", &["locate"], Takes::Nothing),
    ("qQ", &["quiet"], Takes::Nothing),
    ("N", &["node", "host"], Takes::Value),
    ("z", &["utilization"], Takes::Nothing),
    ("m", &["meta"], Takes::Nothing),
    ("g", &["get-parameter"], Takes::Value),
    ("p", &["set-parameter"], Takes::Value),
    ("d", &["delete-parameter"], Takes::Value),
    ("v", &["parameter-value"], Takes::Value),
    ("B", &["ban"], Takes::Nothing),
    ("V", &["verbose"], Takes::Nothing),
];

/// `crm_node`; of several questions the last is answered.
pub(super) fn crm_node(args: &[String], store: &mut dyn AttributeStore) -> Result<Spoken, Fault> {
    let given = options::read(args, &NODE)?;
    let question = given.iter().rev().find(|option| option.name != "verbose");
    let Some(question) = question else {
        return Err(Fault::Usage("one of --name, --list, --partition, --quorum, --cluster-id is needed".to_owned()));
    };
    match question.name {
        "name" => Ok(Spoken::line(store.my_name()?)),
        "quorum" => Ok(Spoken::line(if store.quorum()? == Quorum::Held { 1 } else { 0 })),
        "partition" => {
            let members = store.members()?.into_iter().filter(|member| member.present == Presence::Member);
            Ok(Spoken::line(members.map(|member| member.name).collect::<Vec<_>>().join(" ")))
        }
        "list" => {
            let line = |state, number: u64, name: &str| format!("{number} {name} {state}\n");
            let lines = store.members()?.into_iter().map(|member| match member.present {
                Presence::Member => line("member", member.number, &member.name),
                Presence::Lost => line("lost", member.number, &member.name),
            });
            Ok(Spoken { stdout: lines.collect(), ..Spoken::default() })
        }
        "cluster-id" => {
            let name = store.my_name()?;
            let me = store.members()?.into_iter().find(|member| member.name == name).ok_or(Fault::NoSuch)?;
            Ok(Spoken::line(me.number))
        }
        _ => {
            let number = question.value.as_deref().unwrap_or_default();
            let members = store.members()?;
            let found = members.iter().find(|member| member.number.to_string() == number).ok_or(Fault::NoSuch)?;
            Ok(Spoken::line(&found.name))
        }
    }
}

/// `crm_resource --locate`. Capacities of resources are refused as if nothing answered, which `VirtualDomain` and
/// `Xen` take in their stride.
pub(super) fn crm_resource(args: &[String], store: &mut dyn AttributeStore) -> Result<Spoken, Fault> {
    let given = options::read(args, &RESOURCE)?;
    if has(&given, "utilization") {
        let what = "capacities of resources are part of haven's configuration".to_owned();
        return Err(Fault::Store(super::StoreError(what)));
    }
    if !has(&given, "locate") {
        return Err(Fault::Unavailable("haven answers crm_resource only for --locate".to_owned()));
    }
    let Some(resource) = value(&given, "resource") else {
        return Err(Fault::Usage("option --resource is needed".to_owned()));
    };
    let places = store.locate(resource)?;
    if has(&given, "quiet") {
        let lines = places.iter().map(|place| format!("{}\n", place.node));
        return Ok(Spoken { stdout: lines.collect(), ..Spoken::default() });
    }
    if places.is_empty() {
        return Ok(Spoken::line(format!("resource {resource} is NOT running")));
    }
    // The word is the old one, which agents of every age look for.
    let lines = places.iter().map(|place| match place.promoted {
        Promoted::Yes => format!("resource {resource} is running on: {} Master\n", place.node),
        Promoted::No => format!("resource {resource} is running on: {} \n", place.node),
    });
    Ok(Spoken { stdout: lines.collect(), ..Spoken::default() })
}

/// `pacemakerd -$`, by which agents find out that `crm_node -n` can be asked.
pub(super) fn pacemakerd(args: &[String]) -> Result<Spoken, Fault> {
    match args.first().map(String::as_str) {
        Some("-$" | "--version") => Ok(Spoken::line(VERSION)),
        Some(_) | None => {
            Err(Fault::Unavailable("haven does not answer as pacemakerd, except for its version".to_owned()))
        }
    }
}
