//! Metrics: counted where things happen, looked up when somebody asks, told in Prometheus' text format.
//!
//! Every name is described here and in docs/metrics.md; a test compares the two.

mod spans;

use haven_core::heartbeat::Durable;
use haven_core::state::{ClusterState, Standing};
use haven_core::units::Millis;
use haven_log::Health;
use haven_node::Node;
use metrics::{describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use openraft_rt_tokio::TokioRuntime;
use std::sync::OnceLock;

pub(crate) use spans::{committed, entry};

/// Every gauge with what it says.
const GAUGES: [(&str, &str); 16] = [
    ("haven_cluster_members", "Members of the cluster, by where they stand"),
    ("haven_cluster_quorum", "1 if a leader is known here, else 0"),
    ("haven_raft_leader", "1 if this node leads, else 0"),
    ("haven_raft_term", "Raft term"),
    ("haven_log_applied_index", "Last log entry applied here"),
    ("haven_log_committed_index", "Last log entry known to be committed"),
    ("haven_log_durable_index", "Last log entry durable here"),
    ("haven_store_healthy", "1 if the store is fine, 0 if the disk is nearly full or failed"),
    ("haven_lease_act_seconds", "What is left of the act lease"),
    ("haven_peer_silence_seconds", "Time since a peer was heard"),
    ("haven_peer_round_trip_seconds", "Round trip to a peer"),
    ("haven_resources_configured", "Resources in the configuration, groups included"),
    ("haven_resources_running", "Resources that run somewhere"),
    ("haven_plan_actions", "Actions of the plan in force, by whether they are under way"),
    ("haven_fence_orders", "Fence orders that are open"),
    ("haven_cluster_freezes", "Freezes that a person has to end"),
];
const FENCE_FAILURES: &str = "haven_fence_failures_total";
/// Every counter with what it counts.
const COUNTERS: [(&str, &str); 2] = [
    ("haven_log_applied_entries_total", "Log entries applied in this daemon life"),
    (FENCE_FAILURES, "Fence orders of this node that ended without proof"),
];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to count in this process; the same handle each time.
pub(crate) fn begin() -> PrometheusHandle {
    let start = || {
        let recorder = spans::with_buckets(PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        // Another recorder of this process goes on; what is counted here is then seen there.
        let _ = metrics::set_global_recorder(recorder);
        GAUGES.into_iter().for_each(|(name, help)| describe_gauge!(name, help));
        COUNTERS.into_iter().for_each(|(name, help)| describe_counter!(name, help));
        spans::describe();
        handle
    };
    HANDLE.get_or_init(start).clone()
}

/// Folds what was measured since into the histograms; without it they would grow until somebody asks.
pub(crate) fn tend(handle: &PrometheusHandle) {
    handle.run_upkeep();
}

/// Sets every gauge to what is so now.
pub(crate) fn look(node: &Node<TokioRuntime>) {
    let healthy = matches!(node.store().health(), Health::Fine);
    let leader = node.leader();
    let me = node.config().member;
    set("haven_cluster_quorum", if leader.is_some() { 1.0 } else { 0.0 });
    set("haven_raft_leader", if leader == Some(me) { 1.0 } else { 0.0 });
    set("haven_store_healthy", if healthy { 1.0 } else { 0.0 });
    node.look(|facts, mind| {
        let Durable { index: durable, .. } = facts.raft.durable;
        set("haven_raft_term", number(facts.raft.vote.term.0));
        set("haven_log_applied_index", number(facts.state.index.0));
        set("haven_log_committed_index", number(facts.raft.commit.0));
        set("haven_log_durable_index", number(durable.0));
        set("haven_lease_act_seconds", seconds(mind.leases().act_left(facts.now)));
        for peer in facts.state.members.keys().filter(|name| *name != mind.name()) {
            let label = peer.to_string();
            gauge!("haven_peer_silence_seconds", "peer" => label.clone())
                .set(seconds(mind.ears().silence(peer, facts.now)));
            gauge!("haven_peer_round_trip_seconds", "peer" => label).set(seconds(mind.ears().round_trip(peer)));
        }
        of_state(facts.state);
    });
}

fn of_state(state: &ClusterState) {
    for word in ["joined", "returning", "online", "lost", "isolated", "paused", "stopped"] {
        let count = state.members.values().filter(|m| standing(&m.standing) == word).count();
        gauge!("haven_cluster_members", "standing" => word).set(count_of(count));
    }
    let runs = |status: &haven_core::state::ResourceStatus| status.running().next().is_some();
    set("haven_resources_configured", count_of(state.spec.resources.len()));
    set("haven_resources_running", count_of(state.resources.values().filter(|status| runs(status)).count()));
    let (under_way, waiting) = (state.plan.in_flight().count(), state.plan.waiting().count());
    gauge!("haven_plan_actions", "phase" => "running").set(count_of(under_way));
    gauge!("haven_plan_actions", "phase" => "waiting").set(count_of(waiting));
    let open = state.members.keys().map(|node| state.fencing.open_against(node).count()).sum();
    set("haven_fence_orders", count_of(open));
    set("haven_cluster_freezes", count_of(state.freezes.len()));
}

/// The word of a standing as a label.
const fn standing(standing: &Standing) -> &'static str {
    match standing {
        Standing::Joined => "joined",
        Standing::Returning => "returning",
        Standing::Online => "online",
        Standing::Lost => "lost",
        Standing::Isolated { .. } => "isolated",
        Standing::Paused { .. } => "paused",
        Standing::Stopped => "stopped",
    }
}

fn set(name: &'static str, value: f64) {
    gauge!(name).set(value);
}

fn count_of(count: usize) -> f64 {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}

/// Whole up to 2^53, which no index reaches; beyond u32 the halves are added.
fn number(value: u64) -> f64 {
    let high = u32::try_from(value >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

fn seconds(span: Millis) -> f64 {
    number(span.0) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_in_the_page_and_every_name_in_the_page_is_a_metric() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
        let page = std::fs::read_to_string(page).unwrap();
        let mut told: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `haven_")).collect();
        told = told.into_iter().map(|rest| rest.split(['`', '{']).next().unwrap()).collect();
        let mut known: Vec<&str> =
            GAUGES.iter().chain(&COUNTERS).map(|(name, _)| *name).chain(spans::names()).collect();
        known.iter_mut().for_each(|name| *name = name.trim_start_matches("haven_"));
        told.sort_unstable();
        known.sort_unstable();
        assert_eq!(told, known);
    }

    #[test]
    fn large_numbers_keep_their_value() {
        assert_eq!(number(0), 0.0);
        assert_eq!(number(4_294_967_297), 4_294_967_297.0);
    }
}
