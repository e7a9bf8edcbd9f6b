//! Which boots must be proven dead, and which nodes a failure sends to standby.

use crate::event::{FreezeSubject, Standby};
use crate::ids::{BootId, NodeId, ResourceId};
use crate::plant::{self, Plant};
use crate::spec::{AfterFence, OnFail};
use crate::state::{ClusterState, FenceOrder, Member, OrderResult, Presence, Run, Since, Standing};
use crate::units::Millis;

/// A boot that must be proven dead before something can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceNeed {
    /// The node.
    pub node: NodeId,
    /// Its boot.
    pub boot: BootId,
    /// Why, for people.
    pub reason: String,
    /// How many resources wait for it.
    pub waiting: usize,
}

/// The boots that must be proven dead, most waiting resources first.
pub(super) fn needs(state: &ClusterState) -> Vec<FenceNeed> {
    let mut needs: Vec<FenceNeed> = state.members.values().filter_map(|m| need(state, m)).collect();
    needs.sort_by_key(|need| (std::cmp::Reverse(need.waiting), need.node.clone()));
    needs
}

fn need(state: &ClusterState, member: &Member) -> Option<FenceNeed> {
    let boot = member.boot()?;
    let make = |reason: String, waiting: usize| Some(FenceNeed { node: member.node.clone(), boot, reason, waiting });
    if contradicts(state, member) {
        return make("it was proven dead and was heard afterwards".to_owned(), 0);
    }
    if member.death().is_some() {
        return None;
    }
    let held: Vec<String> = state.held_by(&member.node).map(|(id, _)| id.to_string()).collect();
    if member.is_released_by_proof() {
        if held.is_empty() {
            // Who holds nothing is in nobody's way, and comes back by itself, unless we have switched it off.
            let reason = "an order may have switched it off".to_owned();
            return if may_have_been_hit(state, member, boot) { make(reason, 0) } else { None };
        }
        let reason = format!("{} and may hold {}", member.standing.word().to_lowercase(), held.join(", "));
        return make(reason, held.len());
    }
    if let Some(resource) = second_copy(state, member) {
        return make(format!("{resource} runs there although the log places it elsewhere"), 1);
    }
    let (resource, why) = fatal_failure(state, member)?;
    make(format!("{resource}: {why}"), 1)
}

/// Whether an order may have switched off `boot`, the present one of a member that was lost, before it was proven dead. It
/// need not have been sent against that boot.
pub(crate) fn may_have_been_hit(state: &ClusterState, member: &Member, boot: BootId) -> bool {
    was_shot_at(state, member, boot) || hit_by_late_shot(state, member, boot)
}

/// Whether an order against `boot`, or against a node whose outlet it shares, may have hit it since it was lost: until it is
/// proven off, nobody switches it on again. What ended long before, it has survived.
fn was_shot_at(state: &ClusterState, member: &Member, boot: BootId) -> bool {
    // In a planned pause nobody missed it.
    let pauses_prove = plant::on(Plant::PausesProveSurvival);
    let left = member.paused.filter(|_| !pauses_prove).unwrap_or(member.since).time;
    let silent = member.silent_since.filter(|_| !pauses_prove && !plant::on(Plant::LostWhenCommitted));
    let gone = silent.map_or(left, |silent| silent.min(left));
    let since = |o: &FenceOrder| o.ended.is_some_and(|ended| ended.time >= gone);
    // Who goes off with another is missed a little later, when the order may have ended.
    let late = state.timing.silence().times(2);
    let lately = |o: &FenceOrder| o.ended.is_some_and(|ended| gone.since(ended.time) <= late);
    let along = |o: &FenceOrder| o.node != member.node && state.taken_along_by(o).contains(&member.node);
    // What was sent and not read Off may land later than its order ends, in whatever boot is there then.
    let failed = |o: &FenceOrder| matches!(o.result, Some(OrderResult::Failed { .. }));
    let under_way = |o: &FenceOrder| o.ended.is_some_and(|e| gone.since(e.time) <= o.device_deadline);
    let lands = |o: &FenceOrder| failed(o) && under_way(o) && !plant::on(Plant::ShotsEndWithOrders);
    let hits = |o: &FenceOrder| {
        (o.node == member.node && ((o.boot == boot && since(o)) || lands(o))) || (along(o) && (lately(o) || lands(o)))
    };
    // Who is proven dead while it is isolated stays so.
    let out = member.standing == Standing::Lost || (member.death().is_some() && member.is_released_by_proof());
    out && state.fencing.orders.values().any(|o| o.may_have_hit() && was_before_death(member, o) && hits(o))
}

/// Whether a shot may land after its proof. It may: planted bugs are without this rule, also those for which it would make
/// good what they break.
pub(crate) fn proven_shots_may_land() -> bool {
    let made_good = [Plant::SwitchOnOnce, Plant::OldHeartbeatsSurvive, Plant::TimeProvesSurvival];
    !made_good.into_iter().chain([Plant::ProvenShotsHaveLanded]).any(plant::on)
}

/// The nodes whose power is to be read, since a shot that was proven may have landed once more: the machine may have been
/// without power by itself when it was read Off, and have had some again before its device did what it was told. Who reads
/// Off is switched on again; who reads On was not hit. Nobody is shot for that.
pub(crate) fn may_be_hit_late(state: &ClusterState) -> Vec<&NodeId> {
    if state.settings().power_on == AfterFence::LeaveOff || !proven_shots_may_land() {
        return Vec::new();
    }
    let lands = |member: &Member, o: &FenceOrder| {
        let gone = member.silent_since.map_or(member.since.time, |silent| silent.min(member.since.time));
        let at_it = o.node == member.node || state.taken_along_by(o).contains(&member.node);
        let proven = matches!(o.result, Some(OrderResult::Confirmed { .. }));
        at_it && proven && o.ended.is_some_and(|ended| gone.since(ended.time) <= o.device_deadline)
    };
    let idle = |member: &&Member| {
        member.standing == Standing::Lost && member.awaits_proof() && state.held_by(&member.node).next().is_none()
    };
    let lost = state.members.values().filter(idle);
    lost.filter(|member| state.fencing.orders.values().any(|o| lands(member, o))).map(|member| &member.node).collect()
}

/// What was ordered against a node after its boot was proven dead has not switched that off. A shot at a neighbour may hit
/// the next boot, of which nobody has heard.
fn was_before_death(member: &Member, order: &FenceOrder) -> bool {
    order.node != member.node || member.death().is_none_or(|dead| order.ordered.index < dead.since.index)
}

/// Whether an order against an earlier boot was sent, and was still under way when `boot`, the present one, had begun. A
/// boot that was readmitted after its end was not hit.
fn hit_by_late_shot(state: &ClusterState, member: &Member, boot: BootId) -> bool {
    let may_hit = |ended: Since| {
        let begun = member.booted.is_none_or(|booted| ended.index > booted.index);
        let late = member.since.time.since(ended.time) > Millis::secs(60) && plant::on(Plant::TimeProvesSurvival);
        let survived = member.well.is_some_and(|well| well > ended.index) || late;
        (begun && !survived) || plant::on(Plant::OldShotsCount)
    };
    let earlier = |o: &&FenceOrder| o.node == member.node && o.boot != boot && o.may_have_hit();
    let orders = state.fencing.orders.values().filter(earlier).filter(|o| was_before_death(member, o));
    orders.filter_map(|o| o.ended).any(may_hit)
}

/// Whether a dead boot was heard, and nothing has been done about it since at each of its levels, or until it was proven
/// off once more. What comes then is for a person: a device whose word counts no more proves nothing, and may be wired to
/// another machine than the one that was heard.
fn contradicts(state: &ClusterState, member: &Member) -> bool {
    let Some(dead) = member.death().filter(|_| state.fencing.distrusted_ways.contains_key(&member.node)) else {
        return false;
    };
    let subject = FreezeSubject::Node(member.node.clone());
    let Some(since) = state.freezes.iter().find(|(_, f)| f.subject == subject).map(|(index, _)| *index) else {
        return false;
    };
    let again = |o: &&FenceOrder| o.node == member.node && o.boot == dead.boot && o.ordered.index > since;
    let orders = || state.fencing.orders.values().filter(again);
    let proven = orders().any(|o| matches!(o.result, Some(OrderResult::Confirmed { .. })));
    let levels = state.spec.fence_levels(&member.node).len().max(1);
    // Those that were never sent have done nothing.
    let failed = |o: &&FenceOrder| !o.sent.is_empty() && matches!(o.result, Some(OrderResult::Failed { .. }));
    let spent = orders().filter(failed).count() >= levels && !plant::on(Plant::ShootsForEver);
    !proven && !spent
}

/// An exclusive resource that a returning node's present life has found running while the log places it elsewhere
/// [S-12]. One that has failed there, or that nobody knows of, is stopped once the node is admitted: a unit that crashed
/// long ago is no reason to shoot a healthy node.
fn second_copy<'a>(state: &'a ClusterState, member: &Member) -> Option<&'a ResourceId> {
    if member.standing != Standing::Returning || plant::on(Plant::AdoptSecondCopy) {
        return None;
    }
    state.resources.keys().find(|id| {
        // What was known of its earlier life says nothing yet: it is looked at before it is judged.
        let found = |p: &Presence| {
            p.run == Run::Running && (p.verified > member.since.index || plant::on(Plant::UnknownIsElsewhere))
        };
        let mut others = state.members.values().filter(|other| other.node != member.node);
        state.spec.is_exclusive(id)
            && state.presence(member, id).is_some_and(found)
            && others.any(|other| state.presence(other, id).is_some_and(is_placed))
    })
}

/// Whether the log places the resource there: it runs, or haven has started it and nobody has seen it end. That a probe
/// did not tell places it nowhere.
fn is_placed(presence: &Presence) -> bool {
    let started = presence.definition != 0 || plant::on(Plant::UnknownIsElsewhere);
    presence.run == Run::Running || (!presence.run.is_stopped() && started)
}

/// A failure on this boot, since the node was admitted, whose consequence is fencing.
fn fatal_failure<'a>(state: &'a ClusterState, member: &Member) -> Option<(&'a ResourceId, String)> {
    state.resources.iter().find_map(|(id, status)| {
        let failures = status.failures.get(&member.node)?;
        let presence = state.presence(member, id)?;
        let still = !presence.run.is_stopped() && failures.last.index >= presence.since.index;
        let fresh = failures.last.index > member.since.index;
        // What nobody has started or seen there is no reason to shoot a node: a person or a later look tells.
        let unseen = presence.is_unseen() && !plant::on(Plant::ShootsForTheUnseen);
        let fences = failures.on_fail == OnFail::Fence && fresh && still && !unseen;
        fences.then(|| (id, format!("{} failed: {}", failures.op.word(), failures.detail)))
    })
}

/// Nodes with a failure whose consequence is standby, not there yet.
pub(super) fn standby(state: &ClusterState) -> Vec<(NodeId, ResourceId)> {
    let mut found = Vec::new();
    for member in state.members.values().filter(|m| m.is_admitted() && m.standby == Standby::Off) {
        for (id, status) in &state.resources {
            let failures = status.failures.get(&member.node);
            if failures.is_some_and(|f| f.on_fail == OnFail::Standby && f.last.index > member.since.index) {
                found.push((member.node.clone(), id.clone()));
            }
        }
    }
    found
}
