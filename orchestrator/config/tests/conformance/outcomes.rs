//! Outcomes: how many cases come to what Pacemaker makes of them. The figures only ever rise: a change that loses a case
//! fails here, and one that wins some raises the floor.

use std::collections::BTreeSet;

use haven_config::{Source, cib};
use haven_core::scheduler::engine::{self, Outcome};
use serde_json::Value;

use super::cib::cases;

/// Cases of 551 with the same placement, fenced and shut down nodes; the same summary; the same actions.
const FLOORS: [(&str, usize); 3] = [("L1", 466), ("L2", 432), ("L2b", 426)];
/// Random configurations of 470 with the same placement.
const RANDOM: usize = 466;

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

/// Which levels a case reaches.
fn reached(case: &Value, got: &Outcome) -> BTreeSet<&'static str> {
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
    let l2b = got.actions == texts(&case["L2b_actions"]);
    [("L1", l1), ("L2", l2), ("L2b", l2b)].into_iter().filter(|(_, yes)| *yes).map(|(level, _)| level).collect()
}

#[test]
fn as_many_regression_cases_as_ever_come_to_the_same() {
    let Some(folder) = cases("pacemaker/expected") else { return };
    let mut levels: Vec<&str> = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let name = case["case"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(format!("../xml/{name}.xml"))).unwrap();
        levels.extend(reached(&case, &outcome(name, bytes, case["now_arg"].as_str())));
    }
    let counts = FLOORS.map(|(level, floor)| (level, levels.iter().filter(|l| **l == level).count(), floor));
    println!("(level, cases that reach it, floor): {counts:?}");
    assert!(counts.iter().all(|(_, count, floor)| count >= floor), "(level, cases, floor): {counts:?}");
}

#[test]
fn random_configurations_are_placed_as_pacemaker_places_them() {
    let Some(folder) = cases("experiments/random") else { return };
    let results: Value = serde_json::from_slice(&std::fs::read(folder.join("results.json")).unwrap()).unwrap();
    let mut same = 0;
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
        same += usize::from(placed == wanted);
    }
    println!("{same} of {} random configurations", results.as_object().unwrap().len());
    assert!(same >= RANDOM, "{same} are placed the same, {RANDOM} were");
}
