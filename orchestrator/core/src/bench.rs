//! Builders for the tests of this crate: a state grown by events, as in a running cluster.

#![cfg(test)]

use crate::event::{
    Counted, Endpoint, Event, Joined, MemberKind, Outcome, PowerRead, Proof, TestResult, Testimony, WatchdogReport,
};
use crate::ids::{
    ActionId, BootId, ClusterId, DeviceId, Generation, Incarnation, LogIndex, MemberId, NodeId, OrderId, ResourceId,
    StoreId, Term,
};
use crate::plan::Plan;
use crate::scheduler;
use crate::spec::{
    AgentName, AttrSet, Body, Constraint, ConstraintBody, Device, HostMap, Location, LocationTarget, LocationWhere,
    Operation, Order, OrderKind, Pair, Profile, Resource, SetJoin, SpecEdit, Timing,
};
use crate::state::{ClusterState, Entry, Refusal};
use crate::units::{LogTime, Millis, Score};

/// A state that grows by one event after the other, each a second later.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bench {
    pub(crate) state: ClusterState,
}

pub(crate) fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

pub(crate) fn rsc(name: &str) -> ResourceId {
    ResourceId::new(name).unwrap()
}

pub(crate) fn boot(n: u8) -> BootId {
    BootId::from_bytes([n; 16])
}

pub(crate) fn life(boot_number: u8, generation: u32) -> Incarnation {
    Incarnation { boot: boot(boot_number), generation: Generation(generation) }
}

pub(crate) fn primitive(id: &str) -> Resource {
    let agent = AgentName::parse("ocf:haven:Sim");
    Resource::new(rsc(id), Body::Primitive { agent, template: None })
}

pub(crate) fn with_meta(mut resource: Resource, name: &str, value: &str) -> Resource {
    resource.meta.push(AttrSet::of([(name, value)]));
    resource
}

pub(crate) fn with_op(mut resource: Resource, op: Operation) -> Resource {
    resource.operations.push(op);
    resource
}

pub(crate) fn group(id: &str, members: &[&str]) -> Resource {
    Resource::new(rsc(id), Body::Group { members: members.iter().map(|m| rsc(m)).collect() })
}

pub(crate) fn constraint(id: &str, body: ConstraintBody) -> SpecEdit {
    let id = crate::ids::ConstraintId::new(id).unwrap();
    SpecEdit::PutConstraint(Constraint { id, body, seq: 0, until: None })
}

pub(crate) fn prefers(resource: &str, at: &str, score: i64) -> SpecEdit {
    let place = LocationWhere::Node { node: node(at), score: Score::new(score) };
    let target = LocationTarget::Resource(rsc(resource));
    let body = ConstraintBody::Location(Location { target, role: None, place, discovery: None });
    constraint(&format!("loc-{resource}-{at}"), body)
}

pub(crate) fn with(dependent: &str, primary: &str, score: i64) -> SpecEdit {
    let body = ConstraintBody::Colocation(crate::spec::Colocation {
        score: Score::new(score),
        join: SetJoin::Pair(Pair::plain(rsc(dependent)), Pair::plain(rsc(primary))),
        node_attribute: None,
        influence: None,
    });
    constraint(&format!("col-{dependent}-{primary}"), body)
}

pub(crate) fn before(first: &str, then: &str) -> SpecEdit {
    let body = ConstraintBody::Order(Order {
        kind: OrderKind::Mandatory,
        join: SetJoin::Pair(Pair::plain(rsc(first)), Pair::plain(rsc(then))),
        symmetrical: None,
    });
    constraint(&format!("ord-{first}-{then}"), body)
}

pub(crate) fn bmc(of: &str) -> SpecEdit {
    SpecEdit::PutDevice(Device {
        id: DeviceId::new(&format!("bmc-{of}")).unwrap(),
        agent: "fence_sim".into(),
        params: Default::default(),
        secrets: Default::default(),
        hosts: HostMap::Single(node(of)),
        timeout: None,
        delay: None,
    })
}

impl Bench {
    /// Members `a`, `b`, `c`, all voters, online on boots 1, 2, 3, each with a BMC.
    pub(crate) fn three() -> Self {
        let mut bench = Self::default();
        let timing = Timing::of(Profile::Lan);
        bench.ok(Event::ClusterFounded { cluster: ClusterId::from_bytes([9; 16]), name: "test".into(), timing });
        for (n, name) in (1..).zip(["a", "b", "c"]) {
            bench.join(name, n);
        }
        let voters = [1, 2, 3].map(MemberId).into();
        bench.fold(Entry::Voting { sets: vec![voters], learners: Default::default() }).unwrap();
        for (n, name) in (1..).zip(["a", "b", "c"]) {
            bench.boot(name, n, 1);
            bench.readmit(name);
        }
        bench.edit(vec![bmc("a"), bmc("b"), bmc("c")]);
        bench
    }

    pub(crate) fn join(&mut self, name: &str, n: u8) {
        self.ok(Event::NodeJoined(Joined {
            node: node(name),
            member: MemberId(u64::from(n)),
            store: StoreId::from_bytes([n; 16]),
            kind: MemberKind::Full,
            endpoints: vec![Endpoint(format!("{name}:1"))],
            product_uuid: None,
            serial: None,
            replaces: None,
            token: None,
            key: None,
        }));
    }

    pub(crate) fn fold(&mut self, entry: Entry) -> Result<(), Refusal> {
        let index = LogIndex(self.state.index.0 + 1);
        self.state.fold(index, Term(1), entry)
    }

    pub(crate) fn try_event(&mut self, event: &Event) -> Result<(), Refusal> {
        let time = LogTime(self.state.time.0 + 1000);
        self.fold(Entry::Event(time, event))
    }

    #[track_caller]
    pub(crate) fn ok(&mut self, event: Event) {
        self.try_event(&event).unwrap();
    }

    /// The reason for which `event` is refused; it must leave everything but the index and the time as it was.
    #[track_caller]
    pub(crate) fn refused(&mut self, event: Event) -> String {
        let mut before = self.state.clone();
        let refusal = self.try_event(&event).unwrap_err();
        before.index = self.state.index;
        before.time = self.state.time;
        assert_eq!(before, self.state, "a refused event changed the state");
        refusal.to_string()
    }

    pub(crate) fn wait(&mut self, span: Millis) {
        self.state.time = self.state.time + span;
    }

    pub(crate) fn member_number(&self, name: &str) -> u8 {
        u8::try_from(self.state.members[&node(name)].member.0).unwrap()
    }

    pub(crate) fn boot(&mut self, name: &str, boot_number: u8, generation: u32) {
        let store = StoreId::from_bytes([self.member_number(name); 16]);
        self.ok(Event::NodeBooted { node: node(name), store, incarnation: life(boot_number, generation) });
        self.audit(name);
    }

    pub(crate) fn life_of(&self, name: &str) -> Incarnation {
        self.state.members[&node(name)].incarnation.unwrap()
    }

    pub(crate) fn audit(&mut self, name: &str) {
        let boot = self.life_of(name).boot;
        let revision = self.state.revision;
        self.ok(Event::BootAudited { node: node(name), boot, revision, findings: Vec::new(), number: None });
    }

    pub(crate) fn readmit(&mut self, name: &str) {
        let (incarnation, lapses) = (self.life_of(name), self.state.members[&node(name)].lapses);
        self.ok(Event::NodeReadmitted { node: node(name), incarnation, lapses });
    }

    /// Commits edits, and has every living node audited for them.
    pub(crate) fn edit(&mut self, edits: Vec<SpecEdit>) {
        let base = self.state.revision;
        self.ok(Event::SpecChanged { base, edits, by: "test".into(), comment: String::new() });
        for name in ["a", "b", "c"] {
            let member = &self.state.members[&node(name)];
            if member.boot().is_some() && member.death().is_none() {
                self.audit(name);
            }
        }
    }

    pub(crate) fn add(&mut self, resources: Vec<Resource>) {
        self.edit(resources.into_iter().map(SpecEdit::PutResource).collect());
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.edit(vec![SpecEdit::SetProperty { name: name.into(), value: Some(value.into()) }]);
    }

    pub(crate) fn lose(&mut self, name: &str) {
        let boot = self.life_of(name).boot;
        let testimonies = vec![Testimony { voter: node("b"), silence: Millis(1500) }];
        self.ok(Event::NodeLost { node: node(name), boot, testimonies });
    }

    pub(crate) fn order(&mut self, name: &str) -> OrderId {
        let event = self.order_event(name);
        self.ok(event);
        OrderId(self.state.index.0)
    }

    pub(crate) fn order_event(&self, name: &str) -> Event {
        Event::FenceOrdered {
            node: node(name),
            boot: self.life_of(name).boot,
            executor: node("b"),
            executor_incarnation: self.life_of("b"),
            send_within: Millis(1500),
            device_deadline: Millis::secs(30),
            reason: "lost".into(),
            level: 0,
            standing_since: Some(self.state.members[&node(name)].since.index),
        }
    }

    pub(crate) fn off_proof(&self, name: &str, apart: u64) -> Event {
        let reads = vec![PowerRead { device: DeviceId::new(&format!("bmc-{name}")).unwrap(), apart: Millis(apart) }];
        let order = self.state.fencing.open_against(&node(name)).next().map(|o| o.id);
        let since = self.state.members[&node(name)].since.index;
        let proof = Proof::PoweredOff { order, since, reads, reader: node("b") };
        Event::FenceConfirmed { node: node(name), boot: self.life_of(name).boot, proof }
    }

    pub(crate) fn prove_off(&mut self, name: &str) {
        let event = self.off_proof(name, 3063);
        self.ok(event);
    }

    pub(crate) fn arm(&mut self, name: &str, counted: Counted) {
        let boot = self.life_of(name).boot;
        let watchdog =
            WatchdogReport { identity: "iTCO_wdt".into(), timeout: Millis::secs(5), magic_close: true, counted };
        self.ok(Event::WatchdogArmed { node: node(name), boot, watchdog, incarnation: None });
    }

    pub(crate) fn test_device(&mut self, name: &str, staleness: u64) {
        self.ok(Event::DeviceTested(crate::event::DeviceTest {
            device: DeviceId::new(&format!("bmc-{name}")).unwrap(),
            node: node(name),
            by: node("b"),
            result: TestResult::Passed(crate::event::PowerState::On),
            off_time: Some(Millis(100)),
            staleness: Some(Millis(staleness)),
            definition: None,
        }));
    }

    /// Adopts what the scheduler wants now.
    pub(crate) fn adopt(&mut self) {
        let plan = self.plan();
        self.ok(Event::PlanAdopted(plan));
    }

    pub(crate) fn plan(&self) -> Plan {
        let parent = self.state.plan.id;
        let steps = scheduler::plan(&self.state).steps;
        Plan { id: parent.next(), parent, based_on: self.state.index, steps }
    }

    /// Ends the action in flight that `text` shows, such as `start db on a`.
    #[track_caller]
    pub(crate) fn end(&mut self, text: &str, outcome: Outcome) {
        let found = self.state.plan.in_flight().find(|(_, s)| s.step.key.to_string() == text);
        let (action, incarnation) = found.map(|(id, s)| (id, s.step.incarnation)).unwrap_or_else(|| {
            panic!("`{text}` is not in flight: {:?}", self.in_flight());
        });
        let (detail, elapsed) = (String::new(), Millis(10));
        self.ok(Event::ActionFinished { action, incarnation, outcome, detail, elapsed, ended_by: None });
    }

    /// Everybody has looked for `id`, and found nothing.
    pub(crate) fn looked(&mut self, id: &str) {
        for at in ["a", "b", "c"] {
            self.end(&format!("probe {id} on {at}"), Outcome::Done);
        }
    }

    /// The last start or stop of a plan that was done to a resource on a node.
    pub(crate) fn acted(&self, id: &str, at: &str) -> Option<ActionId> {
        self.state.resources.get(&rsc(id))?.presence.get(&node(at))?.acted
    }

    pub(crate) fn in_flight(&self) -> Vec<String> {
        self.state.plan.in_flight().map(|(_, s)| s.step.key.to_string()).collect()
    }

    /// Plans, adopts and carries out, everything going well, until nothing is left to do.
    pub(crate) fn settle(&mut self) {
        for _ in 0..50 {
            if scheduler::plan(&self.state).steps.is_empty() && self.state.plan.in_flight().next().is_none() {
                return;
            }
            self.adopt();
            while let Some(first) = self.in_flight().first().cloned() {
                self.end(&first, Outcome::Done);
            }
        }
        panic!("it does not settle: {}", self.shown());
    }

    /// Where everything runs, for snapshots.
    pub(crate) fn running(&self) -> String {
        let mut text = String::new();
        for (id, status) in &self.state.resources {
            let at: Vec<String> = status
                .presence
                .iter()
                .filter(|(_, p)| !p.run.is_stopped())
                .map(|(node, p)| format!("{} on {node}", p.run.word()))
                .collect();
            text += &format!("{id}: {}\n", if at.is_empty() { "stopped".to_owned() } else { at.join(", ") });
        }
        text
    }

    /// What the scheduler would do now, and whom it wants dead, for snapshots.
    pub(crate) fn shown(&self) -> String {
        let planned = scheduler::plan(&self.state);
        let mut text = String::new();
        for step in &planned.steps {
            let after: Vec<String> = step.after.iter().map(ToString::to_string).collect();
            let after = if after.is_empty() { String::new() } else { format!("  after {}", after.join(", ")) };
            text += &format!("{}{after}\n", step.key);
        }
        for need in &planned.fence {
            text += &format!("fence {}: {}\n", need.node, need.reason);
        }
        for (id, reasons) in &planned.reasons {
            for waiting in &reasons.waiting {
                text += &format!("{id} waits: {waiting}\n");
            }
        }
        text
    }
}
