//! Actions: what is done to each resource and node so that everything gets to its place.
//!
//! For: the list of actions, optional and required ones, before their order is looked at.
//! Never: an order; see [`super::order`].
//! Source: rules R2.1 to R2.64 of the research of this project.

mod fencing;
mod held;
mod history;
mod notify;
mod primitive;
mod probes;
mod recurring;

pub(super) use held::Held;

use std::collections::BTreeMap;

use super::arena::{ActKey, Arena, NodeKey, ResKey};
use super::model::{Kind, Model, Needs, Phase};
use super::options::Quorum;
use crate::units::Millis;

/// What a resource can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verb {
    Start,
    Stop,
    Promote,
    Demote,
}

impl Verb {
    pub(super) const ALL: [Self; 4] = [Self::Start, Self::Stop, Self::Promote, Self::Demote];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Promote => "promote",
            Self::Demote => "demote",
        }
    }

    /// The word for its end, as notifications have it.
    pub(super) const fn past(self) -> &'static str {
        match self {
            Self::Start => "running",
            Self::Stop => "stopped",
            Self::Promote => "promoted",
            Self::Demote => "demoted",
        }
    }

    pub(super) const fn inverse(self) -> Self {
        match self {
            Self::Start => Self::Stop,
            Self::Stop => Self::Start,
            Self::Promote => Self::Demote,
            Self::Demote => Self::Promote,
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == text)
    }

    pub(super) const fn goes_down(self) -> bool {
        matches!(self, Self::Stop | Self::Demote)
    }
}

/// What an action does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// A primitive is told something.
    Do(Verb),
    /// A whole begins with it; no action of its own.
    Begins(Verb),
    /// All parts of a whole are done with it.
    Ends(Verb),
    /// It leaves.
    MigrateTo,
    /// It arrives.
    MigrateFrom,
    /// A recurring operation by its name, or a probe: a monitor with the interval zero.
    Recurring(String),
    /// A recurring operation ends.
    Cancel(String),
    /// Its history is removed, by its agent's machine.
    Delete,
    /// Its history is removed.
    Forget,
    /// Its failures are forgotten.
    ClearFailures,
    /// An instance is told of what others do. The word is the operation's key.
    Notify(String),
    /// A node is fenced, or let in again.
    Fence(String),
    /// A node is shut down.
    Shutdown,
}

/// One action.
#[derive(Debug, Clone)]
pub(super) struct Action {
    pub(super) task: Task,
    pub(super) res: Option<ResKey>,
    pub(super) node: Option<NodeKey>,
    pub(super) interval: Millis,
    pub(super) required: bool,
    pub(super) runnable: bool,
    /// Why it cannot be carried out.
    pub(super) held: Option<Held>,
    pub(super) pseudo: bool,
    pub(super) migratable: bool,
    /// Done even if nothing asks for it.
    pub(super) forced: bool,
    /// A stop that has nothing to do with any start.
    pub(super) dangling: bool,
}

impl Default for Action {
    fn default() -> Self {
        Self {
            task: Task::Shutdown,
            res: None,
            node: None,
            interval: Millis::ZERO,
            required: false,
            runnable: false,
            held: None,
            pseudo: false,
            migratable: true,
            forced: false,
            dangling: false,
        }
    }
}

/// Whether an action must happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Optional,
    Required,
}

/// The actions in the making.
pub(super) struct Acts<'m, 'a> {
    pub(super) model: &'m mut Model<'a>,
    pub(super) all: Arena<ActKey, Action>,
    /// By resource.
    pub(super) of: BTreeMap<ResKey, Vec<ActKey>>,
    /// The fence action of each node that is fenced.
    pub(super) fences: BTreeMap<NodeKey, ActKey>,
    pub(super) relations: Vec<super::order::Relation>,
    /// The constraint that is being read, by its place.
    pub(super) reading: Option<usize>,
}

impl<'m, 'a> Acts<'m, 'a> {
    pub(super) fn of(model: &'m mut Model<'a>) -> Self {
        Self {
            model,
            all: Arena::default(),
            of: BTreeMap::new(),
            fences: BTreeMap::new(),
            relations: Vec::new(),
            reading: None,
        }
    }

    /// Makes all actions.
    pub(super) fn make(&mut self) {
        self.compare_histories();
        self.make_probes();
        self.clear_removed();
        for key in self.model.top.clone() {
            self.make_for(key);
        }
        self.make_fences();
        self.make_shutdowns();
    }

    fn make_for(&mut self, key: ResKey) {
        match self.model.res[key].kind {
            Kind::Primitive => self.make_primitive(key),
            Kind::Group | Kind::Clone | Kind::Bundle => {
                for child in self.model.res[key].children.clone() {
                    self.make_for(child);
                }
                for verb in Verb::ALL {
                    if matches!(verb, Verb::Start | Verb::Stop) || self.model.is_promotable(key) {
                        for task in [Task::Begins(verb), Task::Ends(verb)] {
                            let point =
                                Action { task, res: Some(key), runnable: true, pseudo: true, ..Action::default() };
                            self.insert(point);
                        }
                    }
                }
                if self.model.res[key].kind == Kind::Clone && self.model.res[key].cloned.notify {
                    self.make_notifications(key);
                }
            }
        }
    }

    pub(super) fn insert(&mut self, action: Action) -> ActKey {
        let res = action.res;
        let key = self.all.add(action);
        if let Some(res) = res {
            self.of.entry(res).or_default().push(key);
        }
        key
    }

    /// The actions of a resource.
    pub(super) fn actions(&self, res: ResKey) -> impl Iterator<Item = (ActKey, &Action)> {
        self.of.get(&res).into_iter().flatten().map(|key| (*key, &self.all[*key]))
    }

    /// The actions of a resource that tell it to do something.
    pub(super) fn doing(&self, res: ResKey, verb: Verb) -> Vec<ActKey> {
        self.actions(res).filter(|(_, action)| action.task == Task::Do(verb)).map(|(key, _)| key).collect()
    }

    pub(super) fn doing_on(&self, res: ResKey, verb: Verb, node: NodeKey) -> Option<ActKey> {
        self.doing(res, verb).into_iter().find(|key| self.all[*key].node == Some(node))
    }

    pub(super) fn find(&self, res: ResKey, task: &Task, node: Option<NodeKey>, interval: Millis) -> Option<ActKey> {
        let same = |action: &Action| {
            action.task == *task && action.interval == interval && (action.node == node || action.node.is_none())
        };
        self.actions(res).find(|(_, action)| same(action)).map(|(key, _)| key)
    }

    /// The action of that kind, which is made if there is none. Being required sticks.
    pub(super) fn action(
        &mut self,
        res: ResKey,
        task: Task,
        (node, interval): (Option<NodeKey>, Millis),
        need: Need,
    ) -> ActKey {
        let key = match self.find(res, &task, node, interval) {
            Some(key) => {
                let action = &mut self.all[key];
                action.node = action.node.or(node);
                key
            }
            None => {
                let allow = self.model.res[res].allow_migrate;
                self.insert(Action { task, res: Some(res), node, interval, migratable: allow, ..Action::default() })
            }
        };
        let managed = self.model.res[res].managed;
        let recurring = interval > Millis::ZERO || matches!(self.all[key].task, Task::Recurring(_) | Task::Cancel(_));
        if need == Need::Required && (managed || recurring) {
            self.all[key].required = true;
        }
        self.judge_runnable(key);
        key
    }

    /// Whether an action can be carried out at all.
    pub(super) fn judge_runnable(&mut self, key: ActKey) {
        let action = &self.all[key];
        if action.pseudo {
            return;
        }
        let (Some(res), task) = (action.res, action.task.clone()) else { return };
        let Some(node) = action.node else {
            self.hold(key, Held::Nowhere);
            return;
        };
        let place = &self.model.nodes[node];
        let history = matches!(task, Task::Forget);
        let reset_guest = place.is_guest() && place.reset;
        if !history && !place.online && !reset_guest {
            let stops = task == Task::Do(Verb::Stop) && self.model.res[res].managed;
            let lost = stops && !place.unclean && self.model.options.fencing;
            self.hold(key, Held::Offline);
            if lost {
                let why = format!("{} cannot be stopped there", self.model.res[res].name);
                self.model.condemn(node, &why);
            }
            return;
        }
        if !history && place.pending {
            self.hold(key, Held::Pending);
            return;
        }
        let begins = matches!(task, Task::Do(Verb::Start | Verb::Promote));
        if !begins || self.model.res[res].needs == Needs::Nothing {
            self.release(key);
            return;
        }
        let demotes = self.model.options.quorum == Quorum::Demote && task == Task::Do(Verb::Promote);
        if self.quorum_allows(res) && !demotes {
            self.release(key);
        } else {
            self.hold(key, Held::Quorum);
        }
    }

    fn quorum_allows(&mut self, key: ResKey) -> bool {
        let promotable = self.model.is_promotable(key);
        let res = &mut self.model.res[key];
        match self.model.options.quorum {
            Quorum::Has | Quorum::Fence => true,
            Quorum::Stop => false,
            Quorum::Freeze => {
                let active = !res.active.is_empty();
                active && res.next <= res.role.max(Phase::Started)
            }
            Quorum::Demote => {
                let runs = promotable && res.role >= Phase::Started;
                if runs && res.next > Phase::Unpromoted {
                    res.next = Phase::Unpromoted;
                }
                runs
            }
        }
    }
}
