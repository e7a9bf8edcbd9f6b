//! How long things take: histograms of fencing, actions, commits and detection.
//!
//! For: the phases of a failover as figures that add up over a cluster: each span is counted by one node, the one
//! that did the work or heard the silence.
//! Never: what was folded before this life took part; a label that is not from a small closed set.

use std::time::Duration;

use haven_core::event::{Event, Outcome, Proof};
use haven_core::ids::NodeId;
use haven_core::plan::Task;
use haven_core::units::Millis;
use haven_node::Seen;
use metrics::{counter, describe_histogram, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

use super::{FENCE_FAILURES, seconds};

const FENCE: &str = "haven_fence_duration_seconds";
const ACTION: &str = "haven_action_duration_seconds";
const COMMIT: &str = "haven_commit_duration_seconds";
const DETECTION: &str = "haven_detection_silence_seconds";

/// Every histogram with what it says, and the upper bounds of its buckets in seconds. The bounds are dense where a
/// default of the configuration lies: `dead-after` of the profiles, staleness, timeouts of agents.
const HISTOGRAMS: [(&str, &str, &[f64]); 4] = [
    (
        FENCE,
        "Time from a fence order to the proof that this node read, by device",
        &[0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 20.0, 40.0, 60.0],
    ),
    (
        ACTION,
        "Time that an action of the plan took on this node, by what it was and how it ended",
        &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0, 120.0],
    ),
    (
        COMMIT,
        "Time from the proposal of an entry by this node, while it leads, to its fold here",
        &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5],
    ),
    (
        DETECTION,
        "How long this voter had not heard a node when it was declared lost",
        &[0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 3.5, 4.0, 5.0, 10.0, 15.0, 30.0],
    ),
];

/// The builder, told of each histogram's buckets.
pub(super) fn with_buckets(builder: PrometheusBuilder) -> PrometheusBuilder {
    HISTOGRAMS.iter().fold(builder, |builder, (name, _, bounds)| {
        let named = Matcher::Full((*name).to_owned());
        // Refused only where there are no bounds.
        builder.set_buckets_for_metric(named, bounds).unwrap_or_default()
    })
}

pub(super) fn describe() {
    HISTOGRAMS.iter().for_each(|(name, help, _)| describe_histogram!(*name, *help));
}

#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    HISTOGRAMS.iter().map(|(name, _, _)| *name)
}

/// An entry that this node proposed as the leader was folded here after `took`.
pub(crate) fn committed(took: Duration) {
    histogram!(COMMIT).record(took.as_secs_f64());
}

/// Counts what an entry says about the work of `me`.
pub(crate) fn entry(me: &NodeId, seen: &Seen) {
    let Some((time, event)) = seen.event.filter(|_| seen.result.is_ok()) else { return };
    let order = |id| seen.state.fencing.orders.get(id);
    if let Event::FenceConfirmed { proof: Proof::PoweredOff { order: Some(id), reads, reader, .. }, .. } = event
        && reader == me
        && let Some(order) = order(id)
    {
        let took = seconds(time.since(order.ordered.time));
        for read in reads {
            histogram!(FENCE, "device" => read.device.to_string()).record(took);
        }
    }
    if let Event::FenceFailed { order: id, .. } = event
        && order(id).is_some_and(|order| order.executor == *me)
    {
        counter!(FENCE_FAILURES).increment(1);
    }
    if let Event::NodeLost { testimonies, .. } = event
        && let Some(mine) = testimonies.iter().find(|testimony| testimony.voter == *me)
    {
        histogram!(DETECTION).record(seconds(mine.silence));
    }
    if let Event::ActionFinished { action, outcome, elapsed, .. } = event
        && let Some(step) = seen.state.plan.steps.get(action)
        && step.step.key.node == *me
    {
        acted(step.step.key.task, *outcome, *elapsed);
    }
}

fn acted(task: Task, outcome: Outcome, elapsed: Millis) {
    histogram!(ACTION, "action" => task.word(), "outcome" => word(outcome)).record(seconds(elapsed));
}

/// The word of an outcome as a label.
const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Hopeless => "hopeless",
        Outcome::Unknown => "unknown",
        Outcome::NotRun => "not-run",
        Outcome::FoundRunning => "found-running",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_buckets_by_label_in_seconds() {
        let recorder = with_buckets(PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            describe();
            committed(Duration::from_micros(3_000));
            acted(Task::Start, Outcome::Done, Millis(300));
            acted(Task::Start, Outcome::Done, Millis(700));
            acted(Task::Stop, Outcome::Unknown, Millis::secs(130));
        });
        let text = handle.render();
        for line in [
            "# TYPE haven_commit_duration_seconds histogram",
            "haven_commit_duration_seconds_bucket{le=\"0.0025\"} 0",
            "haven_commit_duration_seconds_bucket{le=\"0.005\"} 1",
            "haven_action_duration_seconds_bucket{action=\"start\",outcome=\"done\",le=\"0.5\"} 1",
            "haven_action_duration_seconds_bucket{action=\"start\",outcome=\"done\",le=\"1\"} 2",
            "haven_action_duration_seconds_sum{action=\"start\",outcome=\"done\"} 1",
            "haven_action_duration_seconds_bucket{action=\"stop\",outcome=\"unknown\",le=\"120\"} 0",
            "haven_action_duration_seconds_count{action=\"stop\",outcome=\"unknown\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
    }
}
