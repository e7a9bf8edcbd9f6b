//! A cluster grown by events, for the tests of views and screens.

#![cfg(test)]

use std::collections::BTreeMap;

use haven_core::event::{AuditFinding, Counted, DeviceTest, Digest, WatchdogReport};
use haven_core::event::{
    Endpoint, Event, Joined, MemberKind, Outcome, PowerRead, PowerState, Proof, TestResult, Testimony,
};
use haven_core::ids::{
    BootId, ClusterId, ConstraintId, DeviceId, Generation, Incarnation, LogIndex, MemberId, NodeId, OrderId,
    ResourceId, StoreId, Term,
};
use haven_core::plan::Plan;
use haven_core::scheduler;
use haven_core::spec::{
    AgentName, AttrSet, Body, Constraint, ConstraintBody, Device, HostMap, Location, LocationTarget, LocationWhere,
    Profile, Resource, SpecEdit, Timing,
};
use haven_core::state::ClusterState;
use haven_core::units::{Millis, Score, WallTime};

use super::Scene;
use crate::backend::{Past, PastEntry};
use crate::model::{HoldFact, LocalFacts, PeerFacts, StoreFact};

/// A cluster whose every entry is kept, a second after the one before unless `step` says otherwise.
pub(crate) struct Bench {
    pub(crate) state: ClusterState,
    pub(crate) past: Vec<PastEntry>,
    /// Time since the last entry.
    pub(crate) quiet: Millis,
    /// Time between two entries.
    pub(crate) step: Millis,
    /// The last revision of the configuration, before nodes were audited for it.
    pub(crate) revision_before_audit: LogIndex,
}

pub(crate) fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

pub(crate) fn rsc(name: &str) -> ResourceId {
    ResourceId::new(name).unwrap()
}

pub(crate) fn device(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

const MEMBERS: [&str; 3] = ["a", "b", "c"];

impl Bench {
    /// Members `a`, `b`, `c`, all voters and online, each with a BMC that was never tested.
    pub(crate) fn three() -> Self {
        let mut bench = Self {
            state: ClusterState::default(),
            past: Vec::new(),
            quiet: Millis::ZERO,
            step: Millis::secs(1),
            revision_before_audit: LogIndex(0),
        };
        let timing = Timing::of(Profile::Lan);
        bench.ok(Event::ClusterFounded { cluster: ClusterId::from_bytes([9; 16]), name: "prod".into(), timing });
        for (n, name) in (1..).zip(MEMBERS) {
            bench.ok(Event::NodeJoined(Joined {
                node: node(name),
                member: MemberId(n),
                store: StoreId::from_bytes([u8::try_from(n).unwrap(); 16]),
                kind: MemberKind::Full,
                endpoints: vec![Endpoint(format!("{name}:7741"))],
                product_uuid: None,
                serial: None,
                replaces: None,
                token: None,
                key: None,
            }));
        }
        let sets = vec![[1, 2, 3].map(MemberId).into()];
        bench.entry(Past::Voting { sets, learners: Default::default() });
        for (n, name) in (1..).zip(MEMBERS) {
            bench.boot(name, n);
        }
        bench.edit(MEMBERS.iter().map(|name| bmc(name)).collect());
        bench
    }

    /// The same with devices that passed their tests, a wall clock, two services and a group, all running.
    pub(crate) fn healthy() -> Self {
        let mut bench = Self::three();
        MEMBERS.iter().for_each(|name| bench.test(name, TestResult::Passed(PowerState::On)));
        bench.digest(WallTime(1_790_000_000_000));
        let group = Resource::new(rsc("g_web"), Body::Group { members: vec![rsc("ip"), rsc("www")] });
        let mut edits: Vec<SpecEdit> = ["db", "ip", "www"].map(|id| SpecEdit::PutResource(primitive(id))).into();
        edits.push(SpecEdit::PutResource(group));
        edits.push(prefers("db", "a", 100));
        edits.push(prefers("g_web", "b", 100));
        bench.edit(edits);
        bench.settle();
        bench
    }

    fn entry(&mut self, what: Past) -> bool {
        let first = self.past.is_empty();
        let index = if first { LogIndex(1) } else { self.state.index.next() };
        let entry = PastEntry { index, term: Term(7), what };
        let result = self.state.fold(index, Term(7), entry.as_entry());
        self.past.push(entry);
        self.quiet = Millis::ZERO;
        result.is_ok()
    }

    #[track_caller]
    pub(crate) fn ok(&mut self, event: Event) {
        let time = self.state.time + self.step;
        let shown = format!("{event:?}");
        assert!(self.entry(Past::Event(time, Box::new(event))), "refused: {shown}");
    }

    pub(crate) fn boot(&mut self, name: &str, boot: u8) {
        let store = self.state.members[&node(name)].store;
        let incarnation = Incarnation { boot: BootId::from_bytes([boot; 16]), generation: Generation(1) };
        self.ok(Event::NodeBooted { node: node(name), store, incarnation });
        self.audit(name);
        if self.state.unverified(&node(name)).is_none() {
            self.readmit(name);
        }
    }

    pub(crate) fn readmit(&mut self, name: &str) {
        let member = &self.state.members[&node(name)];
        let (incarnation, lapses) = (member.incarnation.unwrap(), member.lapses);
        self.ok(Event::NodeReadmitted { node: node(name), incarnation, lapses });
    }

    pub(crate) fn life(&self, name: &str) -> Incarnation {
        self.state.members[&node(name)].incarnation.unwrap()
    }

    fn audit(&mut self, name: &str) {
        self.audit_finds(name, &[]);
    }

    /// The boot of `name` was looked at, and would start these resources.
    pub(crate) fn audit_finds(&mut self, name: &str, found: &[(&str, &str)]) {
        let (boot, revision) = (self.life(name).boot, self.state.revision);
        let finding = |(id, what): &(&str, &str)| AuditFinding { resource: rsc(id), what: (*what).to_owned() };
        let findings = found.iter().map(finding).collect();
        self.ok(Event::BootAudited { node: node(name), boot, revision, findings, number: None });
    }

    pub(crate) fn edit(&mut self, edits: Vec<SpecEdit>) {
        let base = self.state.revision;
        self.ok(Event::SpecChanged { base, edits, by: "olga".into(), comment: String::new() });
        self.revision_before_audit = self.state.index;
        for name in MEMBERS {
            let member = &self.state.members[&node(name)];
            if member.boot().is_some() && member.death().is_none() && !member.is_released_by_proof() {
                self.audit(name);
            }
        }
    }

    pub(crate) fn add(&mut self, ids: &[&str]) {
        self.edit(ids.iter().map(|id| SpecEdit::PutResource(primitive(id))).collect());
    }

    pub(crate) fn forbid_everywhere(&mut self, id: &str) {
        self.edit(MEMBERS.iter().map(|name| prefers(id, name, -1_000_000)).collect());
    }

    pub(crate) fn test(&mut self, name: &str, result: TestResult) {
        self.ok(Event::DeviceTested(DeviceTest {
            device: device(&format!("ilo-{name}")),
            node: node(name),
            by: node("b"),
            result,
            off_time: Some(Millis(4100)),
            staleness: Some(Millis(200)),
            definition: None,
        }));
    }

    pub(crate) fn digest(&mut self, wall: WallTime) {
        self.ok(Event::HeartbeatDigest(Digest { lines: Vec::new(), wall: Some(wall) }));
    }

    pub(crate) fn silent(&mut self, name: &str) {
        for observer in MEMBERS.iter().filter(|o| **o != name) {
            let (observer, subject) = (node(observer), node(name));
            self.ok(Event::PeerSilent { observer, subject, silence: Millis(1500) });
        }
    }

    pub(crate) fn lose(&mut self, name: &str) {
        let boot = self.life(name).boot;
        let voters = MEMBERS.iter().filter(|o| **o != name);
        let testimonies = voters.map(|v| Testimony { voter: node(v), silence: Millis(1500) }).collect();
        self.ok(Event::NodeLost { node: node(name), boot, testimonies });
    }

    pub(crate) fn order(&mut self, name: &str) -> OrderId {
        self.ok(Event::FenceOrdered {
            node: node(name),
            boot: self.life(name).boot,
            executor: node("b"),
            executor_incarnation: self.life("b"),
            send_within: Millis(1500),
            device_deadline: Millis::secs(30),
            reason: format!("lost and may hold {}", "db"),
            level: 0,
            standing_since: None,
        });
        OrderId(self.state.index.0)
    }

    pub(crate) fn sent(&mut self, name: &str, order: OrderId) {
        self.ok(Event::FenceSent { order, device: device(&format!("ilo-{name}")) });
    }

    pub(crate) fn prove_off(&mut self, name: &str) {
        let reads = vec![PowerRead { device: device(&format!("ilo-{name}")), apart: Millis(3063) }];
        let order = self.state.fencing.open_against(&node(name)).next().map(|o| o.id);
        let since = self.state.members[&node(name)].since.index;
        let proof = Proof::PoweredOff { order, since, reads, reader: node("b") };
        self.ok(Event::FenceConfirmed { node: node(name), boot: self.life(name).boot, proof });
    }

    pub(crate) fn arm(&mut self, name: &str, counted: Counted) {
        let (boot, timeout) = (self.life(name).boot, Millis::secs(5));
        let watchdog = WatchdogReport { identity: "softdog".into(), timeout, magic_close: true, counted };
        self.ok(Event::WatchdogArmed { node: node(name), boot, watchdog, incarnation: None });
    }

    pub(crate) fn adopt(&mut self) {
        let parent = self.state.plan.id;
        let steps = scheduler::plan(&self.state).steps;
        self.ok(Event::PlanAdopted(Plan { id: parent.next(), parent, based_on: self.state.index, steps }));
    }

    #[track_caller]
    pub(crate) fn end(&mut self, text: &str, outcome: Outcome, detail: &str) {
        let found = self.state.plan.in_flight().find(|(_, s)| s.step.key.to_string() == text);
        let (action, incarnation) = found.map(|(id, s)| (id, s.step.incarnation)).unwrap();
        self.ok(Event::ActionFinished {
            action,
            incarnation,
            outcome,
            detail: detail.to_owned(),
            elapsed: Millis(400),
            ended_by: None,
        });
    }

    pub(crate) fn first_in_flight(&self) -> Option<String> {
        self.state.plan.in_flight().map(|(_, s)| s.step.key.to_string()).next()
    }

    /// Plans, adopts and carries out, everything going well, until nothing is left to do.
    pub(crate) fn settle(&mut self) {
        for _ in 0..50 {
            if scheduler::plan(&self.state).steps.is_empty() && self.state.plan.in_flight().next().is_none() {
                return;
            }
            self.adopt();
            while let Some(first) = self.first_in_flight() {
                self.end(&first, Outcome::Done, "");
            }
        }
        panic!("it does not settle");
    }

    /// What `b`, which leads, knows: it hears every member that takes part.
    pub(crate) fn local(&self) -> LocalFacts {
        let hears = |name: &&&str| **name != "b";
        let peer = |name: &&str| {
            let there = self.state.members.get(&node(name)).is_some_and(|m| !m.is_released_by_proof());
            let silence = if there { Millis(100) } else { self.state.timing.current.dead_after.times(8) };
            PeerFacts {
                node: node(name),
                silence: Some(silence),
                hears_me: Some(silence),
                round_trip_us: there.then_some(240),
                applied: Some(self.state.index),
                clock_ahead: Some(3),
                links: vec![Some(silence)],
            }
        };
        LocalFacts {
            node: node("b"),
            member: MemberId(2),
            incarnation: self.life("b"),
            version: "0.1.0".into(),
            leader: Some(node("b")),
            commit: self.state.index,
            since_applied: self.quiet,
            wall: WallTime(1_790_000_000_000),
            uptime: Millis::secs(3600),
            act_left: Millis(1400),
            hold: HoldFact::Valid { left: Millis::secs(19) },
            peers: MEMBERS.iter().filter(hears).map(peer).collect(),
            store: StoreFact::Fine,
            refused_by: BTreeMap::new(),
        }
    }

    pub(crate) fn scene<'a>(&'a self, local: &'a LocalFacts) -> Scene<'a> {
        Scene { state: &self.state, seen: super::Seen::Here(local), recent: &self.past }
    }
}

pub(crate) fn primitive(id: &str) -> Resource {
    let agent = AgentName::parse("ocf:haven:Sim");
    Resource::new(rsc(id), Body::Primitive { agent, template: None })
}

pub(crate) fn with_meta(mut resource: Resource, name: &str, value: &str) -> Resource {
    resource.meta.push(AttrSet::of([(name, value)]));
    resource
}

pub(crate) fn bmc(of: &str) -> SpecEdit {
    SpecEdit::PutDevice(Device {
        id: device(&format!("ilo-{of}")),
        agent: "fence_ilo4".into(),
        params: BTreeMap::new(),
        secrets: BTreeMap::new(),
        hosts: HostMap::Single(node(of)),
        timeout: None,
        delay: None,
    })
}

pub(crate) fn prefers(resource: &str, at: &str, score: i64) -> SpecEdit {
    let place = LocationWhere::Node { node: node(at), score: Score::new(score) };
    let target = LocationTarget::Resource(rsc(resource));
    let body = ConstraintBody::Location(Location { target, role: None, place, discovery: None });
    let id = ConstraintId::new(&format!("loc-{resource}-{at}")).unwrap();
    SpecEdit::PutConstraint(Constraint { id, body, seq: 0, until: None })
}
