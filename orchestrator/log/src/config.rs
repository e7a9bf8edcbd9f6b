//! openraft's settings, derived from the cluster's one knob.

use haven_core::plant::{self, Plant};
use haven_core::spec::Timing;
use haven_core::units::Millis;
use openraft::{Config, SnapshotPolicy};

/// How often snapshots are taken, and what stays in the log behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshots {
    /// Entries between two snapshots, at least 1. A follower that is further behind than twice as many is sent one: more than
    /// one interval, or the snapshot would not help.
    pub every: u64,
    /// Entries kept in the log behind the snapshot, so that a node which was away for a moment needs none.
    pub keep: u64,
}

impl Default for Snapshots {
    /// An idle cluster of a few nodes logs 4,096 entries in some hours.
    fn default() -> Self {
        Self { every: 4096, keep: 1024 }
    }
}

/// Least time that a snapshot is given to be sent and stored; three D if that is more. One that is lost on the way is
/// missed only then, and nobody sends its receiver anything else meanwhile.
const SNAPSHOT_PATIENCE: Millis = Millis::secs(10);

/// The settings of openraft that haven's safety and its timings ask for. `validate` accepts the result for every timing
/// that passes `Timing::check`.
pub fn raft_config(timing: &Timing, snapshots: Snapshots) -> Config {
    let heartbeat = timing.heartbeat().0;
    Config {
        cluster_name: "haven".to_owned(),
        // Who lives, and who leads, is told by haven's own heartbeats: Raft's go out when haven asks for them. What is left
        // of their interval is the deadline of one, and openraft's clock, which looks every 13/64 of it.
        enable_heartbeat: false,
        heartbeat_interval: timing.dead_after.0.saturating_mul(9) / 100,
        election_timeout_min: timing.election_min().0,
        election_timeout_max: if plant::on(Plant::SlowElections) {
            timing.dead_after.times(3).0
        } else {
            timing.election_max().0
        },
        // With it on, a leader that crashed with an un-synced tail and came back before anybody was elected gave log
        // ids out again in the same term: 298 of 400 simulated seeds diverged.
        enable_leader_restore: Some(plant::on(Plant::LeaderRestore)),
        // A member that comes back from a partition must not depose a healthy leader.
        enable_pre_vote: Some(true),
        // A store that lost entries comes back as another member; its old number is never caught up again [S-18].
        allow_log_reversion: Some(false),
        snapshot_policy: SnapshotPolicy::LogsSinceLast(snapshots.every),
        max_in_snapshot_log_to_keep: snapshots.keep,
        replication_lag_threshold: snapshots.every.saturating_mul(2),
        install_snapshot_timeout: timing.dead_after.times(3).max(SNAPSHOT_PATIENCE).0,
        // A peer that is back must hear of it within an election, not after openraft's second.
        backoff: format!("{heartbeat}ms {}ms ...{}ms", heartbeat * 2, timing.election_max().0),
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use haven_core::spec::Profile;

    use super::*;

    #[test]
    fn every_profile_gives_settings_that_openraft_accepts() {
        for profile in [Profile::Default, Profile::Lan, Profile::Fast, Profile::Vm, Profile::Wan] {
            let config = raft_config(&Timing::of(profile), Snapshots::default()).validate().unwrap();
            assert_eq!((config.enable_leader_restore, config.enable_pre_vote), (Some(false), Some(true)));
        }
        let shortest = Timing { dead_after: Millis(300), ..Timing::of(Profile::Fast) };
        let often = Snapshots { every: 1, keep: 0 };
        raft_config(&shortest, often).validate().unwrap();
    }
}
