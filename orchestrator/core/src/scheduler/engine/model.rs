//! What the engine works on: nodes, resources with all their instances, and what is known of both.
//!
//! For: the tree that is built from a configuration, filled from the status, and changed by placement.
//! Never: text, or a rule; those are beside the steps that apply them.

use std::collections::{BTreeMap, BTreeSet};

use super::arena::{Arena, NodeKey, ResKey};
use super::config::{AgentDef, OperationDef};
use super::options::Options;
use super::place::notes::Notes;
use super::scene::{Record, Scene};
use super::table::{Because, Table, Trail};
use crate::spec::{AttrSet, Role};
use crate::units::{Millis, Score};

/// A role, or that nobody knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Phase {
    /// Nothing is known, or nothing is wanted in particular.
    #[default]
    Unknown,
    /// Not running.
    Stopped,
    /// Running.
    Started,
    /// Running as an instance of a promotable clone.
    Unpromoted,
    /// Promoted.
    Promoted,
}

impl Phase {
    pub(super) const fn of(role: Role) -> Self {
        match role {
            Role::Stopped => Self::Stopped,
            Role::Started => Self::Started,
            Role::Unpromoted => Self::Unpromoted,
            Role::Promoted => Self::Promoted,
        }
    }

    /// Whether something runs.
    pub(super) fn is_active(self) -> bool {
        self > Self::Stopped
    }

    /// As it is written for people.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Stopped => "Stopped",
            Self::Started => "Started",
            Self::Unpromoted => "Unpromoted",
            Self::Promoted => "Promoted",
        }
    }
}

/// What a node is to the scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    /// A member of the cluster layer.
    #[default]
    Member,
    /// Behind a connection that runs somewhere.
    Remote,
    /// Within a resource: a virtual machine or a container.
    Guest,
}

/// A node.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) online: bool,
    pub(super) unclean: bool,
    pub(super) pending: bool,
    pub(super) standby: bool,
    /// The resource whose failure sent it to standby.
    pub(super) rests_for: Option<ResKey>,
    pub(super) maintenance: bool,
    pub(super) shutdown: bool,
    /// Nobody has ever told anything of it.
    pub(super) unseen: bool,
    pub(super) is_dc: bool,
    /// A remote node whose uncleanness may still be taken back.
    pub(super) provisional: bool,
    /// A remote node that was fenced, and has not been started since.
    pub(super) fenced: bool,
    /// A guest that is to be reset with its container.
    pub(super) reset: bool,
    /// Why it is to be fenced.
    pub(super) why: Option<String>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) capacity: BTreeMap<String, i64>,
    /// What is left of it.
    pub(super) free: BTreeMap<String, i64>,
    /// What every table begins with.
    pub(super) base: Score,
    /// The connection of a remote or guest node.
    pub(super) connection: Option<ResKey>,
    /// How many primitives it was given so far.
    pub(super) count: u32,
    /// A node of a bundle: closed to everything else.
    pub(super) bundle: bool,
}

impl Node {
    /// Whether something may run there, scores aside.
    pub(super) fn is_available(&self) -> bool {
        self.online && !self.shutdown && !self.unclean && !self.standby && !self.maintenance && !self.pending
    }

    pub(super) fn is_guest(&self) -> bool {
        self.place == Place::Guest
    }

    pub(super) fn is_behind_connection(&self) -> bool {
        self.place != Place::Member
    }
}

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// One thing.
    #[default]
    Primitive,
    /// Members one after the other.
    Group,
    /// Instances.
    Clone,
    /// Replicas of containers.
    Bundle,
}

/// What is done when a resource is found active more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Multiple {
    /// Stop all, start one.
    #[default]
    StopStart,
    /// Stop all.
    StopOnly,
    /// Leave all alone.
    Block,
    /// Stop those that are not where it should be.
    StopUnexpected,
}

/// What must be so before a resource is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Needs {
    /// Nothing.
    Nothing,
    /// The quorum.
    Quorum,
    /// And everybody unclean fenced.
    #[default]
    Fencing,
    /// And its node unfenced.
    Unfencing,
}

/// What a clone is like.
#[derive(Debug, Clone, Default)]
pub(super) struct Cloned {
    pub(super) max: u32,
    pub(super) node_max: u32,
    pub(super) unique: bool,
    pub(super) promotable: bool,
    pub(super) promoted_max: u32,
    pub(super) promoted_node_max: u32,
    pub(super) interleave: bool,
    pub(super) ordered: bool,
    pub(super) notify: bool,
    pub(super) min: u32,
}

/// One replica of a bundle.
#[derive(Debug, Clone, Default)]
pub(super) struct Replica {
    pub(super) ip: Option<ResKey>,
    pub(super) container: Option<ResKey>,
    pub(super) connection: Option<ResKey>,
    pub(super) child: Option<ResKey>,
    pub(super) node: Option<NodeKey>,
}

/// What the status section has told of one resource on one node, once it was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// The operations, oldest first.
    pub(super) records: Vec<Record>,
    /// Recurring operations that are believed to be active: name and interval.
    pub(super) recurring: BTreeSet<(String, Millis)>,
    /// Those that are to be run again.
    pub(super) again: BTreeSet<(String, Millis)>,
    /// The agent by the history is another one.
    pub(super) agent_changed: bool,
    /// Whether the failures of this resource there are to be cleared.
    pub(super) clear: bool,
    /// A lock that has ended.
    pub(super) lock_ended: bool,
}

/// A resource or an instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Res {
    /// The id, with a number for instances.
    pub(super) name: String,
    /// The id as configured.
    pub(super) id: String,
    /// The id under which it is known in the history.
    pub(super) known_as: Option<String>,
    pub(super) kind: Kind,
    pub(super) parent: Option<ResKey>,
    pub(super) children: Vec<ResKey>,
    pub(super) number: Option<u32>,
    pub(super) agent: AgentDef,
    pub(super) cloned: Cloned,
    pub(super) replicas: Vec<Replica>,
    pub(super) replicas_per_host: u32,
    pub(super) params: Vec<AttrSet>,
    /// The meta attributes, as they are in effect without a node.
    pub(super) meta: BTreeMap<String, String>,
    pub(super) operations: Vec<OperationDef>,
    pub(super) needs_capacity: BTreeMap<String, i64>,
    pub(super) priority: Score,
    pub(super) stickiness: Score,
    pub(super) threshold: Score,
    /// Milliseconds; zero means never.
    pub(super) failure_timeout: Millis,
    pub(super) multiple: Multiple,
    pub(super) needs: Needs,
    pub(super) critical: bool,
    pub(super) allow_migrate: bool,
    pub(super) target: Phase,
    /// The container that it is in by a meta attribute, or as a connection.
    pub(super) container: Option<ResKey>,
    /// What this one contains.
    pub(super) fillers: Vec<ResKey>,
    /// The node that this is the connection of.
    pub(super) connects: Option<NodeKey>,
    /// Made by the engine: part of a bundle, or the connection of a guest.
    pub(super) implicit: bool,

    pub(super) removed: bool,
    pub(super) managed: bool,
    pub(super) maintenance: bool,
    pub(super) blocked: bool,
    /// Why it is not managed.
    pub(super) left: Option<Left>,
    pub(super) failed: bool,
    pub(super) must_stop: bool,
    pub(super) demote_only: bool,
    pub(super) start_pending: bool,
    pub(super) failure_ignored: bool,
    pub(super) unmigratable: bool,
    pub(super) role: Phase,
    pub(super) next: Phase,
    pub(super) active: Vec<NodeKey>,
    pub(super) known: BTreeSet<NodeKey>,
    pub(super) dangling: Vec<NodeKey>,
    pub(super) partial: Option<(NodeKey, NodeKey)>,
    pub(super) locked_to: Option<NodeKey>,
    pub(super) told: BTreeMap<NodeKey, Told>,
    pub(super) restart_required: bool,

    /// How much each node is wanted.
    pub(super) table: Table,
    /// Instances that each node has, of clones.
    pub(super) counts: BTreeMap<NodeKey, u32>,
    pub(super) discovery: BTreeMap<NodeKey, Discovery>,
    pub(super) exclusive: bool,
    /// Locations for one role: promoted ones.
    pub(super) promoted_locations: Vec<(NodeKey, Score, Because)>,
    /// The ticket without which it is not promoted, by the place of its constraint.
    pub(super) promote_banned: Option<usize>,
    pub(super) promotion: Score,
    pub(super) placing: bool,
    pub(super) merging: bool,
    pub(super) placed: bool,
    pub(super) node: Option<NodeKey>,
}

/// Why a resource is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// The whole cluster is in maintenance.
    Maintenance,
    /// It, or what it is in, is in maintenance.
    OwnMaintenance,
    /// `is-managed` says so.
    Meta,
    /// It runs on a node in maintenance.
    NodeMaintenance(NodeKey),
    /// Fencing is on, and there is nothing to fence with.
    NoDevice,
    /// It failed there, and `on-fail` is `block`.
    OnFail(NodeKey),
    /// It could not be stopped there, and the node cannot be fenced.
    Stop(NodeKey),
    /// It, or a part of the same whole, is active more than once.
    ActiveTwice,
    /// The ticket of the constraint of this place was lost.
    Ticket(usize),
    /// It is configured no more, and such resources are left.
    Removed,
}

/// Where a resource is looked for; the highest word counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Discovery {
    /// There, too.
    #[default]
    Always,
    /// Not there.
    Never,
    /// Only there.
    Exclusive,
}

impl Res {
    /// It is not managed. The first reason stays.
    pub(super) fn leave(&mut self, left: Left) {
        self.managed = false;
        self.left.get_or_insert(left);
    }

    /// And it is blocked, too.
    pub(super) fn block(&mut self, left: Left) {
        self.leave(left);
        self.blocked = true;
    }

    pub(super) fn is_fence_device(&self) -> bool {
        self.agent.class == "stonith"
    }

    pub(super) fn is_connection(&self) -> bool {
        self.agent.kind == "remote" && self.agent.provider.as_deref() == Some("pacemaker") && self.agent.class == "ocf"
    }

    pub(super) fn is_collective(&self) -> bool {
        self.kind != Kind::Primitive
    }

    pub(super) fn is_clone_like(&self) -> bool {
        matches!(self.kind, Kind::Clone | Kind::Bundle)
    }
}

/// A colocation of two resources.
#[derive(Debug, Clone)]
pub(super) struct Coloc {
    pub(super) dependent: ResKey,
    pub(super) primary: ResKey,
    pub(super) score: Score,
    pub(super) dependent_role: Phase,
    pub(super) primary_role: Phase,
    pub(super) attribute: Option<String>,
    /// Whether the dependent's wishes count even while the primary runs.
    pub(super) influence: bool,
    /// Made by the engine, not by a person.
    pub(super) implicit: bool,
    /// Its place among all colocations.
    pub(super) place: usize,
    /// The place of the constraint that a person wrote.
    pub(super) written: Option<usize>,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub(super) scene: &'a Scene,
    pub(super) options: Options,
    pub(super) nodes: Arena<NodeKey, Node>,
    pub(super) res: Arena<ResKey, Res>,
    /// The resources of the top level, in the order in which they are placed.
    pub(super) top: Vec<ResKey>,
    pub(super) colocations: Vec<Coloc>,
    /// Locations in the order in which they were made: resource, node, points, and where they come from.
    pub(super) locations: Vec<(ResKey, NodeKey, Score, Because)>,
    pub(super) has_devices: bool,
    pub(super) uses_unfencing: bool,
    pub(super) has_remotes: bool,
    /// Whether tables keep their parts.
    pub(super) trail: Trail,
    /// What was chosen, and by which rule; only with a trail.
    pub(super) notes: Notes,
}

impl Model<'_> {
    /// The node of that name.
    pub(super) fn node_named(&self, name: &str) -> Option<NodeKey> {
        self.nodes.iter().find(|(_, node)| node.name == name).map(|(key, _)| key)
    }

    /// The outermost resource that contains `key`, itself if none does.
    pub(super) fn top_of(&self, key: ResKey) -> ResKey {
        let mut at = key;
        while let Some(parent) = self.res[at].parent {
            at = parent;
        }
        at
    }

    /// The clone or bundle around `key`, if there is one.
    pub(super) fn clone_of(&self, key: ResKey) -> Option<ResKey> {
        let top = self.top_of(key);
        (top != key && self.res[top].is_clone_like()).then_some(top)
    }

    /// The clone around `key`, if its instances have no number of their own.
    pub(super) fn anonymous_clone_of(&self, key: ResKey) -> Option<ResKey> {
        self.clone_of(key).filter(|clone| self.res[*clone].kind == Kind::Clone && !self.res[*clone].cloned.unique)
    }

    /// All primitives at or below `key`.
    pub(super) fn primitives(&self, key: ResKey) -> Vec<ResKey> {
        let mut found = Vec::new();
        let mut open = vec![key];
        while let Some(at) = open.pop() {
            if self.res[at].kind == Kind::Primitive {
                found.push(at);
            }
            open.extend(self.res[at].children.iter().rev());
        }
        found
    }

    /// `key` and everything below it, parents first.
    pub(super) fn subtree(&self, key: ResKey) -> Vec<ResKey> {
        let mut found = Vec::new();
        let mut open = vec![key];
        while let Some(at) = open.pop() {
            found.push(at);
            open.extend(self.res[at].children.iter().rev());
        }
        found
    }

    /// Whether `key` is an instance of a promotable clone, or that clone.
    pub(super) fn is_promotable(&self, key: ResKey) -> bool {
        let top = self.top_of(key);
        // The parts of a bundle that only carry what is promoted have no such role.
        let carries = self.res[key].implicit && self.res[key].kind == Kind::Primitive;
        self.res[top].cloned.promotable && !carries
    }

    /// Adds `score` to what `key` has for `node`, where it has an entry; makes one for a node that has none.
    pub(super) fn add_score(&mut self, key: ResKey, node: NodeKey, score: Score, because: Because) {
        let base =
            if self.nodes[node].online && !self.nodes[node].shutdown { Score::ZERO } else { Score::MINUS_INFINITY };
        let table = &mut self.res[key].table;
        table.open(node, base);
        table.add(node, score, because);
    }

    /// Adds a resource, whose table keeps its parts if they are asked for.
    pub(super) fn add_res(&mut self, res: Res) -> ResKey {
        self.res.add(Res { table: Table::new(self.trail), ..res })
    }

    /// Forbids `key`, with everything below it, on `node`.
    pub(super) fn ban(&mut self, key: ResKey, node: NodeKey, because: Because) {
        self.locate(key, node, Score::MINUS_INFINITY, because);
    }

    /// Forbids `key`, with everything below it, everywhere.
    pub(super) fn ban_everywhere(&mut self, key: ResKey, because: Because) {
        let nodes: Vec<NodeKey> = self.nodes.keys().collect();
        for node in nodes {
            for at in self.subtree(key) {
                self.res[at].table.add(node, Score::MINUS_INFINITY, because);
            }
        }
    }

    /// Adds a location: of groups for the first member, of clones for every instance.
    pub(super) fn locate(&mut self, key: ResKey, node: NodeKey, score: Score, because: Because) {
        self.add_score(key, node, score, because);
        let children = self.res[key].children.clone();
        match self.res[key].kind {
            Kind::Primitive => {}
            Kind::Group => {
                for (place, child) in children.into_iter().enumerate() {
                    let score = if place == 0 { score } else { Score::ZERO };
                    self.locate(child, node, score, because);
                }
            }
            Kind::Clone => children.into_iter().for_each(|child| self.locate(child, node, score, because)),
            Kind::Bundle => {
                let replicas = self.res[key].replicas.clone();
                for part in replicas.iter().flat_map(|r| [r.container, r.ip]).flatten() {
                    self.locate(part, node, score, because);
                }
            }
        }
    }
}
