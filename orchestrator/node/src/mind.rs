//! The loop that feeds the mind and carries out what it wants.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_channel::mpsc;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use haven_core::heartbeat::RaftVote;
use haven_core::ids::{MemberId, NodeId};
use haven_core::node::{ElectionTimer, Input, Output};
use haven_core::plant::{self, Plant};
use haven_core::units::{Millis, Monotonic};
use haven_env::{CallClass, Peer, Runtime};
use haven_log::Vote;
use openraft::ChangeMembers;
use openraft::raft::AppendEntriesRequest;

use crate::node::{Shared, lock};
use crate::wire::Ask;

/// Longest sleep of the mind: whatever was overlooked is looked at again after that.
const LOOK_AT_LEAST: Millis = Millis::secs(1);
/// How long a removed member is still talked to, so that it learns of its removal. What it says counts for nothing by
/// then: its store is refused.
const REMOVED_HEARS: Millis = Millis::secs(3);
/// Key under which the end of the hold lease is remembered until the next boot.
pub(crate) const HOLD_KEY: &str = "hold-until";
/// Key under which the newest state is remembered by which anything was started on this boot.
pub(crate) const ACTED_KEY: &str = "acted-at";

/// Runs until the node is stopped or its tasks are dropped.
pub(crate) async fn run<R: Runtime>(shared: Arc<Shared<R>>, mut inputs: mpsc::UnboundedReceiver<Input>) {
    let mut wake = shared.env.clock.monotonic();
    let mut circle = Circle::default();
    while !shared.stopped.load(Ordering::Acquire) {
        let now = shared.env.clock.monotonic();
        let span = wake.since(now).min(LOOK_AT_LEAST);
        let input = if wake <= now {
            inputs.try_recv().ok()
        } else {
            let sleep = Box::pin(R::sleep(Duration::from_millis(span.0.max(1))));
            match select(inputs.next(), sleep).await {
                Either::Left((Some(input), _)) => Some(input),
                Either::Left((None, _)) => return,
                Either::Right(_) => None,
            }
        };
        let next = step(&shared, input.unwrap_or(Input::Tick), &mut circle);
        wake = next;
        // Everything that is there already is looked at before the next sleep.
        while let Ok(input) = inputs.try_recv() {
            wake = step(&shared, input, &mut circle);
        }
    }
}

fn step<R: Runtime>(shared: &Arc<Shared<R>>, input: Input, circle: &mut Circle) -> Monotonic {
    match &input {
        Input::Applied => {
            // Cleared before the state is read: what is applied from here on tells again.
            shared.told.store(false, Ordering::Release);
            follow_members(shared, circle);
        }
        Input::Datagram { .. } => drop(shared.waiting.fetch_sub(1, Ordering::AcqRel)),
        Input::Tick
        | Input::Ended { .. }
        | Input::Power { .. }
        | Input::Committed { .. }
        | Input::Audited { .. }
        | Input::Hash { .. } => {}
    }
    if !circle.leaving.is_empty() {
        follow_members(shared, circle);
    }
    let outputs = shared.with_facts(|facts, mind| mind.step(facts, input));
    let mut wake = shared.env.clock.monotonic() + LOOK_AT_LEAST;
    for output in outputs {
        if let Output::WakeAt(at) = output {
            wake = at;
        } else {
            carry_out(shared, output);
        }
    }
    wake
}

/// Who may be talked to.
#[derive(Default)]
struct Circle {
    /// The other members.
    members: Vec<Peer>,
    /// Those that were removed, and until when they may be told so.
    leaving: Vec<(Peer, Monotonic)>,
}

/// Lets the transport talk to the members, to those who were removed a moment ago, and to nobody else.
fn follow_members<R: Runtime>(shared: &Arc<Shared<R>>, circle: &mut Circle) {
    let now = shared.env.clock.monotonic();
    let members: Vec<Peer> = {
        let keeper = lock(&shared.keeper);
        // By its number: a node that came back with a new store reads first of the one that it was before, when others
        // had not joined yet who bring it the log now.
        let joined = keeper
            .state
            .members
            .get(&shared.config.node)
            .is_some_and(|m| m.member == shared.config.member || plant::on(Plant::KnowsItselfByName));
        if !joined {
            // This node has not applied its own joining yet: it goes on with those that it was told of.
            return;
        }
        let others = keeper.state.members.values().filter(|m| m.node != shared.config.node);
        others.map(|m| Peer { node: m.node.clone(), endpoints: m.endpoints.clone(), key: m.key }).collect()
    };
    let is_member = |peer: &Peer| members.iter().any(|m| m.node == peer.node);
    let leaving = circle.leaving.len();
    circle.leaving.retain(|(peer, until)| now < *until && !is_member(peer));
    if members == circle.members && circle.leaving.len() == leaving {
        return;
    }
    let gone = circle.members.iter().filter(|peer| !is_member(peer)).cloned();
    circle.leaving.extend(gone.map(|peer| (peer, now + REMOVED_HEARS)));
    let wanted = members.iter().chain(circle.leaving.iter().map(|(peer, _)| peer)).cloned().collect();
    circle.members = members;
    shared.env.transport.set_peers(wanted);
}

fn carry_out<R: Runtime>(shared: &Arc<Shared<R>>, output: Output) {
    match output {
        Output::Send { to, bytes } => send(shared, &to, &bytes),
        Output::Propose { proposal, event, decided_in } => {
            let shared = shared.clone();
            drop(R::spawn(async move {
                let result = shared.propose(&event, decided_in).await;
                let _ = shared.inputs.unbounded_send(Input::Committed { proposal, result });
            }));
        }
        Output::Run(job) => crate::hands::run(shared, job),
        Output::Prepare(resource) => crate::hands::prepare(shared, resource),
        Output::Unprepare(resource) => crate::hands::unprepare(shared, &resource),
        Output::Abort(job) => crate::hands::abort(shared, job),
        Output::Power { ask, node, device, job, deadline, latest } => {
            let limits = crate::power::Limits { deadline, latest };
            crate::power::run(shared, ask, node, device, job, limits);
        }
        Output::Audit { number, revision } => crate::hands::audit(shared, number, revision),
        Output::FeedWatchdog => shared.env.watchdog.feed(),
        Output::CloseWatchdog => shared.env.watchdog.disarm(),
        Output::RememberHold(until) => {
            shared.env.host.remember(HOLD_KEY, &until.as_micros().to_le_bytes());
        }
        Output::RememberActed(index) => {
            shared.env.host.remember(ACTED_KEY, &crate::start::acted_to_keep(shared.config.cluster, index));
        }
        Output::HandOver(to) => {
            let shared = shared.clone();
            drop(R::spawn(async move { shared.hand_over_to(to).await }));
        }
        Output::AskWhoLives(node) => ask_who_lives(shared, node),
        Output::Follow(leader) => {
            let patience = lock(&shared.keeper).state.timing.current.election_max();
            follow(shared, leader, patience);
        }
        Output::ElectionTimer(timer) => {
            if let Some(raft) = shared.raft.get() {
                raft.runtime_config().tick(timer == ElectionTimer::Runs);
            }
        }
        Output::CallFollowers => call_followers(shared),
        Output::ChangeVoters(voters) => change_members(shared, ChangeMembers::ReplaceAllVoters(ids(&voters))),
        Output::DropMembers(gone) => change_members(shared, ChangeMembers::RemoveNodes(ids(&gone))),
        Output::AddLearner(member) => {
            let shared = shared.clone();
            drop(R::spawn(async move {
                if let Some(raft) = shared.raft.get() {
                    // Not waited for: it catches up by itself, and is asked for again if this came to nothing.
                    let _ = raft.add_learner(member.0, openraft::EmptyNode::new(), false).await;
                }
            }));
        }
        Output::Reset { why } => shared.env.host.reset_now(&why),
        Output::Note(note) => {
            let observer = lock(&shared.keeper).observer();
            observer.iter().for_each(|observer| observer.noted(&note));
        }
        Output::WakeAt(_) => {}
    }
}

fn ids(members: &BTreeSet<MemberId>) -> BTreeSet<u64> {
    members.iter().map(|m| m.0).collect()
}

fn send<R: Runtime>(shared: &Arc<Shared<R>>, to: &[NodeId], bytes: &[u8]) {
    for node in to {
        for link in (0..shared.env.transport.links()).map(haven_core::ids::LinkId) {
            shared.env.transport.send(node, link, bytes.to_vec());
        }
    }
}

/// Asks `node` which life of its it is that lives, one question at a time. What the answer tells is looked at where it is
/// read.
fn ask_who_lives<R: Runtime>(shared: &Arc<Shared<R>>, node: NodeId) {
    if !lock(&shared.asking).insert(node.clone()) {
        return;
    }
    let shared = shared.clone();
    drop(R::spawn(async move {
        let within = lock(&shared.keeper).state.timing.current.dead_after;
        drop(shared.ask(&node, CallClass::Forward, Ask::Alive, within).await);
        lock(&shared.asking).remove(&node);
    }));
}

fn change_members<R: Runtime>(shared: &Arc<Shared<R>>, change: ChangeMembers<u64, openraft::EmptyNode>) {
    let shared = shared.clone();
    drop(R::spawn(async move {
        shared.change_membership(change).await;
    }));
}

/// Lets Raft's timer for elections begin anew, as an append of the leader's without entries does. Raft does so when it
/// hears of it, and answers when all that it has accepted is on the disk, which may take long.
fn follow<R: Runtime>(shared: &Arc<Shared<R>>, leader: RaftVote, patience: Millis) {
    let shared = shared.clone();
    drop(R::spawn(async move {
        let Some(raft) = shared.raft.get() else { return };
        let leader_id = haven_log::LeaderId { term: leader.term.0, voted_for: leader.member.0 };
        let vote = Vote { leader_id, committed: true };
        let request = AppendEntriesRequest { vote, prev_log_id: None, entries: Vec::new(), leader_commit: None };
        // Refused if this node has voted for another meanwhile.
        let told = Box::pin(raft.append_entries(request));
        drop(select(told, Box::pin(R::sleep(Duration::from_millis(patience.0)))).await);
    }));
}

fn call_followers<R: Runtime>(shared: &Arc<Shared<R>>) {
    let shared = shared.clone();
    drop(R::spawn(async move {
        if let Some(raft) = shared.raft.get() {
            let _ = raft.trigger().heartbeat().await;
        }
    }));
}
