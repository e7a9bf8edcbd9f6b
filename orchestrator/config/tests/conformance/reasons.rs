//! Reasons: the parts of every score come to it, the winner of every table is where the engine placed it, and whatever
//! should run and does not has a reason.

use std::collections::{BTreeMap, BTreeSet};

use haven_config::{Source, cib};
use haven_core::scheduler::engine::change::Change;
use haven_core::scheduler::engine::explain::{Explained, Explanation, Part, Reason, Remedy, Verdict, Wanted};
use haven_core::scheduler::engine::scene::Scene;
use haven_core::scheduler::engine::{self, explained};

use super::cib::{cases, random_clusters};

/// Every case that there is: its name with the scene.
pub(super) fn scenes() -> Vec<(String, Scene)> {
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    for folder in ["pacemaker/xml", "experiments", "experiments/random"] {
        let Some(folder) = cases(folder) else { continue };
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ext| ext == "xml") {
                all.push((path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()));
            }
        }
    }
    for case in random_clusters().unwrap_or_default() {
        let text = |name: &str| case[name].as_str().unwrap().to_owned();
        all.push((text("id"), text("cib").into_bytes()));
    }
    all.sort();
    let read = |(name, bytes): (String, Vec<u8>)| {
        let (scene, _) = cib::read(&Source::of_cib(&name, bytes));
        Some((name, scene?))
    };
    all.into_iter().filter_map(read).collect()
}

fn check_table(name: &str, found: &Explanation) {
    let who = format!("{name}: {}", found.resource);
    for candidate in &found.candidates {
        assert_eq!(Part::sum(&candidate.parts), candidate.score, "{who} on {}: {:?}", candidate.node, candidate.parts);
    }
    let chosen = found.candidates.iter().find(|candidate| candidate.verdict == Verdict::Chosen);
    let possible = found.candidates.iter().filter(|candidate| candidate.verdict == Verdict::Possible);
    if let Some(chosen) = chosen
        && found.rule != Some(engine::explain::Rule::LeftAlone)
    {
        let best = possible.filter_map(|candidate| candidate.score).max();
        assert!(chosen.score >= best, "{who}: {:?} is better than {:?}", best, chosen.score);
    }
    if let Some(placed) = &found.placed {
        assert_eq!(chosen.map(|chosen| &chosen.node), Some(&placed.node), "{who}: the winner is elsewhere");
    }
    if let Some(promotion) = &found.promotion {
        assert_eq!(Part::sum(&promotion.own), promotion.priority, "{who}: {promotion:?}");
        assert_eq!(Part::sum(&promotion.parts), promotion.score, "{who}: {promotion:?}");
    }
}

fn check_reasons(name: &str, found: &Explanation) {
    if found.wanted == Wanted::Run && found.afterwards.is_empty() {
        let who = format!("{name}: {}", found.resource);
        assert!(!found.reasons.is_empty(), "{who} should run, does not, and nobody says why");
    }
}

/// Where the winners of all tables are.
fn winners(explained: &Explained) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for found in &explained.resources {
        let name = found.resource.rsplit_once(':').map_or(found.resource.as_str(), |(name, _)| name);
        let winner = found.candidates.iter().find(|candidate| candidate.verdict == Verdict::Chosen);
        all.entry(name.to_owned()).or_default().extend(winner.map(|winner| winner.node.clone()));
    }
    all.values_mut().for_each(|nodes| nodes.sort());
    all
}

#[test]
fn parts_come_to_the_scores_that_decided_and_whatever_should_run_has_a_reason() {
    let mut count = 0;
    for (name, scene) in scenes() {
        let explained = explained(&scene);
        assert_eq!(explained.outcome, engine::outcome(&scene), "{name}: whoever asks why gets another plan");
        explained.resources.iter().for_each(|found| check_table(&name, found));
        explained.resources.iter().for_each(|found| check_reasons(&name, found));
        let placed = engine::placement(&scene);
        let winners = winners(&explained);
        for (resource, places) in placed {
            let base = resource.rsplit_once(':').map_or(resource.as_str(), |(name, _)| name);
            let nodes: BTreeSet<&str> = places.iter().map(|(node, _)| node.as_str()).collect();
            let known: BTreeSet<&str> = winners[base].iter().map(String::as_str).collect();
            assert!(nodes.is_subset(&known), "{name}: {resource} goes to {nodes:?}, the winners are {known:?}");
        }
        count += explained.resources.len();
    }
    println!("{count} tables");
}

/// All reasons of a plan, each with the resource that it is told of.
fn reasons(explained: &Explained) -> BTreeSet<(String, Reason)> {
    let mut all = BTreeSet::new();
    for found in &explained.resources {
        let excluded = found.candidates.iter().filter_map(|candidate| match &candidate.verdict {
            Verdict::Excluded(why) => Some(why),
            Verdict::Chosen | Verdict::Possible => None,
        });
        let told = found.reasons.iter().chain(excluded.flatten());
        all.extend(told.map(|reason| (found.resource.clone(), reason.clone())));
    }
    all
}

/// Most remedies that are tried in one case: some have thousands of reasons, and few kinds of them.
const TRIED_MAX: usize = 6;
/// Every so many cases one is taken: each remedy is a plan.
const CASES_STEP: usize = 8;

#[test]
fn every_reason_of_a_case_is_gone_when_its_condition_is_met() {
    let (mut tried, mut left) = (0, Vec::new());
    for (name, scene) in scenes().into_iter().step_by(CASES_STEP) {
        let mut by_change: BTreeMap<Change, Vec<(String, Reason)>> = BTreeMap::new();
        for (resource, reason) in reasons(&explained(&scene)) {
            if let Some(Remedy::Change(change)) = reason.remedy(&resource) {
                by_change.entry(change).or_default().push((resource, reason));
            }
        }
        for (change, told) in by_change.into_iter().take(TRIED_MAX) {
            let mut mended = scene.clone();
            if let Err(fault) = mended.apply(&change) {
                left.push(format!("{name}: {fault}; after: {change}"));
                continue;
            }
            let still = reasons(&explained(&mended));
            tried += told.len();
            let stubborn = told.into_iter().filter(|told| still.contains(told));
            left.extend(stubborn.map(|(resource, reason)| format!("{name}: {resource}: {reason}; after: {change}")));
        }
    }
    println!("{tried} reasons, {} are left", left.len());
    assert!(left.is_empty(), "{}", left.join("\n"));
}
