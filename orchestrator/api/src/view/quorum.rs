//! Whether a majority is together, as far as the answering node can tell.

use std::collections::BTreeSet;

use haven_core::ids::MemberId;
use haven_core::units::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;

/// How the quorum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuorumWord {
    /// A leader is heard.
    Ok,
    /// A majority is heard and nobody leads yet.
    Electing,
    /// No majority is heard.
    Lost,
    /// The past is looked at: an entry was committed, so there was one.
    Past,
}

/// The quorum as one node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quorum {
    /// The word.
    pub word: QuorumWord,
    /// Voters heard within D, the answering node included if it votes.
    pub heard: usize,
    /// How many are needed.
    pub needed: usize,
    /// All voters.
    pub voters: usize,
    /// The voters that are not heard.
    pub missing: Vec<String>,
    /// How many more voters may fail.
    pub tolerates: usize,
}

/// Judges the quorum of a scene.
pub(super) fn quorum(scene: &Scene) -> Quorum {
    let state = scene.state;
    let limit = state.timing.silence();
    let voters: Vec<_> = state.members.values().filter(|m| state.is_voter(m.member)).collect();
    let needed = voters.len() / 2 + 1;
    let silence = |node: &haven_core::ids::NodeId| -> Option<Millis> {
        let local = scene.local()?;
        if local.node == *node {
            return Some(Millis::ZERO);
        }
        local.peers.iter().find(|p| p.node == *node)?.silence
    };
    let heard = |node: &haven_core::ids::NodeId| silence(node).is_some_and(|s| s < limit);
    let present = |m: &&&haven_core::state::Member| match scene.local() {
        Some(_) => heard(&m.node),
        None => !m.is_released_by_proof(),
    };
    let together: BTreeSet<MemberId> = voters.iter().filter(present).map(|m| m.member).collect();
    let missing = voters.iter().filter(|m| !present(m)).map(|m| m.node.to_string()).collect();
    let word = match scene.local() {
        None => QuorumWord::Past,
        Some(local) => {
            let led = local.leader.as_ref().is_some_and(|leader| {
                heard(leader) && (*leader != local.node || state.is_quorum(&together) || local.act_left > Millis::ZERO)
            });
            match (led, state.is_quorum(&together)) {
                (true, _) => QuorumWord::Ok,
                (false, true) => QuorumWord::Electing,
                (false, false) => QuorumWord::Lost,
            }
        }
    };
    let tolerates = together.len().saturating_sub(needed);
    Quorum { word, heard: together.len(), needed, voters: voters.len(), missing, tolerates }
}
