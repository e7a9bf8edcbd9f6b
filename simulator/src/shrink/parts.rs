//! Less of a cluster: each thing in it that is not as usual is left out, one at a time.

use haven_core::spec::{Hold, Profile, Timing};

use super::{Shrinker, Taken};
use crate::cluster::ClusterOptions;
use crate::scenario::{SEED, Scenario, Step};

impl Shrinker<'_> {
    pub(super) fn drop_parts(&mut self) {
        let mut at = 0;
        while !self.is_over()
            && let Some(candidate) = simpler(&self.best).into_iter().nth(at)
        {
            match self.attempt(candidate) {
                // The next one has taken its place.
                Taken::Yes => {}
                Taken::No => at += 1,
            }
        }
    }
}

/// The same scenario, simpler by one thing each.
pub(super) fn simpler(scenario: &Scenario) -> Vec<Scenario> {
    let usual = ClusterOptions::default();
    let cluster = &scenario.cluster;
    let mut clusters: Vec<ClusterOptions> = Vec::new();
    let mut with = |change: &dyn Fn(&mut ClusterOptions)| {
        let mut changed = cluster.clone();
        change(&mut changed);
        clusters.extend((changed != *cluster).then_some(changed));
    };
    for (number, resource) in cluster.resources.iter().enumerate() {
        if !mentions(scenario, &resource.id) {
            with(&|cluster| drop(cluster.resources.remove(number)));
        }
    }
    for number in 0..cluster.properties.len() {
        with(&|cluster| drop(cluster.properties.remove(number)));
    }
    for witness in &cluster.witnesses {
        with(&|cluster| cluster.witnesses.retain(|other| other != witness));
    }
    with(&|cluster| cluster.ballast = usual.ballast);
    with(&|cluster| cluster.links = usual.links);
    with(&|cluster| cluster.timing.hold = Hold::Derived);
    with(&|cluster| cluster.timing = Timing::of(Profile::Lan));
    with(&|cluster| cluster.watched = usual.watched.clone());
    with(&|cluster| cluster.watchdog = usual.watchdog.clone());
    with(&|cluster| cluster.cgroups = usual.cgroups);
    with(&|cluster| cluster.devices = usual.devices);
    with(&|cluster| cluster.tested = usual.tested);
    with(&|cluster| cluster.disk = usual.disk);
    with(&|cluster| cluster.boot = usual.boot);
    with(&|cluster| (cluster.start, cluster.stop, cluster.switching) = (usual.start, usual.stop, usual.switching));
    with(&|cluster| (cluster.spec, cluster.begins) = (None, usual.begins.clone()));
    with(&|cluster| cluster.resources.iter_mut().for_each(|resource| resource.prefers = None));
    if cluster.machines > 1 && !mentions(scenario, &format!("n{}", cluster.machines)) {
        with(&|cluster| cluster.machines -= 1);
    }
    let usual_seed = (scenario.seed != SEED).then(|| Scenario { seed: SEED, ..scenario.clone() });
    clusters.into_iter().map(|cluster| Scenario { cluster, ..scenario.clone() }).chain(usual_seed).collect()
}

/// Whether anything in the scenario is about that machine.
fn mentions(scenario: &Scenario, name: &str) -> bool {
    let Scenario { cluster, script, expected, .. } = scenario;
    let wishes = cluster.resources.iter().filter_map(|resource| resource.prefers.as_ref()).map(|(node, _)| node);
    let named = wishes
        .chain(&cluster.witnesses)
        .chain(&cluster.watched)
        .chain(cluster.begins.values())
        .any(|node| node.as_str() == name);
    let expects = !expected.story.is_empty() || !expected.never.is_empty();
    let has_it = |step: &Step| step.to_string().split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name);
    named || expects || script.iter().any(has_it)
}
