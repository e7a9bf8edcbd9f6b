//! A seed's schedule as a scenario: what `haven sim` runs, and what can be kept, read and shrunk.

use super::draw::{Happening, Schedule};
use super::{CONVERGES_WITHIN, again};
use crate::scenario::{Action, Expected, Scenario, Step, When};

impl Schedule {
    /// The scenario of a schedule that was drawn from `seed`: the same history, event by event.
    pub fn to_scenario(&self, seed: u64) -> Scenario {
        let mut script: Vec<Step> = self
            .events
            .iter()
            .map(|event| {
                let action = match &event.what {
                    Happening::Fault(fault) => Action::Fault(fault.clone()),
                    // Nobody waits for the answer of one before the next.
                    Happening::Order(order) => Action::Ask(order.clone()),
                };
                Step { when: When::At(event.at), action }
            })
            .collect();
        script.push(Step { when: When::At(self.length), action: Action::Pass });
        Scenario {
            title: format!("What seed {seed} draws from the profile {}", self.draws.profile),
            why: format!("`{}` shows the same history.", again(seed, self.draws)),
            seed,
            cluster: self.cluster.clone(),
            script,
            expected: Expected {
                converges: Some(CONVERGES_WITHIN),
                power_cycle: self.power_cycle,
                stays_well: self.stays_well,
                ..Expected::default()
            },
        }
    }
}
