//! Each event has its bytes, and they read as what they were.

use haven_core::event::{Envelope, Event, FeatureLevel};
use haven_core::units::LogTime;
use haven_core::wire::to_vec;

use super::{hex, lines, path, unhex, updating, write};

/// The names of all variants, in the order of their numbers. A variant that is missing here does not compile.
macro_rules! variants {
    ($($variant:ident),* $(,)?) => {
        const VARIANTS: &[&str] = &[$(stringify!($variant)),*];

        fn variant(event: &Event) -> &'static str {
            match event {
                $(Event::$variant { .. } => stringify!($variant),)*
            }
        }
    };
}

variants![
    ClusterFounded,
    NodeJoined,
    NodeBooted,
    PeerSilent,
    PeerHeard,
    NodeLost,
    NodeIsolated,
    NodeReturned,
    NodeReadmitted,
    HoldLapsed,
    NodePaused,
    NodeStopped,
    NodeRemoved,
    FenceOrdered,
    FenceWithdrawn,
    FenceSent,
    FenceFailed,
    FenceConfirmed,
    ContradictionSeen,
    DeviceTested,
    WatchdogArmed,
    WatchdogDisarmed,
    BootAudited,
    PlanAdopted,
    ActionStarted,
    ActionFinished,
    ResourceReported,
    SpecChanged,
    AttributeSet,
    LinkChanged,
    HeartbeatDigest,
    MaintenanceSet,
    StandbySet,
    FailuresCleared,
    Frozen,
    Unfrozen,
    FeatureLevelRaised,
    TokenIssued,
    TokenSpent,
    TimingSettled,
    StoreDistrusted,
    LeaderHandedOver,
    PowerOnOrdered,
    CaChanged,
    CaTaken,
    SilenceSettled,
];

/// `NodeLost` is in `event/node_lost.txt`.
fn file(variant: &str) -> String {
    let mut name = String::new();
    for letter in variant.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    format!("event/{name}.txt")
}

/// The examples of a variant: JSON, and the bytes below it if they are written down.
fn pairs(lines: &[String]) -> Vec<(String, Option<String>)> {
    let mut pairs: Vec<(String, Option<String>)> = Vec::new();
    for line in lines {
        match pairs.last_mut() {
            _ if line.starts_with('{') => pairs.push((line.clone(), None)),
            Some((_, bytes @ None)) => *bytes = Some(line.clone()),
            Some(_) | None => panic!("bytes without the JSON above them: {line}"),
        }
    }
    pairs
}

/// The examples of a variant.
pub(super) fn examples(variant: &str) -> Vec<Event> {
    let lines = lines(&file(variant));
    let read = |line: &String| serde_json::from_str(line).unwrap_or_else(|e| panic!("{variant}: {e} in {line}"));
    lines.iter().filter(|line| line.starts_with('{')).map(read).collect()
}

fn envelope(event: Event) -> Envelope {
    Envelope { level: FeatureLevel(1), time: LogTime(1000), event }
}

fn check(name: &str) {
    let file = file(name);
    let pairs = pairs(&lines(&file));
    assert!(!pairs.is_empty(), "{name} has no example: write {} as JSON", path(&file).display());
    let events = examples(name);
    let bytes: Vec<String> = events.iter().map(|event| hex(&envelope(event.clone()).encode())).collect();
    for ((event, bytes), (json, written)) in events.iter().zip(&bytes).zip(&pairs) {
        assert_eq!(variant(event), name, "{file} holds {json}");
        let Some(written) = written else {
            assert!(updating(), "{file}: no bytes below {json}; run with UPDATE_EXPECT=1");
            continue;
        };
        let read = Envelope::decode(&unhex(written)).unwrap_or_else(|e| panic!("{file}: {e}: {written}"));
        assert_eq!(read, envelope(event.clone()), "{file}: old bytes read as something else than\n{json}");
        assert_eq!(bytes, written, "{file}: the encoding changed; see tests/golden/README.md\n{json}");
    }
    if pairs.iter().any(|(_, written)| written.is_none()) {
        let both = pairs.into_iter().zip(bytes).flat_map(|((json, _), bytes)| [json, bytes]);
        write(&file, &both.collect::<Vec<_>>());
    }
}

#[test]
fn every_event_has_its_bytes_and_they_read_as_what_they_were() {
    VARIANTS.iter().for_each(|variant| check(variant));
}

#[test]
fn every_event_keeps_its_number() {
    for (number, name) in VARIANTS.iter().enumerate() {
        let bytes = to_vec(&examples(name)[0]);
        let number = u8::try_from(number).unwrap();
        // An array of two, then the number: below 24 in one byte, else in two.
        let head = if number < 24 { vec![0x82, number] } else { vec![0x82, 0x18, number] };
        assert!(bytes.starts_with(&head), "{name} is not number {number}");
    }
}
