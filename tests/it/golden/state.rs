//! Snapshots of every version are read.

use haven_core::event::Event;
use haven_core::ids::{LogIndex, MemberId, Term};
use haven_core::state::{ClusterState, Entry};
use haven_core::units::LogTime;

use super::events::examples;
use super::{lines, newest, unhex};

/// Which examples are folded, in this order, so that every part of the state holds something.
const STORY: &[(&str, &[usize])] = &[
    ("ClusterFounded", &[0]),
    ("NodeJoined", &[0]),
    ("TokenIssued", &[0]),
    ("NodeBooted", &[0]),
    ("WatchdogArmed", &[0]),
    ("HoldLapsed", &[0]),
    ("NodeReadmitted", &[0]),
    // The second names the first, which is entry 8, as its base.
    ("SpecChanged", &[0, 3]),
    ("DeviceTested", &[0]),
    ("FailuresCleared", &[0]),
    ("AttributeSet", &[0]),
    ("MaintenanceSet", &[0]),
    ("HeartbeatDigest", &[0]),
    ("Frozen", &[1, 2]),
    ("StandbySet", &[0]),
    ("CaChanged", &[0]),
];

fn event(name: &str, number: usize) -> Event {
    examples(name)[number].clone()
}

fn state() -> ClusterState {
    let mut state = ClusterState::default();
    for (name, numbers) in STORY {
        for number in *numbers {
            fold(&mut state, Entry::Event(LogTime(1000), &event(name, *number)));
        }
    }
    fold(&mut state, Entry::Voting { sets: vec![[MemberId(1)].into()], learners: [MemberId(2)].into() });
    state
}

fn fold(state: &mut ClusterState, entry: Entry) {
    let index = LogIndex(state.index.0 + 1);
    let shown = format!("{entry:?}");
    state.fold(index, Term(2), entry).unwrap_or_else(|refusal| panic!("{refusal}: {shown}"));
}

#[test]
fn snapshots_of_every_age_are_read() {
    let state = state();
    newest("state.txt", &state.encode());
    assert_eq!(ClusterState::decode(&state.encode()).unwrap(), state);
    for line in lines("state.txt") {
        let read = ClusterState::decode(&unhex(&line)).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(ClusterState::decode(&read.encode()).unwrap(), read);
        assert_eq!((read.members.len(), read.spec.devices.len(), read.freezes.len()), (1, 2, 2), "{line}");
    }
}
