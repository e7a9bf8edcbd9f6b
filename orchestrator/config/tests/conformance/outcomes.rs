//! Outcomes: which cases come to what Pacemaker makes of them. A case that did and does no longer fails here; one that does
//! now and did not yet is named, and `UPDATE_EXPECT=1` takes it in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use haven_config::{Source, cib};
use haven_core::scheduler::engine::{self, Outcome};
use serde_json::Value;

use super::cib::{cases, random_clusters};
use super::graph::Graph;

/// What a case reaches: a level and its name.
type Reached = BTreeSet<String>;

fn outcome(name: &str, bytes: Vec<u8>, now: Option<&str>) -> Outcome {
    let source = Source::of_cib(name, bytes);
    let (scene, _) = cib::read(&source);
    let mut scene = scene.unwrap();
    scene.now = now.and_then(engine::moment).unwrap_or(scene.now);
    engine::outcome(&scene)
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let pair = |value: &Value| (value[0].as_str().unwrap().to_owned(), value[1].as_str().unwrap().to_owned());
    value.as_array().unwrap().iter().map(pair).collect()
}

/// Compares with the names that a file of the project holds.
#[track_caller]
fn ratchet(name: &str, reached: &Reached) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance").join(name);
    let held: Reached = std::fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
    let lost: Vec<&String> = held.difference(reached).collect();
    let won: Vec<&String> = reached.difference(&held).collect();
    println!("{name}: {} held, {} lost, {} won: {won:?}", held.len() - lost.len(), lost.len(), won.len());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let lines: Vec<&str> = reached.iter().map(String::as_str).collect();
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        return;
    }
    assert!(lost.is_empty(), "{name}: these came to the same before: {lost:?}");
}

/// Which levels a regression case reaches: placement, summary, actions, and a safe order. Beside them, whether its actions
/// are right and an order that protects data is missing.
fn levels(case: &Value, got: &Outcome) -> (Vec<&'static str>, bool) {
    let expected = &case["L1"];
    let same = |(resource, places): (&String, &Value)| {
        let places = pairs(places);
        got.placement.get(resource).map_or(places.is_empty(), |own| *own == places)
    };
    let mut summary = got.summary.clone();
    summary.sort();
    let l2 = summary == texts(&case["L2_summary"]);
    let l1 = if case["comparable_L1"] == true {
        expected["rsc"].as_object().unwrap().iter().all(same)
            && got.fenced == pairs(&expected["fenced"])
            && got.shutdown == texts(&expected["shutdown"])
    } else {
        l2
    };
    let wanted = Graph::wanted(texts(&case["L2b_actions"]), &texts(&case["L3_precedence"]));
    let own = Graph::of(got);
    let right = own.core() == wanted.core();
    let safe = right && own.keeps(&wanted) && own.is_as_short_as(&wanted);
    let l2b = got.actions == texts(&case["L2b_actions"]);
    let all = [("L1", l1), ("L2", l2), ("L2b", l2b), ("safe", safe)];
    let unsafe_order = right && !own.keeps(&wanted);
    (all.into_iter().filter(|(_, yes)| *yes).map(|(level, _)| level).collect(), unsafe_order)
}

#[test]
fn regression_cases_come_to_the_same_as_ever_and_none_lacks_an_order_that_protects_data() {
    let Some(folder) = cases("pacemaker/expected") else { return };
    let (mut reached, mut without_order) = (Reached::new(), Vec::new());
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let name = case["case"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(format!("../xml/{name}.xml"))).unwrap();
        let (levels, lacks) = levels(&case, &outcome(name, bytes, case["now_arg"].as_str()));
        reached.extend(levels.into_iter().map(|level| format!("{level} {name}")));
        without_order.extend(lacks.then(|| name.to_owned()));
    }
    ratchet("pacemaker.passing", &reached);
    assert!(
        without_order.is_empty(),
        "the actions are right, and an order that protects data is missing: {without_order:?}"
    );
}

#[test]
fn random_configurations_are_placed_as_pacemaker_places_them() {
    let Some(folder) = cases("experiments/random") else { return };
    let results: Value = serde_json::from_slice(&std::fs::read(folder.join("results.json")).unwrap()).unwrap();
    let mut reached = Reached::new();
    for (name, result) in results.as_object().unwrap() {
        let state = result.get("head").unwrap_or(result);
        let bytes = std::fs::read(folder.join(format!("{name}.xml"))).unwrap();
        let got = outcome(name, bytes, None);
        let placed = got
            .placement
            .iter()
            .flat_map(|(resource, places)| places.iter().map(move |(node, role)| format!("{resource} {role} {node}")));
        let placed: BTreeSet<String> = placed.collect();
        let wanted: BTreeSet<String> =
            texts(&state["state"]).into_iter().filter(|line| line.contains(" Started ")).collect();
        reached.extend((placed == wanted).then(|| name.clone()));
    }
    ratchet("random.passing", &reached);
}

/// A resource without the number of its instance.
fn plain(resource: &str) -> &str {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    resource.rsplit_once(':').filter(|(_, end)| number(end)).map_or(resource, |(name, _)| name)
}

/// Where the instances of each resource are in the end.
fn places(got: &Outcome) -> BTreeMap<&str, Vec<(String, String)>> {
    let mut all: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    for (resource, places) in &got.placement {
        all.entry(plain(resource)).or_default().extend(places.iter().cloned());
    }
    all.values_mut().for_each(|places| places.sort());
    all
}

/// What changes a resource, without the numbers of instances, sorted.
fn changes<'a>(actions: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> Vec<String> {
    const CHANGES: [&str; 6] = ["start", "stop", "promote", "demote", "migrate_to", "migrate_from"];
    let named = actions.filter(|(verb, _, _)| CHANGES.contains(verb));
    let mut all: Vec<String> =
        named.map(|(verb, resource, node)| format!("{verb} {} {node}", plain(resource))).collect();
    all.sort();
    all
}

#[test]
fn random_clusters_end_as_pacemaker_ends_them() {
    let mut reached = Reached::new();
    let Some(all) = random_clusters() else { return };
    for case in all {
        let (name, text) = (case["id"].as_str().unwrap(), case["cib"].as_str().unwrap());
        let got = outcome(name, text.as_bytes().to_vec(), None);
        let mut wanted: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
        for (resource, nodes) in case["expected"]["after"]["placement"].as_object().unwrap() {
            let all = wanted.entry(plain(resource)).or_default();
            for (node, roles) in nodes.as_object().unwrap() {
                all.extend(texts(roles).into_iter().map(|role| (node.clone(), role)));
            }
            all.sort();
        }
        let executed = case["expected"]["executed"].as_array().unwrap();
        let field = |done: &'_ Value, name: &str| done[name].as_str().unwrap_or_default().to_owned();
        let mut fenced: Vec<String> = executed
            .iter()
            .filter(|done| done["kind"] == "fencing_action" && done["op"] != "on")
            .map(|done| field(done, "target"))
            .collect();
        fenced.sort();
        if got.fenced.iter().map(|(node, _)| node).ne(&fenced) {
            continue;
        }
        let done = executed.iter().filter(|done| done["kind"] == "rsc_action");
        let done: Vec<_> = done.map(|done| (field(done, "op"), field(done, "resource"), field(done, "node"))).collect();
        let own = got.actions.iter().filter_map(|action| {
            let mut words = action.split(' ');
            Some((words.next()?, words.next()?, words.next()?))
        });
        if changes(own) == changes(done.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))) {
            reached.insert(format!("ACTIONS {name}"));
        }
        let own = places(&got);
        if wanted.iter().all(|(resource, nodes)| own.get(resource).map_or(nodes.is_empty(), |own| own == nodes)) {
            reached.insert(format!("PLACEMENT {name}"));
        }
    }
    ratchet("differential.passing", &reached);
}
