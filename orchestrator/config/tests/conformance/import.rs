//! CIBs into haven's configuration: nothing of them vanishes.

use std::collections::{BTreeMap, BTreeSet};

use haven_config::cib::export::export;
use haven_config::cib::import::{Accept, Fate, Import, Imported, SecretsTo, Thing, import, nodes_of};
use haven_config::{Severity, Source, has_errors, show};
use haven_core::spec::{Profile, Spec, Timing, lint};
use quick_xml::events::Event;

use super::cib::{cases, files};

/// The kind of thing that an element of a section is.
fn thing(section: &str, element: &str) -> Option<Thing> {
    match (section, element) {
        ("nodes", "node") => Some(Thing::Node),
        ("crm_config", "nvpair") => Some(Thing::Option),
        ("rsc_defaults" | "op_defaults", "nvpair") => Some(Thing::Default),
        ("resources", "primitive" | "group" | "clone" | "master" | "bundle" | "template") => Some(Thing::Resource),
        ("resources", "op") => Some(Thing::Operation),
        ("resources" | "nodes", "nvpair") => Some(Thing::Value),
        ("constraints", "rsc_location" | "rsc_colocation" | "rsc_order" | "rsc_ticket") => Some(Thing::Constraint),
        ("fencing-topology", "fencing-level") => Some(Thing::Level),
        ("tags", "tag") => Some(Thing::Tag),
        _ => None,
    }
}

/// What stands in the configuration, counted without haven's reader. Nothing if it refers to itself, since what is
/// referred to counts wherever it is used.
fn counted(text: &str) -> Option<BTreeMap<Thing, usize>> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut counts = BTreeMap::new();
    loop {
        let (start, ends) = match reader.read_event().unwrap() {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                path.pop();
                continue;
            }
            Event::Eof => return Some(counts),
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => continue,
        };
        let name = start.name().as_ref().to_owned();
        if let [_, configuration, section, ..] = path.as_slice()
            && configuration == "configuration"
        {
            let refers = start.attributes().any(|a| a.unwrap().key.as_ref() == "id-ref");
            if refers && name != "rule" {
                return None;
            }
            if let Some(thing) = thing(section, &name) {
                *counts.entry(thing).or_default() += 1;
            }
        }
        if !ends {
            path.push(name);
        }
    }
}

fn imported(source: &Source) -> Imported {
    let members = nodes_of(source);
    import(&Import {
        cib: source,
        members: &members,
        spec: &Spec::default(),
        base: Timing::of(Profile::Default),
        accepted: &BTreeSet::from([Accept::NoQuorumStop, Accept::Fencing]),
        accept_data_loss: &BTreeSet::new(),
        secrets: SecretsTo::Folder("/etc/haven/fence"),
    })
}

/// What of the counts does not come out.
fn faults(source: &Source, text: &str, imported: &Imported) -> Vec<String> {
    let things = [
        Thing::Node,
        Thing::Option,
        Thing::Default,
        Thing::Resource,
        Thing::Operation,
        Thing::Value,
        Thing::Constraint,
        Thing::Level,
        Thing::Tag,
    ];
    let mut faults = Vec::new();
    if let Some(counts) = counted(text) {
        // The reader has said of each of these that it is left out, or read as a pair.
        let said = |words: &str| imported.said.iter().filter(|d| d.what.contains(words)).count();
        let out = said("is left out") + said("the first one counts");
        for thing in things {
            let (found, want) = (imported.tally.found(thing), counts.get(&thing).copied().unwrap_or_default());
            let slack = if thing == Thing::Value { out + said("read as a meta attribute") } else { 0 };
            if found.abs_diff(want) > slack {
                faults.push(format!("{}: {thing:?}: {want} in the text, {found} accounted for", source.name()));
            }
        }
    }
    let errors = imported.said.iter().any(|d| d.severity == Severity::Error);
    let refused: usize = things.iter().map(|thing| imported.tally.count(*thing, Fate::Refused)).sum();
    if errors != (refused > 0) {
        faults.push(format!("{}: errors {errors}, refused {refused}", source.name()));
    }
    faults
}

/// Whether what was made of a case is written, and comes back. Nothing if a CIB cannot say it.
fn comes_back(name: &str, spec: &Spec) -> Option<()> {
    let exported = export(spec, &BTreeSet::new());
    if has_errors(&exported.said) {
        return None;
    }
    let source = Source::of_cib(name, exported.text.clone().into_bytes());
    let again = Spec::default().edited(imported(&source).preview(), 1).unwrap();
    assert_eq!(show(&again), show(spec), "{name}\n{}", exported.text);
    Some(())
}

#[test]
fn nothing_of_the_regression_cases_vanishes() {
    let Some(folder) = cases("pacemaker/xml") else { return };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    let (mut wrong, mut taken, mut back) = (Vec::new(), Vec::new(), 0_usize);
    for path in &paths {
        let name = path.file_name().unwrap().to_string_lossy();
        let text = std::fs::read_to_string(path).unwrap();
        let source = Source::of_cib(&name, text.clone().into_bytes());
        let found = imported(&source);
        wrong.extend(faults(&source, &text, &found));
        let preview = Spec::default().edited(found.preview(), 1).unwrap();
        back += comes_back(&name, &preview).map_or(0, |()| 1);
        if let Ok(edits) = found.commit() {
            let spec = Spec::default().edited(&edits, 1).unwrap();
            let refused = lint(&spec, Timing::of(Profile::Default));
            assert!(
                refused.iter().all(|fault| fault.severity == haven_core::spec::Severity::Warning),
                "{name}: {refused:?}"
            );
            taken.push(name.into_owned());
        }
    }
    println!("{} of {} are taken in whole, {back} written and read again", taken.len(), paths.len());
    assert!(!paths.is_empty() && wrong.is_empty(), "{} cases\n{}", paths.len(), wrong.join("\n"));
}
