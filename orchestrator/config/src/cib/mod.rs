//! Pacemaker's cluster information base, configuration and status, into what the engine schedules.
//!
//! For: one call, [`read`], from the text of a CIB to a [`Scene`], with line and column of everything that is wrong with it.
//! Never: an element of the configuration passed over in silence; text of somebody else's that costs more than its length.
//! Source: Pacemaker Explained, and Pacemaker's schemas up to 4.0. `docs/reference/cib.md` says what is read and refused.

mod bundle;
mod config;
mod constraints;
pub mod export;
pub mod import;
mod links;
pub(crate) mod reading;
mod resource_sets;
mod resources;
mod rules;
pub(crate) mod said;
mod sets;
mod status;
#[cfg(test)]
mod tests;
mod told;
pub(crate) mod tree;
mod usual;
pub(crate) mod xml;

use haven_core::scheduler::engine::scene::{Scene, Status};

use self::said::Said;
pub use self::told::plan_in_words;
use self::tree::{Element, Tree};
use self::xml::{Extent, Xml};
use crate::diagnostic::{Diagnostic, has_errors, quoted};
use crate::source::Source;

/// Reads a CIB. The scene's `now` is the CIB's own `execution-date`, or 0. Nothing is returned if there is any error;
/// the diagnostics are in the order of the text, those about the whole of it last.
pub fn read(source: &Source) -> (Option<Scene>, Vec<Diagnostic>) {
    let mut said = Said::about(source.text());
    let scene = parse(source, &mut said).map(|(_, scene)| scene);
    let diagnostics = said.finish(source.faults());
    (scene.filter(|_| !has_errors(&diagnostics)), diagnostics)
}

/// The elements of the configuration, and what they mean. Nothing if the text could not be read to its end.
fn parse<'a>(source: &'a Source, said: &mut Said<'a>) -> Option<(Tree<'a>, Scene)> {
    let text = source.text();
    if has_errors(source.faults()) && text.is_empty() {
        return None;
    }
    let mut status = Status::default();
    let mut xml = Xml::new(text);
    while let Some(branch) = xml.branch(said) {
        if let Some(element) = xml.tree().element(branch) {
            status::branch(element, &mut status, said);
        }
        xml.forget(branch);
    }
    match xml.finish() {
        (tree, Extent::Whole) => scene(&tree, status, said).map(|scene| (tree, scene)),
        // What lacks a part is not judged by what is left of it.
        (_, Extent::Begun) => None,
    }
}

fn scene<'a>(tree: &Tree<'a>, status: Status, said: &mut Said<'a>) -> Option<Scene> {
    let root = tree.element(0)?;
    if root.name() != "cib" {
        let what = format!("the root is {} and not `cib`", quoted(root.name()));
        said.error(root.name(), what, "give a CIB as `cibadmin --query` prints it");
        return None;
    }
    let mut scene = Scene { status, ..Scene::default() };
    about_the_cluster(root, &mut scene, said);
    let mut configuration = None;
    let mut had_status = false;
    for child in root.children() {
        match child.name() {
            "configuration" if configuration.is_none() => configuration = Some(child),
            "status" if !had_status => had_status = true,
            "configuration" | "status" => {
                said.error(child.name(), format!("{} is there twice", child.name()), "remove one of them");
            }
            name => {
                said.error(child.name(), format!("{} is no part of a CIB", quoted(name)), "remove it");
            }
        }
    }
    let Some(configuration) = configuration else {
        said.error(root.name(), "there is no configuration in it", "give a CIB as `cibadmin --query` prints it");
        return None;
    };
    scene.config = config::configuration(configuration, said);
    Some(scene)
}

/// The attributes of the root.
fn about_the_cluster<'a>(root: Element<'_, 'a>, scene: &mut Scene, said: &mut Said<'a>) {
    let truth = |name: &str| root.value(name).and_then(reading::flag).unwrap_or(false);
    scene.status.quorate = truth("have-quorum");
    scene.status.no_quorum_panic = truth("no-quorum-panic");
    scene.status.dc = root.text("dc-uuid");
    scene.status.feature_set = root.text("crm_feature_set");
    if let Some(date) = root.attribute("execution-date") {
        scene.now = date.value.parse().unwrap_or_else(|_| {
            let what = format!("execution-date {} is no number of seconds", quoted(&date.value));
            said.warning(date.whole, what, "");
            0
        });
    }
}
