//! The tables `[cluster]` and `[[resources]]` of a scenario.
//!
//! | key | meaning |
//! | --- | --- |
//! | `machines = 3`, `links = 2` | how many; three and one |
//! | `witnesses = ["n3"]` | these machines vote and run nothing |
//! | `profile = "lan"`, `dead-after`, `hold`, `watchdog-timeout`, `replace-after` | timings; `lan` |
//! | `devices = "none"` | the BMCs are not configured as fence devices; `"bmc"` |
//! | `devices = "bmc, then pdu"` | each machine hangs on the outlet of the device `pdu` that has its name, which is its second fence level |
//! | `devices = "bmc, then two outlets"` | each has two power supplies, on two outlets of it, `n1-a` and `n1-b` |
//! | `devices = "bmc, then shared outlets"` | two machines hang on one outlet of it: n1 and n2 on `n1`, n3 and n4 on `n3` |
//! | `bmc-supply = "shared"` | the BMCs get their power from their machine's cord, and die with it; `"own"` |
//! | `tested = "0s"`, `tested = "never"` | how stale `fence test --cycle` has found them; `0s` |
//! | `watchdog = "hardware"`, `"software"`, `"none"` | the machines' watchdog; none |
//! | `watched = ["n4"]` | only these machines have it |
//! | `cgroups = false` | the machines have none |
//! | `boot = "5s"`, `boot = "3s..6s"` | how long a machine boots; 3 to 6 s |
//! | `start`, `stop`, `switching` | how long resources start and stop, and devices switch, as `boot` |
//! | `spec = "{...}"` | a whole configuration, as `haven config show --json` has it in `spec`; simulated agents run it |
//! | `failure-timeout = "60s"` | when failures of resources no longer count; only a clean-up ends them |
//! | `[cluster.begins]` | where resources of it run when the script begins, by their names |
//! | `ballast = 65536` | bytes of ballast beside each log |
//! | `snapshot-every = 64`, `snapshot-keep = 16` | entries between two snapshots, and those kept in the log behind one; 4096 and 1024 |
//! | `history = "30s"` | how long committed entries are kept after they have left the log; 30 days |
//! | `[cluster.properties]` | properties of the cluster, by their names |
//! | `[cluster.disk]` | `sync = "500us..2500us"`, and `stalls = 3` of a thousand that take `stall = "150ms"` longer |

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{AgentName, Hold, Profile, Spec, Timing};
use haven_log::Snapshots;
use serde::Deserialize;
use toml::Spanned;

use super::{Reader, in_order, span};
use crate::cluster::{ClusterOptions, Devices, Outlets, ResourceOptions};
use crate::disk::DiskProfile;
use crate::world::{Cgroups, Range, Supply, WatchdogModel};

/// The words for the fence devices.
pub(super) const DEVICES: [(&str, Devices); 5] = [
    ("bmc", Devices::Bmc),
    ("none", Devices::None),
    ("bmc, then pdu", Devices::BmcThenPdu(Outlets::One)),
    ("bmc, then two outlets", Devices::BmcThenPdu(Outlets::Two)),
    ("bmc, then shared outlets", Devices::BmcThenPdu(Outlets::Shared)),
];

/// The score of a resource's wish if it names none.
pub(super) const SCORE: i64 = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Table {
    machines: Option<Spanned<u8>>,
    links: Option<Spanned<u8>>,
    witnesses: Vec<Spanned<String>>,
    profile: Option<Spanned<String>>,
    dead_after: Option<Spanned<String>>,
    hold: Option<Spanned<String>>,
    watchdog_timeout: Option<Spanned<String>>,
    replace_after: Option<Spanned<String>>,
    devices: Option<Spanned<String>>,
    bmc_supply: Option<Spanned<String>>,
    tested: Option<Spanned<String>>,
    watchdog: Option<Spanned<String>>,
    watched: Vec<Spanned<String>>,
    cgroups: Option<bool>,
    boot: Option<Spanned<String>>,
    start: Option<Spanned<String>>,
    stop: Option<Spanned<String>>,
    switching: Option<Spanned<String>>,
    spec: Option<Spanned<String>>,
    begins: BTreeMap<Spanned<String>, Spanned<String>>,
    ballast: u64,
    snapshot_every: Option<Spanned<u64>>,
    snapshot_keep: Option<u64>,
    history: Option<Spanned<String>>,
    failure_timeout: Option<Spanned<String>>,
    properties: BTreeMap<Spanned<String>, String>,
    disk: DiskTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct DiskTable {
    sync: Option<Spanned<String>>,
    stalls: Option<u64>,
    stall: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceTable {
    id: Spanned<String>,
    agent: Option<Spanned<String>>,
    #[serde(default)]
    params: BTreeMap<String, String>,
    prefers: Option<Spanned<String>>,
    score: Option<Spanned<i64>>,
}

pub(super) fn read(reader: &mut Reader, table: Table, resources: &[ResourceTable]) -> ClusterOptions {
    let mut options = ClusterOptions::default();
    numbers(reader, &table, &mut options);
    options.timing = timing(reader, &table);
    let machines = options.machines;
    let names = |reader: &mut Reader, names: &[Spanned<String>]| -> BTreeSet<NodeId> {
        names.iter().filter_map(|name| reader.read(name, |name| machine(name, machines))).collect()
    };
    options.witnesses = names(reader, &table.witnesses);
    options.watched = names(reader, &table.watched);
    let one_of = |reader: &mut Reader, word: &Option<Spanned<String>>, words: &[&str]| {
        let found = |word: &str| words.iter().position(|known| *known == word);
        let meaning = |word: &str| found(word).ok_or_else(|| format!("`{word}` is none of {}", words.join(", ")));
        word.as_ref().and_then(|word| reader.read(word, meaning))
    };
    let chosen = one_of(reader, &table.devices, &DEVICES.map(|(word, _)| word));
    options.devices = chosen.and_then(|n| DEVICES.get(n)).map_or(options.devices, |(_, devices)| *devices);
    if one_of(reader, &table.bmc_supply, &["own", "shared"]) == Some(1) {
        options.bmc_supply = Supply::Shared;
    }
    match one_of(reader, &table.watchdog, &["none", "hardware", "software"]) {
        Some(1) => options.watchdog = WatchdogModel::hardware(),
        Some(2) => options.watchdog = WatchdogModel::software(),
        Some(_) | None => {}
    }
    if let Some(word) = &table.tested {
        let tested = |word: &str| if word == "never" { Ok(None) } else { span(word).map(Some) };
        options.tested = reader.read(word, tested).flatten();
    }
    ranges(reader, &table, &mut options);
    options.spec = table.spec.as_ref().and_then(|text| reader.read(text, spec));
    options.disk = disk(reader, &table.disk);
    for (resource, node) in in_order(table.begins) {
        let node = reader.read(&node, |name| machine(name, machines));
        options.begins.extend(node.map(|node| (resource.into_inner(), node)));
    }
    options.properties =
        in_order(table.properties).into_iter().map(|(name, value)| (name.into_inner(), value)).collect();
    options.resources = resources.iter().filter_map(|table| resource(reader, table, machines)).collect();
    options
}

fn numbers(reader: &mut Reader, table: &Table, options: &mut ClusterOptions) {
    let mut positive = |value: &Option<Spanned<u8>>, what: &str, default: u8| match value {
        Some(value) if *value.get_ref() == 0 => {
            reader.fault(value.span().start, format!("there are no {what}, at least one is needed"));
            default
        }
        Some(value) => *value.get_ref(),
        None => default,
    };
    options.machines = positive(&table.machines, "machines", options.machines);
    options.links = positive(&table.links, "links", options.links);
    options.ballast = table.ballast;
    let usual = options.snapshots;
    let every = table.snapshot_every.as_ref();
    if let Some(none) = every.filter(|every| *every.get_ref() == 0) {
        reader.fault(none.span().start, "a snapshot follows at least one entry".to_owned());
    }
    options.snapshots = Snapshots {
        every: every.map_or(usual.every, |every| (*every.get_ref()).max(1)),
        keep: table.snapshot_keep.unwrap_or(usual.keep),
    };
    options.history = table.history.as_ref().and_then(|word| reader.read(word, span));
    let timeout = table.failure_timeout.as_ref().and_then(|word| reader.read(word, span));
    options.failure_timeout = timeout.unwrap_or(options.failure_timeout);
    if table.cgroups == Some(false) {
        options.cgroups = Cgroups::Missing;
    }
}

fn ranges(reader: &mut Reader, table: &Table, options: &mut ClusterOptions) {
    for (word, range) in [
        (&table.boot, &mut options.boot),
        (&table.start, &mut options.start),
        (&table.stop, &mut options.stop),
        (&table.switching, &mut options.switching),
    ] {
        *range = word.as_ref().and_then(|word| reader.read(word, times)).unwrap_or(*range);
    }
}

fn spec(text: &str) -> Result<Spec, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no configuration: {error}"))
}

fn timing(reader: &mut Reader, table: &Table) -> Timing {
    let known = |word: &str| {
        let names: Vec<&str> = Profile::names().collect();
        Profile::parse(word)
            .ok_or_else(|| format!("there is no profile `{word}`, one of {} is needed", names.join(", ")))
    };
    let profile = table.profile.as_ref().and_then(|word| reader.read(word, known)).unwrap_or(Profile::Lan);
    let mut timing = Timing::of(profile);
    let mut at = table.profile.as_ref().map_or(0, |word| word.span().start);
    let mut set = |word: &Option<Spanned<String>>| {
        let word = word.as_ref()?;
        at = word.span().start;
        reader.read(word, span)
    };
    if let Some(span) = set(&table.dead_after) {
        timing.dead_after = span;
    }
    if let Some(span) = set(&table.hold) {
        timing.hold = Hold::Set(span);
    }
    if let Some(span) = set(&table.watchdog_timeout) {
        timing.watchdog = span;
    }
    if let Some(span) = set(&table.replace_after) {
        timing.replace_after = span;
    }
    if let Err(fault) = timing.check() {
        reader.fault(at, fault.to_string());
    }
    timing
}

fn machine(name: &str, machines: u8) -> Result<NodeId, String> {
    let number = name.strip_prefix('n').and_then(|number| number.parse::<u8>().ok());
    if number.is_some_and(|number| (1..=machines).contains(&number)) {
        return NodeId::new(name).map_err(|fault| fault.to_string());
    }
    Err(format!("there is no machine `{name}`, they are called n1 to n{machines}"))
}

fn resource(reader: &mut Reader, table: &ResourceTable, machines: u8) -> Option<ResourceOptions> {
    let id = reader.read(&table.id, |id| ResourceId::new(id).map_err(|fault| fault.to_string()))?;
    let score = table.score.as_ref().map_or(SCORE, |score| *score.get_ref());
    let prefers = match (&table.prefers, &table.score) {
        (Some(node), _) => Some((reader.read(node, |name| machine(name, machines))?, score)),
        (None, Some(score)) => {
            reader.fault(score.span().start, "a score needs `prefers`, the machine that it is for".to_owned());
            None
        }
        (None, None) => None,
    };
    let agent = match &table.agent {
        Some(name) => reader.read(name, |name| {
            AgentName::parse(name).ok_or_else(|| format!("`{name}` is no agent, such as haven:ip"))
        })?,
        None => ResourceOptions::simulated(),
    };
    Some(ResourceOptions { id: id.as_str().to_owned(), agent, params: table.params.clone(), prefers })
}

fn times(word: &str) -> Result<Range, String> {
    let (min, max) = word.split_once("..").unwrap_or((word, word));
    Ok(Range { min: span(min)?, max: span(max)? })
}

fn disk(reader: &mut Reader, table: &DiskTable) -> DiskProfile {
    let mut disk = DiskProfile::default();
    let range = |word: &str| {
        let (min, max) = word.split_once("..").unwrap_or((word, word));
        Ok((nanos(min)?, nanos(max)?))
    };
    if let Some((min, max)) = table.sync.as_ref().and_then(|word| reader.read(word, range)) {
        (disk.sync_min, disk.sync_max) = (min, max);
    }
    disk.stall_per_mille = table.stalls.unwrap_or(disk.stall_per_mille);
    if let Some(stall) = table.stall.as_ref().and_then(|word| reader.read(word, nanos)) {
        disk.stall = stall;
    }
    disk
}

/// Disks are quicker than milliseconds: `500us` and `500ns` are times here, too.
fn nanos(word: &str) -> Result<u64, String> {
    let fine = |unit: &str| word.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok());
    let nanos = fine("us").map(|micros| micros.saturating_mul(1000)).or_else(|| fine("ns"));
    nanos.map_or_else(|| span(word).map(|span| span.0.saturating_mul(1_000_000)), Ok)
}
