//! L2: every unwanted state has at least one reason, gone when its condition is met.

use haven_core::scheduler::{self, Verdict, Wanted};
use haven_core::state::ClusterState;

/// A resource that is not as wanted and for which nobody can say why; `None` if there is none.
pub fn unexplained(state: &ClusterState) -> Option<String> {
    let planned = scheduler::plan(state);
    for (id, status) in &state.resources {
        let Some(reasons) = planned.reasons.get(id) else {
            return Some(format!("nothing is said of {id}"));
        };
        let running: Vec<_> = status.running().collect();
        let as_wanted = match &reasons.wanted {
            Wanted::RunOn(node) => running == [node] && status.possible_owners().count() == 1,
            Wanted::Stopped(_) => status.possible_owners().next().is_none(),
            // The table of candidates says why no node may run it.
            Wanted::Nowhere => {
                let excluded = reasons.candidates.iter().all(|c| matches!(c.verdict, Verdict::Excluded(_)));
                if !excluded {
                    return Some(format!("{id} is wanted nowhere, and a node is not excluded"));
                }
                status.possible_owners().next().is_none()
            }
            Wanted::AsIs(_) => true,
        };
        if !as_wanted && reasons.waiting.is_empty() {
            return Some(format!("{id} is wanted {:?}, and nothing says what it waits for", reasons.wanted));
        }
        // Where it runs it may have to begin anew, as what it has become.
        let begins_anew = planned.steps.iter().any(|step| step.key.resource == *id);
        let settled = as_wanted && matches!(reasons.wanted, Wanted::RunOn(_) | Wanted::Stopped(_));
        if settled && !reasons.waiting.is_empty() && !begins_anew {
            let waits: Vec<String> = reasons.waiting.iter().map(ToString::to_string).collect();
            return Some(format!("{id} is as wanted, and yet waits: {}", waits.join("; ")));
        }
    }
    None
}
