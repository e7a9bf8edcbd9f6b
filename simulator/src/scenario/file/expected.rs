//! The table `[expected]` of a scenario.
//!
//! | key | meaning |
//! | --- | --- |
//! | `log = ["PATTERN", ...]` | the log has such lines since the script began, in this order |
//! | `never-log = ["PATTERN", ...]` | it has none of these |
//! | `at-most = { "PATTERN" = 2 }` | it has no more than so many |
//! | `never-starts = ["RES NODE", ...]` | the resource does not begin there |
//! | `never-stops = ["RES NODE", ...]` | it is not stopped there |
//! | `longest-outage = { db = "15s" }` | it never runs nowhere for longer than this |
//! | `longest-gap = { "10.0.0.100" = "2s" }` | what neighbours send to the address does not miss its node for longer |
//! | `converges-within = "180s"` | after the script, every fault is healed; then all must be well in this time |
//! | `stays-well = "45s"` | and must stay so for this long; 5 s |
//! | `power-cycle = true` | then the power of all machines fails at once, and all must be well once more, with all that was acknowledged |
//! | `goes-on = true` | nothing is healed after the script, and nothing has to converge |

use std::collections::BTreeMap;

use haven_core::ids::NodeId;
use serde::Deserialize;
use toml::Spanned;

use super::{Reader, in_order, span};
use crate::scenario::condition::an_address;
use crate::scenario::expected::{Expected, Never};
use crate::scenario::script::Inventory;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Table {
    log: Vec<String>,
    never_log: Vec<String>,
    at_most: BTreeMap<Spanned<String>, usize>,
    never_starts: Vec<Spanned<String>>,
    never_stops: Vec<Spanned<String>>,
    longest_outage: BTreeMap<Spanned<String>, Spanned<String>>,
    longest_gap: BTreeMap<Spanned<String>, Spanned<String>>,
    converges_within: Option<Spanned<String>>,
    stays_well: Option<Spanned<String>>,
    power_cycle: Option<Spanned<bool>>,
    goes_on: Option<Spanned<bool>>,
}

pub(super) fn read(reader: &mut Reader, table: Table, has: &Inventory) -> Expected {
    let placed = |words: &str| -> Result<(String, NodeId), String> {
        let (resource, node) = placed(words)?;
        has.machine(&node)?;
        Ok((resource, node))
    };
    let mut expected = Expected { story: table.log, ..Expected::default() };
    expected.never.extend(table.never_log.into_iter().map(Never::Log));
    let at_most = in_order(table.at_most).into_iter();
    expected.never.extend(at_most.map(|(pattern, most)| Never::LogBeyond(most, pattern.into_inner())));
    let starts = table.never_starts.iter().filter_map(|words| reader.read(words, placed));
    expected.never.extend(starts.map(|(resource, node)| Never::Starts(resource, node)));
    let stops = table.never_stops.iter().filter_map(|words| reader.read(words, placed));
    expected.never.extend(stops.map(|(resource, node)| Never::Stops(resource, node)));
    for (resource, most) in in_order(table.longest_outage) {
        let most = reader.read(&most, span);
        expected.never.extend(most.map(|most| Never::Away(resource.into_inner(), most)));
    }
    for (address, most) in in_order(table.longest_gap) {
        let (address, most) = (reader.read(&address, an_address), reader.read(&most, span));
        expected.never.extend(address.zip(most).map(|(address, most)| Never::Unreached(address, most)));
    }
    if let Some(span) = table.converges_within.as_ref().and_then(|word| reader.read(word, span)) {
        expected.converges = Some(span);
    }
    if let Some(span) = table.stays_well.as_ref().and_then(|word| reader.read(word, span)) {
        expected.stays_well = span;
    }
    if let Some(goes_on) = table.goes_on.filter(|goes_on| *goes_on.get_ref()) {
        if table.converges_within.is_some() {
            let why = "what goes on is never healed: it cannot converge within a time".to_owned();
            reader.fault(goes_on.span().start, why);
        }
        expected.converges = None;
    }
    if let Some(cycle) = table.power_cycle.filter(|cycle| *cycle.get_ref()) {
        if expected.converges.is_none() {
            reader.fault(
                cycle.span().start,
                "what goes on is never healed: nobody waits for its power to come back".to_owned(),
            );
        }
        expected.power_cycle = true;
    }
    expected
}

fn placed(words: &str) -> Result<(String, NodeId), String> {
    let words: Vec<&str> = words.split_whitespace().collect();
    let [resource, node] = *words.as_slice() else {
        return Err(format!("`{}` is no resource and a machine, such as `db n3`", words.join(" ")));
    };
    Ok((resource.to_owned(), NodeId::new(node).map_err(|fault| fault.to_string())?))
}
