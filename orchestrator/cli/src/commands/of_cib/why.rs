//! `haven plan --cib FILE --why RESOURCE` and `--why-not RESOURCE NODE`.
//!
//! Never: a plan of its own; the reasons are those of the plan that `haven plan --cib FILE` prints.

use std::collections::BTreeSet;

use haven_api::screen;
use haven_config::words::WordFault;
use haven_core::scheduler::engine::explain::{Candidate, Explained, Explanation};
use haven_core::scheduler::engine::explained;
use haven_core::scheduler::engine::scene::Scene;
use serde::Serialize;

use crate::session::Session;
use crate::trouble::{Exit, Trouble};

/// One resource, for programs: the facts, and what is said of them.
#[derive(Debug, Serialize)]
struct Why<'a> {
    #[serde(flatten)]
    found: &'a Explanation,
    /// The reasons as sentences, in their order.
    says: Vec<String>,
    /// What would change it.
    changes: Vec<String>,
}

/// One node for one resource, for programs.
#[derive(Debug, Serialize)]
struct WhyNot<'a> {
    resource: &'a str,
    #[serde(flatten)]
    candidate: &'a Candidate,
    /// Where it goes.
    placed: Option<&'a str>,
}

/// Why a resource is placed where it is. Refused if it is not as wanted when all is done.
pub(super) fn why(session: &Session<'_>, scene: &Scene, resource: &str) -> Result<Exit, Trouble> {
    let explained = explained(scene);
    let found = find(&explained, resource)?;
    let of = |found: &&'_ Explanation| screen::why_placed(found, session.paint());
    let view: Vec<Why<'_>> = found
        .iter()
        .map(|found| Why {
            found,
            says: found.reasons.iter().map(ToString::to_string).collect(),
            changes: screen::changes(&found.resource, &found.reasons),
        })
        .collect();
    session.terminal.answer(&view, || found.iter().map(of).collect::<Vec<_>>().join("\n"));
    Ok(if found.iter().all(|found| found.is_as_wanted()) { Exit::Fine } else { Exit::Refused })
}

/// Why a resource is not placed on a node.
pub(super) fn why_not(session: &Session<'_>, scene: &Scene, asked: (&str, &str)) -> Result<Exit, Trouble> {
    let (resource, node) = asked;
    let explained = explained(scene);
    let found = find(&explained, resource)?;
    let (mut view, mut pages) = (Vec::new(), Vec::new());
    for found in &found {
        let page = screen::why_not_placed(found, node, session.paint());
        if let (Some(page), Some(candidate)) = (page, found.candidate(node)) {
            let placed = found.placed.as_ref().map(|place| place.node.as_str());
            view.push(WhyNot { resource: &found.resource, candidate, placed });
            pages.push(page);
        }
    }
    if view.is_empty() {
        let nodes = found.iter().flat_map(|found| &found.candidates).map(|candidate| candidate.node.as_str());
        let nodes: BTreeSet<&str> = nodes.collect();
        return Err(Trouble::unknown("HV-RES-01", &WordFault::unknown("node", node, nodes)));
    }
    session.terminal.answer(&view, || pages.join("\n"));
    Ok(Exit::Fine)
}

fn find<'a>(explained: &'a Explained, resource: &str) -> Result<Vec<&'a Explanation>, Trouble> {
    let found = explained.of(resource);
    if found.is_empty() {
        let names = explained.resources.iter().flat_map(|found| found.within.iter().chain([&found.resource]));
        let names: BTreeSet<&str> = names.map(String::as_str).collect();
        let fault = WordFault::unknown("resource", resource, names);
        return Err(Trouble::unknown("HV-RES-01", &fault));
    }
    Ok(found)
}
