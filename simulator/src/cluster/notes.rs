//! What nodes say of which the log does not tell, such as the end of a lease.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use haven_core::ids::{LogIndex, NodeId};
use haven_core::node::Note;
use haven_core::state::ClusterState;
use haven_node::{Observer, Seen};

use crate::exec::{TrueTime, lock, now};

/// Notes that are kept; a run makes some dozen.
const NOTES_MAX: usize = 100_000;

/// One note of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// Virtual nanoseconds.
    pub at: TrueTime,
    /// Whose.
    pub node: NodeId,
    /// What it says.
    pub text: String,
}

/// The notes of all nodes of a cluster.
pub(super) type Notes = Arc<Mutex<Vec<Noted>>>;

/// Keeps the notes of a node, and passes everything on.
pub(super) struct NoteTaker {
    pub(super) notes: Notes,
    pub(super) node: NodeId,
    pub(super) next: Arc<dyn Observer>,
}

impl Observer for NoteTaker {
    fn folded(&self, seen: Seen) {
        self.next.folded(seen);
    }

    fn committed(&self, took: Duration) {
        self.next.committed(took);
    }

    fn restored(&self, state: &ClusterState) {
        self.next.restored(state);
    }

    fn noted(&self, note: &Note) {
        let mut notes = lock(&self.notes);
        if notes.len() < NOTES_MAX {
            notes.push(Noted { at: now(), node: self.node.clone(), text: note.to_string() });
        }
        drop(notes);
        self.next.noted(note);
    }

    fn halted(&self, index: LogIndex, why: &str) {
        self.next.halted(index, why);
    }
}
