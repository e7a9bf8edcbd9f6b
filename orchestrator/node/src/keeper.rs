//! The state machine under the log: folds committed entries, and tells those who watch.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_channel::mpsc;
use haven_core::event::{Envelope, EnvelopeError, Event};
use haven_core::ids::{LogIndex, Term};
use haven_core::node::{Input, Note};
use haven_core::plant::{self, Plant};
use haven_core::state::{ClusterState, Entry, Refusal};
use haven_core::units::LogTime;
use haven_log::{Committed, Halt, Machine};

/// One entry as it was folded.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Its index.
    pub index: LogIndex,
    /// Its term.
    pub term: Term,
    /// The event with its time; `None` for Raft's own entries.
    pub event: Option<(LogTime, &'a Event)>,
    /// What the fold made of it.
    pub result: &'a Result<(), Refusal>,
    /// The state after it.
    pub state: &'a ClusterState,
}

/// Told of each entry as it is folded: checkers in the simulator, logs and streams in the daemon. Must return at once.
pub trait Observer: Send + Sync + 'static {
    /// An entry was folded on this node.
    fn folded(&self, seen: Seen);

    /// An entry that this node proposed as the leader was folded here, `took` after its proposal.
    fn committed(&self, took: Duration) {
        let _ = took;
    }

    /// A snapshot took the place of the state.
    fn restored(&self, state: &ClusterState);

    /// Something of which the log does not tell happened on this node, and people should know.
    fn noted(&self, note: &Note) {
        let _ = note;
    }

    /// This build cannot apply the entry at `index`; the state stays as it was before it [S-19].
    fn halted(&self, index: LogIndex, why: &str) {
        let _ = (index, why);
    }
}

/// The state, kept up by the log.
pub(crate) struct Keeper {
    pub(crate) state: ClusterState,
    observer: Option<Arc<dyn Observer>>,
    inputs: mpsc::UnboundedSender<Input>,
    /// Whether the mind knows already that the state has gone on.
    told: Arc<AtomicBool>,
    salt: u64,
    /// The entry that this build cannot apply, and why.
    pub(crate) halted: Option<(LogIndex, String)>,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Keeper at {}", self.state.index)
    }
}

impl Keeper {
    pub(crate) fn new(
        observer: Option<Arc<dyn Observer>>,
        inputs: mpsc::UnboundedSender<Input>,
        told: Arc<AtomicBool>,
        salt: u64,
    ) -> Self {
        Self { state: ClusterState::default(), observer, inputs, told, salt, halted: None }
    }

    /// Who watches.
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        self.observer.clone()
    }

    fn tell(&self) {
        if !self.told.swap(true, Ordering::AcqRel) {
            let _ = self.inputs.unbounded_send(Input::Applied);
        }
    }

    fn fold(&mut self, index: LogIndex, term: Term, entry: Entry, event: Option<(LogTime, &Event)>) -> Vec<u8> {
        let result = self.state.fold(index, term, entry);
        if plant::on(Plant::DivergentFold) && index.0 == 40 {
            self.state.wall.believed = Some((haven_core::units::WallTime(self.salt), LogTime(0)));
        }
        if let Some(observer) = &self.observer {
            observer.folded(Seen { index, term, event, result: &result, state: &self.state });
        }
        if let Some((_, Event::HeartbeatDigest(_))) = event {
            let _ = self.inputs.unbounded_send(Input::Hash { index, hash: self.state.hash() });
        }
        self.tell();
        result.err().map(|refusal| refusal.to_string().into_bytes()).unwrap_or_default()
    }

    /// An entry that this build cannot read is never skipped: the node stops here and says what it needs [S-19].
    fn halt(&mut self, index: LogIndex, error: &EnvelopeError) -> Halt {
        let reason = error.to_string();
        self.stop_before(index, &reason);
        Halt { reason }
    }

    fn stop_before(&mut self, index: LogIndex, why: &str) {
        if let Some(observer) = &self.observer {
            observer.halted(index, why);
        }
        self.halted = Some((index, why.to_owned()));
    }
}

impl Machine for Keeper {
    fn apply(&mut self, index: LogIndex, term: Term, entry: Committed<'_>) -> Result<Vec<u8>, Halt> {
        match entry {
            Committed::Blank => Ok(self.fold(index, term, Entry::Blank, None)),
            Committed::Voting { sets, learners } => Ok(self.fold(index, term, Entry::Voting { sets, learners }, None)),
            Committed::Payload(bytes) => {
                let envelope = Envelope::decode(bytes).map_err(|e| self.halt(index, &e))?;
                let (time, event) = (envelope.time, &envelope.event);
                Ok(self.fold(index, term, Entry::Event(time, event), Some((time, event))))
            }
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        self.state.encode()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.state = match ClusterState::decode(bytes) {
            Ok(state) => state,
            Err(error) => {
                let reason = format!("the snapshot cannot be decoded: {error}");
                self.stop_before(LogIndex(self.state.index.0.saturating_add(1)), &reason);
                return Err(reason);
            }
        };
        if let Some(observer) = &self.observer {
            observer.restored(&self.state);
        }
        self.tell();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use haven_core::event::FeatureLevel;
    use haven_core::ids::NodeId;

    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Observer for Told {
        fn folded(&self, _: Seen) {}

        fn restored(&self, _: &ClusterState) {}

        fn halted(&self, index: LogIndex, why: &str) {
            self.0.lock().unwrap().push(format!("{index}: {why}"));
        }
    }

    #[test]
    fn an_entry_of_a_newer_haven_stops_the_state_before_it_and_is_told() {
        let told = Arc::new(Told::default());
        let (inputs, _queue) = mpsc::unbounded();
        let mut keeper = Keeper::new(Some(told.clone()), inputs, Arc::default(), 0);
        let event = Event::NodeRemoved { node: NodeId::new("m3").unwrap(), by: "olga".to_owned() };
        let newer = Envelope { level: FeatureLevel(9999), time: LogTime(0), event };
        let halt = keeper.apply(LogIndex(7), Term(1), Committed::Payload(&newer.encode())).unwrap_err();
        assert!(halt.reason.contains("needs feature level 9999"), "{halt:?}");
        assert_eq!(keeper.halted, Some((LogIndex(7), halt.reason.clone())));
        assert_eq!(*told.0.lock().unwrap(), [format!("{}: {}", LogIndex(7), halt.reason)]);
    }
}
