//! The configuration of the cluster: as objects, and what was edited of it on its way back.
//!
//! The way back is that of `haven import cib`, so that whatever it refuses or asks is refused and asked here.
//! Never: a change of what was not edited.

use std::collections::BTreeSet;

use haven_api::view::Config;
use haven_config::cib::export::export;
use haven_config::crm::{Configuration, Kind, Object, Secrets, SetKind};
use haven_config::{Diagnostic, Severity, Source};
use haven_core::ids::{ConstraintId, DeviceId, NodeId, ResourceId};
use haven_core::spec::Spec;

use super::super::edits::{Edits, Origin};
use crate::args::{Answers, Editing};
use crate::commands::{change, cib};
use crate::plural::count;
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

/// Most lines of an object that are shown with what is wrong with it.
const LINES_MAX: usize = 12;

/// Ids of sets that have none in the cluster, and those to which `rsc_defaults` and `op_defaults` add.
const USUAL: [(&str, &str); 2] =
    [("rsc_defaults-meta_attributes", "rsc-options"), ("op_defaults-meta_attributes", "op-options")];

/// What the cluster has.
pub(crate) async fn read(session: &Session<'_>) -> Result<Edits, Trouble> {
    let config = session.config().await?;
    let members = config.members.iter().cloned().collect();
    let exported = export(&config.spec, &members);
    for said in exported.said.iter().filter(|said| said.severity == Severity::Error) {
        session.terminal.note(&format!("not among the objects: {}", said.what));
    }
    let source = Source::of_cib("the configuration of the cluster", exported.text.into_bytes());
    let (base, _) = Configuration::from_xml(&source);
    let mut base = base.ok_or_else(|| {
        let what = "the configuration of the cluster cannot be written in the words of the crm shell";
        Trouble::crm(what, "use `haven config show`")
    })?;
    for (made, usual) in USUAL {
        if let Ok(renamed) = base.rename(made, usual) {
            base = renamed;
        }
    }
    Ok(Edits::new(Origin::Cluster(Box::new(config)), base))
}

/// Has the edits committed, or shows what they would do.
pub(super) async fn commit(
    session: &Session<'_>,
    (answers, editing): (&Answers, &Editing),
    edits: &Edits,
    config: &Config,
) -> Result<Exit, Trouble> {
    let folder = answers.secrets.as_deref().map(cib::folder).transpose()?;
    let known = cib::imported(&edits.base.to_cib(), config, &config.spec, answers, folder.as_deref())?;
    let left = without(&config.spec, edits);
    let text = edits.now.to_cib();
    let imported = cib::imported(&text, config, &left, answers, folder.as_deref())?;
    let new =
        |said: &&Diagnostic| said.severity != Severity::Note && !known.said.iter().any(|old| old.what == said.what);
    let said: Vec<&Diagnostic> = imported.said.iter().filter(new).collect();
    said.iter().for_each(|said| tell(session, edits, &text, said));
    let errors = said.iter().filter(|said| said.severity == Severity::Error).count();
    if errors > 0 {
        let what = format!("nothing was committed: {}", count(errors, "error"));
        return Err(Trouble::crm(what, "mend what is named above"));
    }
    let after = left.edited(imported.preview(), 1).map_err(|fault| {
        Trouble::crm(format!("nothing was committed: {fault}"), "mend what is named, and commit again")
    })?;
    if !editing.doing.plan {
        imported.secrets.iter().try_for_each(|secret| cib::put(session, secret))?;
    }
    let what = format!("crm: {}", changed(edits));
    change::commit(session, editing, &what, config, config.spec.edits_to(&after)).await
}

/// Says what is wrong with an object, and shows it.
fn tell(session: &Session<'_>, edits: &Edits, text: &str, said: &Diagnostic) {
    let object = at(&edits.now, text, said.line());
    let name = object.map(Object::name).filter(|name| !said.what.contains(name));
    let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
    session.terminal.aside(&format!("{}: {name}{}", said.severity.word(), said.what));
    if let Some(object) = object {
        let shown = edits.now.show_some(Secrets::Hidden, |other| std::ptr::eq(other, object));
        shown.lines().take(LINES_MAX).for_each(|line| session.terminal.aside(&format!(" | {line}")));
    }
    if !said.remedy.is_empty() {
        session.terminal.aside(&format!("   remedy: {}", said.remedy));
    }
}

/// The object that line `number` of the CIB belongs to: the nearest around it.
fn at<'e>(configuration: &'e Configuration, text: &str, number: u32) -> Option<&'e Object> {
    let number = usize::try_from(number).ok()?;
    let lines: Vec<&str> = text.lines().take(number).collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut around = usize::MAX;
    for line in lines.iter().rev() {
        if depth(line) >= around {
            continue;
        }
        around = depth(line);
        let value = |name: &str| line.split(&format!(" {name}=\"")).nth(1)?.split('"').next();
        let named = ["id", "uname"].into_iter().filter_map(value).find_map(|name| configuration.named(name).next());
        if named.is_some() {
            return named;
        }
    }
    None
}

/// The names of what was edited, for the history of the configuration.
fn changed(edits: &Edits) -> String {
    let names = |these: &Configuration, those: &Configuration| -> Vec<String> {
        let new = these.objects().iter().filter(|object| !those.objects().contains(object));
        new.map(|object| object.name().to_owned()).collect()
    };
    let mut all: Vec<String> = names(&edits.base, &edits.now);
    all.extend(names(&edits.now, &edits.base));
    let all: BTreeSet<String> = all.into_iter().collect();
    let (shown, more) = (all.iter().take(8).cloned().collect::<Vec<_>>().join(", "), all.len().saturating_sub(8));
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// What is configured without what was deleted: what a CIB does not speak of stays when it is imported.
fn without(spec: &Spec, edits: &Edits) -> Spec {
    let mut left = spec.clone();
    for object in edits.base.objects() {
        let now =
            edits.now.objects().iter().find(|other| other.kind() == object.kind() && other.name() == object.name());
        match now {
            Some(now) if now == object => {}
            Some(now) => without_parts(&mut left, object, now),
            None => without_object(&mut left, object),
        }
    }
    left
}

fn without_object(left: &mut Spec, object: &Object) {
    let name = object.name();
    match object.kind() {
        Kind::Primitive | Kind::Template | Kind::Bundle | Kind::Group | Kind::Promotable | Kind::Clone => {
            drop(ResourceId::new(name).map(|id| left.resources.remove(&id)));
            drop(DeviceId::new(name).map(|id| left.devices.remove(&id)));
        }
        Kind::Location | Kind::Colocation | Kind::Order | Kind::Ticket => {
            drop(ConstraintId::new(name).map(|id| left.constraints.remove(&id)));
        }
        Kind::Tag => drop(ResourceId::new(name).map(|id| left.tags.remove(&id))),
        Kind::Node => drop(NodeId::new(name).map(|id| left.nodes.remove(&id))),
        Kind::Topology => left.topology.clear(),
        Kind::Property => {
            for (name, _) in object.attributes(SetKind::Params) {
                left.properties.remove(name);
            }
        }
        Kind::ResourceDefaults => left.resource_defaults.clear(),
        Kind::OperationDefaults => left.operation_defaults.clear(),
        Kind::Role | Kind::AclTarget | Kind::User | Kind::Alert | Kind::Xml => {}
    }
}

/// The parts of an object that are not in it any more.
fn without_parts(left: &mut Spec, object: &Object, now: &Object) {
    let gone = |kind: SetKind| {
        let names = object.attributes(kind).into_iter().map(|(name, _)| name);
        names.filter(move |name| now.attribute(kind, name).is_none()).map(str::to_owned).collect::<Vec<_>>()
    };
    match object.kind() {
        Kind::Property => gone(SetKind::Params).iter().for_each(|name| drop(left.properties.remove(name))),
        Kind::Node => {
            let node = NodeId::new(object.name()).ok().and_then(|id| left.nodes.get_mut(&id));
            if let Some(node) = node {
                gone(SetKind::Params).iter().for_each(|name| drop(node.attributes.remove(name)));
                let less = gone(SetKind::Utilization);
                node.utilization.retain(|name, _| !less.contains(name));
            }
        }
        Kind::Topology | Kind::ResourceDefaults | Kind::OperationDefaults => without_object(left, object),
        Kind::Primitive
        | Kind::Template
        | Kind::Bundle
        | Kind::Group
        | Kind::Promotable
        | Kind::Clone
        | Kind::Tag
        | Kind::Location
        | Kind::Colocation
        | Kind::Order
        | Kind::Ticket
        | Kind::Role
        | Kind::AclTarget
        | Kind::User
        | Kind::Alert
        | Kind::Xml => {}
    }
}
