//! Carrying out fence orders, and reading power without one.
//!
//! An order is sent within its latest send time and under an act lease, or never [S-11]. Before sending comes one
//! last look: a lost node that is heard again is not shot. What a device's program returns is never proof; Off read
//! twice, in new sessions, far enough apart, is [H-7].

use std::collections::BTreeMap;

use super::Identity;
use super::io::{Facts, Output, PowerAnswer, PowerAsk, PowerJob};
use super::outbox::Outbox;
use crate::detector::Detector;
use crate::event::{Event, PowerRead, PowerState, Proof, Withdrawal};
use crate::heartbeat::PeerView;
use crate::ids::{BootId, DeviceId, LogIndex, NodeId, OrderId};
use crate::lease::Leases;
use crate::plant::{self, Plant};
use crate::spec::{Device as Configured, FenceLevel};
use crate::state::{ClusterState, FenceOrder, Member, Standing};
use crate::units::{Millis, Monotonic};

/// Time between two reads while a device still says On, or does not answer.
const POLL: Millis = Millis(300);
/// Time in which the end of an order, once told, is in the log, elections included.
const TAKEN_WITHIN: Millis = Millis::secs(20);
/// Time for the reads after the device's own deadline for switching has passed.
const READS_MAX: Millis = Millis::secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Switching,
    Reading,
    Pausing(Monotonic),
    Off(Millis),
    Failed(String),
}

#[derive(Debug)]
struct Device {
    /// As it was when its reads began: they are of this device, and of no other that takes its name.
    defined: Option<Configured>,
    phase: Phase,
    first_off: Option<Monotonic>,
    trouble: String,
}

impl Device {
    fn new(facts: &Facts, id: &DeviceId, phase: Phase) -> Self {
        let defined = facts.state.spec.devices.get(id).cloned();
        Self { defined, phase, first_off: None, trouble: String::new() }
    }

    /// Forgets what was read, and reads anew.
    fn begin_again(&mut self, now: Monotonic) {
        self.first_off = None;
        if matches!(self.phase, Phase::Pausing(_) | Phase::Off(_)) {
            self.phase = Phase::Pausing(now);
        }
    }
}

/// One order, or one look at a node's power, in hand.
#[derive(Debug)]
struct Work {
    node: NodeId,
    boot: BootId,
    /// The entry that put the node out of the cluster: reads count from there.
    since: LogIndex,
    devices: BTreeMap<DeviceId, Device>,
    until: Monotonic,
    deadline: Millis,
    /// Reads that began earlier are older than `since`.
    not_before: Monotonic,
}

impl Work {
    /// The node was put out of the cluster while its power was being read, or a device was configured anew: what was
    /// read before proves nothing, and is read again, instead of a proof that the fold refuses.
    fn renew(&mut self, facts: &Facts) {
        for (id, device) in &mut self.devices {
            let defined = facts.state.spec.devices.get(id);
            if device.defined.as_ref() != defined {
                device.defined = defined.cloned();
                device.begin_again(facts.now);
                self.not_before = facts.now;
            }
        }
        let member = facts.state.members.get(&self.node);
        let Some(member) = member.filter(|m| m.is_released_by_proof() && m.boot() == Some(self.boot)) else { return };
        if member.since.index <= self.since || plant::on(Plant::ReadsNotRenewed) {
            return;
        }
        (self.since, self.not_before) = (member.since.index, facts.now);
        self.until = self.until.max(facts.now + reads_max(facts, self.devices.keys()));
        self.devices.values_mut().for_each(|device| device.begin_again(facts.now));
    }
}

/// Whether `boot` of `member` is heard at this moment, and hears whom it is heard by: this node, or the leader, as that one
/// says of itself. A learner hears no other learner, and a path may be cut. Who is heard and hears nobody is not coming
/// back [H-16].
fn is_heard(facts: &Facts, ears: &Detector, member: &Member, boot: BootId) -> bool {
    let limit = facts.state.timing.silence();
    // By the heartbeat itself: silence counts only for those whom this node is told to expect.
    let of_boot =
        ears.last(&member.node).is_some_and(|(at, h)| h.incarnation.boot == boot && facts.now.since(at) < limit);
    let own = of_boot && (ears.reaches(&member.node, facts.now, limit) || plant::on(Plant::HeardIsReached));
    let told = || {
        let voters = facts.state.members.values().filter(|m| facts.state.is_voter(m.member));
        voters.filter_map(|voter| ears.last(&voter.node)).filter(|(_, word)| word.leads.is_some()).any(|(at, word)| {
            let of_boot = |v: &&PeerView| v.member == member.member && v.boot_tag == boot.tag();
            let age = facts.now.since(at);
            let hears =
                |v: &PeerView| v.hears_me.is_some_and(|old| age + old < limit) || plant::on(Plant::HeardIsReached);
            word.hears.iter().find(of_boot).is_some_and(|v| age + v.silence < limit && hears(v))
        })
    };
    own || (!plant::on(Plant::OnlyOwnEars) && told())
}

/// How long reads of these devices may take, from the first to the last.
fn reads_max<'a>(facts: &Facts, devices: impl Iterator<Item = &'a DeviceId>) -> Millis {
    READS_MAX + devices.map(|id| facts.state.fencing.reads_apart(id)).max().unwrap_or_default()
}

/// The fencing hand of one node.
#[derive(Debug, Default)]
pub(super) struct Fencer {
    work: BTreeMap<PowerAsk, Work>,
    /// Orders of this life that were begun or given up, and when the last of them was applied.
    seen: BTreeMap<OrderId, Monotonic>,
    /// When this node has told the end of an order.
    done: BTreeMap<OrderId, Monotonic>,
}

impl Fencer {
    /// Takes up orders for this node, and goes on with those in hand.
    pub(super) fn tend(
        &mut self,
        facts: &Facts,
        id: &Identity,
        leases: &Leases,
        ears: &Detector,
        outbox: &mut Outbox,
        out: &mut Vec<Output>,
    ) {
        let mine: Vec<FenceOrder> = facts
            .state
            .fencing
            .orders
            .values()
            .filter(|o| o.result.is_none() && o.executor == id.node && o.executor_incarnation == id.incarnation)
            .cloned()
            .collect();
        self.seen.retain(|order, _| mine.iter().any(|o| o.id == *order));
        self.done.retain(|order, _| mine.iter().any(|o| o.id == *order));
        for order in mine {
            let ask = PowerAsk::Order(order.id);
            match self.done.get(&order.id) {
                None if self.work.contains_key(&ask) => {}
                None => self.consider(facts, leases, ears, &order, outbox, out),
                // The fold did not take what was told; an order must not stay open for that.
                Some(told) if facts.now.since(*told) > TAKEN_WITHIN => {
                    let reason = "what its executor told of its end was not accepted".to_owned();
                    self.finish(facts.now, order.id, Event::FenceFailed { order: order.id, reason }, outbox);
                }
                Some(_) => {}
            }
        }
        for ask in self.work.keys().cloned().collect::<Vec<_>>() {
            self.go_on(facts, &ask, id, outbox, out);
        }
    }

    /// A new order: the last look, and then the shot, if it is not too late.
    fn consider(
        &mut self,
        facts: &Facts,
        leases: &Leases,
        ears: &Detector,
        order: &FenceOrder,
        outbox: &mut Outbox,
        out: &mut Vec<Output>,
    ) {
        let seen = *self.seen.entry(order.id).or_insert(facts.now);
        let broken = !leases.has_acted_since(order.ordered.index) && !plant::on(Plant::OrdersOutliveLeases);
        let late = (facts.now > seen + order.send_within || broken) && !plant::on(Plant::NoLatestSend);
        let may = (leases.acts(facts.now) && leases.is_current(facts.state.index)) || plant::on(Plant::NoLatestSend);
        let Some(member) = facts.state.members.get(&order.node) else { return };
        let withdraw = |cause| Event::FenceWithdrawn { order: order.id, cause };
        let contradicts = facts.state.fencing.distrusted_ways.contains_key(&order.node);
        let over = member.death_of(order.boot).is_some() && !contradicts;
        if over || member.boot() != Some(order.boot) {
            self.finish(facts.now, order.id, withdraw(Withdrawal::NotNeeded), outbox);
            return;
        }
        if late {
            self.finish(facts.now, order.id, withdraw(Withdrawal::TooLate), outbox);
            return;
        }
        if !may {
            return;
        }
        let heard = is_heard(facts, ears, member, order.boot);
        // The return may be in the log right behind the order, folded together with it. Whoever hears the node has said so.
        let returned = member.standing == Standing::Returning && member.since.index.0 > order.id.0;
        let returned = returned && (heard || !plant::on(Plant::OnlyOwnEars));
        // Whoever is shot because he was heard after his death is not spared for it.
        let spoke_after_death = contradicts && member.death_of(order.boot).is_some();
        let out_of_touch = member.standing == Standing::Lost && !spoke_after_death;
        if (returned || heard && out_of_touch) && !plant::on(Plant::NoLastLook) {
            self.finish(facts.now, order.id, withdraw(Withdrawal::HeardAgain), outbox);
            return;
        }
        let levels = facts.state.spec.fence_levels(&order.node);
        let level = usize::try_from(order.level).ok().and_then(|n| levels.get(n));
        let Some(level) = level.filter(|l| !l.devices.is_empty()) else {
            let reason = format!("no fence device of level {} is configured for {}", order.level + 1, order.node);
            self.finish(facts.now, order.id, Event::FenceFailed { order: order.id, reason }, outbox);
            return;
        };
        // Whoever counts until this node can no longer act counts its act lease [S-11].
        let latest = (seen + order.send_within).min(facts.now + leases.act_left(facts.now));
        let latest = (!plant::on(Plant::NoLatestSend)).then_some(latest);
        self.shoot(facts, order, level, latest, outbox, out);
    }

    fn shoot(
        &mut self,
        facts: &Facts,
        order: &FenceOrder,
        level: &FenceLevel,
        latest: Option<Monotonic>,
        outbox: &mut Outbox,
        out: &mut Vec<Output>,
    ) {
        let ask = PowerAsk::Order(order.id);
        let deadline = order.device_deadline;
        let mut devices = BTreeMap::new();
        for id in &level.devices {
            outbox.put(Event::FenceSent { order: order.id, device: id.clone() });
            let (ask, node, device) = (ask.clone(), order.node.clone(), id.clone());
            let deadline = device_deadline(facts.state, id, deadline);
            out.push(Output::Power { ask, node, device, job: PowerJob::Off, deadline, latest });
            devices.insert(id.clone(), Device::new(facts, id, Phase::Switching));
        }
        let until = facts.now + deadline + reads_max(facts, devices.keys());
        let since = facts.state.members.get(&order.node).map_or(LogIndex(0), |m| m.since.index);
        let (node, boot) = (order.node.clone(), order.boot);
        let not_before = facts.now;
        self.work.insert(ask, Work { node, boot, since, devices, until, deadline, not_before });
    }

    fn finish(&mut self, now: Monotonic, order: OrderId, event: Event, outbox: &mut Outbox) {
        self.done.insert(order, now);
        outbox.put(event);
    }

    /// Reads the power of `node` without an order; nothing happens if that is under way.
    pub(super) fn read(&mut self, facts: &Facts, node: &NodeId, out: &mut Vec<Output>) {
        let ask = PowerAsk::Read(node.clone());
        let Some(member) = facts.state.members.get(node) else { return };
        let Some(boot) = member.boot() else { return };
        if self.work.contains_key(&ask) {
            return;
        }
        let deadline = facts.state.settings().fence_timeout;
        let mut devices = BTreeMap::new();
        for id in facts.state.spec.fence_levels(node).iter().flat_map(|level| &level.devices) {
            out.push(read(&ask, node, id, device_deadline(facts.state, id, deadline)));
            devices.insert(id.clone(), Device::new(facts, id, Phase::Reading));
        }
        let until = facts.now + reads_max(facts, devices.keys());
        let (node, since) = (node.clone(), member.since.index);
        let not_before = facts.now;
        self.work.insert(ask, Work { node, boot, since, devices, until, deadline, not_before });
    }

    /// Takes a device's answer in.
    pub(super) fn answered(
        &mut self,
        facts: &Facts,
        id: &Identity,
        ask: PowerAsk,
        answer: PowerAnswer,
        outbox: &mut Outbox,
    ) {
        let Some(work) = self.work.get_mut(&ask) else { return };
        work.renew(facts);
        let not_before = work.not_before;
        let apart_needed = facts.state.fencing.reads_apart(&answer.device);
        let Some(device) = work.devices.get_mut(&answer.device) else { return };
        if answer.job != PowerJob::Read && answer.result.is_ok() {
            // A slow device that has switched is slow to be read, too, twice.
            let took = facts.now.since(answer.begun);
            work.until = work.until.max(facts.now + took.times(3) + apart_needed);
        }
        let trusted = plant::on(Plant::TrustReturnCode) && answer.result.is_ok();
        match (answer.job, answer.result) {
            (PowerJob::Off | PowerJob::On, result) => {
                device.trouble = result.err().unwrap_or_default();
                device.phase = if trusted { Phase::Off(Millis::ZERO) } else { Phase::Pausing(facts.now) };
            }
            (PowerJob::Read, Ok(Some(PowerState::Off))) if answer.begun < not_before => {
                device.phase = Phase::Pausing(facts.now);
            }
            (PowerJob::Read, Ok(Some(PowerState::Off))) => {
                let quick = plant::on(Plant::QuickReads);
                let needed = if quick { Millis(200) } else { apart_needed };
                match device.first_off {
                    Some(first) if answer.begun.since(first) >= needed => {
                        device.phase = Phase::Off(answer.begun.since(first));
                    }
                    Some(first) => device.phase = Phase::Pausing(first + needed),
                    // From when it was answered: the session may have begun later than it was asked for [H-7].
                    None => {
                        device.first_off = Some(facts.now);
                        device.phase = Phase::Pausing(facts.now + needed);
                    }
                }
            }
            (PowerJob::Read, Ok(Some(PowerState::On) | None)) => {
                device.first_off = None;
                device.trouble = "it still reads On".to_owned();
                device.phase = Phase::Pausing(facts.now + POLL);
            }
            (PowerJob::Read, Err(why)) => {
                device.trouble = why;
                device.phase = Phase::Pausing(facts.now + POLL);
            }
        }
        self.conclude(facts, id, &ask, outbox);
    }

    /// Reads again where a pause is over; gives up what takes too long.
    fn go_on(&mut self, facts: &Facts, ask: &PowerAsk, id: &Identity, outbox: &mut Outbox, out: &mut Vec<Output>) {
        if let Some(work) = self.work.get_mut(ask) {
            work.renew(facts);
            for (device, state) in &mut work.devices {
                let Phase::Pausing(until) = state.phase else { continue };
                if facts.now >= work.until {
                    let trouble = std::mem::take(&mut state.trouble);
                    let nothing = "its time was over before its power could be read twice".to_owned();
                    state.phase = Phase::Failed(if trouble.is_empty() { nothing } else { trouble });
                } else if facts.now >= until {
                    state.phase = Phase::Reading;
                    let deadline = device_deadline(facts.state, device, work.deadline);
                    out.push(read(ask, &work.node, device, deadline));
                }
            }
        }
        self.conclude(facts, id, ask, outbox);
    }

    /// Ends the work when it is proven, or when no level can be proven any more.
    fn conclude(&mut self, facts: &Facts, id: &Identity, ask: &PowerAsk, outbox: &mut Outbox) {
        let Some(work) = self.work.get(ask) else { return };
        let off = |device: &DeviceId| matches!(work.devices.get(device).map(|d| &d.phase), Some(Phase::Off(_)));
        let levels = facts.state.spec.fence_levels(&work.node);
        let complete = levels.iter().find(|l| !l.devices.is_empty() && l.devices.iter().all(off));
        let order = match ask {
            PowerAsk::Order(order) => Some(*order),
            PowerAsk::Read(_) | PowerAsk::SwitchOn(..) => None,
        };
        if let Some(level) = complete {
            let reads = level.devices.iter().filter_map(|d| match work.devices.get(d)?.phase {
                Phase::Off(apart) => Some(PowerRead { device: d.clone(), apart }),
                Phase::Switching | Phase::Reading | Phase::Pausing(_) | Phase::Failed(_) => None,
            });
            let proof = Proof::PoweredOff { order, since: work.since, reads: reads.collect(), reader: id.node.clone() };
            let there = facts.state.members.get(&work.node).and_then(|m| m.boot());
            let boot = there.filter(|_| plant::on(Plant::EarlyReads)).unwrap_or(work.boot);
            outbox.put(Event::FenceConfirmed { node: work.node.clone(), boot, proof });
            self.done.extend(order.map(|order| (order, facts.now)));
            self.work.remove(ask);
            return;
        }
        let ended = |d: &Device| matches!(d.phase, Phase::Off(_) | Phase::Failed(_));
        if !work.devices.values().all(ended) {
            return;
        }
        let failed: Vec<String> = work
            .devices
            .iter()
            .filter_map(|(device, d)| match &d.phase {
                Phase::Failed(why) => Some(format!("{device}: {why}")),
                Phase::Switching | Phase::Reading | Phase::Pausing(_) | Phase::Off(_) => None,
            })
            .collect();
        if let Some(order) = order {
            self.finish(facts.now, order, Event::FenceFailed { order, reason: failed.join("; ") }, outbox);
        }
        self.work.remove(ask);
    }

    pub(super) fn next_wake(&self, now: Monotonic) -> Option<Monotonic> {
        let pauses = self.work.values().flat_map(|w| w.devices.values()).filter_map(|d| match d.phase {
            Phase::Pausing(until) => Some(until),
            Phase::Switching | Phase::Reading | Phase::Off(_) | Phase::Failed(_) => None,
        });
        pauses.filter(|at| *at > now).min()
    }
}

pub(super) fn device_deadline(state: &ClusterState, device: &DeviceId, default: Millis) -> Millis {
    state.spec.devices.get(device).and_then(|d| d.timeout).unwrap_or(default).min(default)
}

fn read(ask: &PowerAsk, node: &NodeId, device: &DeviceId, deadline: Millis) -> Output {
    let (ask, node, device) = (ask.clone(), node.clone(), device.clone());
    let job = if plant::on(Plant::ReadsSwitchOff) { PowerJob::Off } else { PowerJob::Read };
    Output::Power { ask, node, device, job, deadline, latest: None }
}
