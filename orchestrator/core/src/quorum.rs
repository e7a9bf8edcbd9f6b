//! The leader's quorum proof, made from heartbeats alone.
//!
//! A voter's heartbeat says whom it has voted for and which heartbeat of the leader it had heard. If a majority that
//! has voted for this leader had heard a heartbeat sent at `q`, then nobody else was elected before `q`: one voter of
//! any later majority was still with this leader after `q`. No disk is asked, so a stalled disk ends no lease [H-26],
//! and all instants compared are of one clock, so a pause of the leader cannot deceive it [H-1].

use std::collections::BTreeSet;

use crate::detector::Detector;
use crate::heartbeat::RaftVote;
use crate::ids::MemberId;
use crate::state::ClusterState;
use crate::units::Monotonic;

/// The latest instant at which this leader, voted for by `vote`, has certainly still been leader. `None` if no
/// majority has echoed anything. A voter with a distrusted store does not count.
pub fn proof(state: &ClusterState, ears: &Detector, me: MemberId, vote: RaftVote, now: Monotonic) -> Option<Monotonic> {
    // Who has voted for somebody else does not lead, whatever its other tasks still believe.
    if vote.member != me {
        return None;
    }
    let mut heard: Vec<(Monotonic, MemberId)> = Vec::new();
    for member in state.members.values().filter(|m| state.is_voter(m.member)) {
        if member.member == me {
            heard.push((now, me));
            continue;
        }
        let Some((_, heartbeat)) = ears.last(&member.node) else { continue };
        let known = heartbeat.store == member.store && member.distrusted.is_none();
        // Found out here, though not in the log yet: a store that went back may have voted for another.
        let counts = heartbeat.vote == vote && known && !ears.distrusts(heartbeat.store);
        let echoed = ears.echo(&member.node).and_then(|sequence| ears.sent_at(sequence));
        if let Some(sent) = echoed.filter(|_| counts) {
            heard.push((sent, member.member));
        }
    }
    heard.sort();
    let mut majority = BTreeSet::new();
    // From the latest on: the first instant at which those who heard something at least as late are a quorum.
    for (sent, member) in heard.into_iter().rev() {
        majority.insert(member);
        if state.is_quorum(&majority) {
            return Some(sent);
        }
    }
    None
}
