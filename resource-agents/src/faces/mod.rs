//! The names under which OCF agents call the cluster: `crm_attribute`, `crm_master`, `attrd_updater`, `crm_node`,
//! `crm_resource` and `pacemakerd`.
//!
//! For: stock agents of resource-agents and drbd-utils without Pacemaker. The program is started under one of these
//! names, talks to the daemon through an [`AttributeStore`], and prints what the agents parse.
//! Never: a success for something that was not done. Names whose answer would be a Pacemaker configuration
//! (`crm_mon`, `cibadmin`, ...) refuse, so that an agent fails where it would otherwise act on an empty answer.
//! Source: the calls in resource-agents 4.12 and drbd-utils 9.22, and Pacemaker 2.1's manual pages.

mod attribute;
mod options;
mod queries;

use std::collections::BTreeMap;
use std::fmt;

/// Every name that is answered to, sorted; the last ones refuse.
pub const NAMES: [&str; 14] = [
    "attrd_updater",
    "cibadmin",
    "crm_attribute",
    "crm_failcount",
    "crm_master",
    "crm_mon",
    "crm_node",
    "crm_resource",
    "crm_simulate",
    "crm_standby",
    "crm_ticket",
    "crm_verify",
    "pacemakerd",
    "stonith_admin",
];

/// It worked.
const OK: i32 = 0;
/// Wrong usage.
const USAGE: i32 = 64;
/// Haven does not do that.
const UNAVAILABLE: i32 = 69;
/// The daemon cannot be reached.
const NOT_CONNECTED: i32 = 102;
/// The attribute does not exist.
const NO_SUCH: i32 = 105;

/// How long an attribute lives, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lifetime {
    /// A node's, until it boots again.
    Boot,
    /// A node's, for ever.
    Forever,
    /// A node's capacity, for ever.
    Utilization,
    /// The cluster's, for ever; the node that is named does not matter.
    Cluster,
}

/// The daemon did not answer, or refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// A node, as `crm_node -l` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// A number of its own, not 0: `sg_persist` makes reservation keys of it.
    pub number: u64,
    /// Its name.
    pub name: String,
    /// Whether it takes part now.
    pub present: Presence,
}

/// Whether a node takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It does.
    Member,
    /// It does not.
    Lost,
}

/// Whether this side of the cluster may decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quorum {
    /// It may.
    Held,
    /// It may not.
    Lost,
}

/// Where a resource runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The node.
    pub node: String,
    /// Whether it is promoted there.
    pub promoted: Promoted,
}

/// Whether an instance is promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promoted {
    /// It is.
    Yes,
    /// It is not, or cannot be.
    No,
}

/// The daemon, as these names need it. Every method may wait for it.
pub trait AttributeStore {
    /// An attribute's value, if it exists.
    fn get(&mut self, node: &str, name: &str, lifetime: Lifetime) -> Result<Option<String>, StoreError>;

    /// Sets an attribute. Returns when that is committed.
    fn set(&mut self, node: &str, name: &str, lifetime: Lifetime, value: &str) -> Result<(), StoreError>;

    /// Removes an attribute; succeeds if it does not exist.
    fn delete(&mut self, node: &str, name: &str, lifetime: Lifetime) -> Result<(), StoreError>;

    /// The name of this node.
    fn my_name(&mut self) -> Result<String, StoreError>;

    /// All nodes, by name.
    fn members(&mut self) -> Result<Vec<Member>, StoreError>;

    /// Whether this side may decide.
    fn quorum(&mut self) -> Result<Quorum, StoreError>;

    /// Where a resource runs; empty if nowhere.
    fn locate(&mut self, resource: &str) -> Result<Vec<Place>, StoreError>;
}

/// What the program prints, and the code with which it ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spoken {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code.
    pub code: i32,
}

impl Spoken {
    fn line(line: impl fmt::Display) -> Self {
        Self { stdout: format!("{line}\n"), ..Self::default() }
    }

    fn refusal(face: &str, code: i32, what: impl fmt::Display) -> Self {
        Self { stderr: format!("{face}: {what}\n"), code, ..Self::default() }
    }
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    Usage(String),
    NoSuch,
    Unavailable(String),
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Acts as the program `face`, called with `args` (without its own name) and this environment. The environment of an
/// OCF agent names the resource, which decides the name of a promotion score.
pub fn speak(face: &str, args: &[String], env: &BTreeMap<String, String>, store: &mut dyn AttributeStore) -> Spoken {
    let spoken = match face {
        "crm_attribute" | "crm_master" => attribute::crm_attribute(face, args, env, store),
        "attrd_updater" => attribute::attrd_updater(args, store),
        "crm_node" => queries::crm_node(args, store),
        "crm_resource" => queries::crm_resource(args, store),
        "pacemakerd" => queries::pacemakerd(args),
        other => Err(Fault::Unavailable(format!("haven does not answer as {other}"))),
    };
    spoken.unwrap_or_else(|fault| match fault {
        Fault::Usage(what) => Spoken::refusal(face, USAGE, what),
        Fault::NoSuch => Spoken::refusal(face, NO_SUCH, "no such attribute"),
        Fault::Unavailable(what) => Spoken::refusal(face, UNAVAILABLE, what),
        Fault::Store(error) => Spoken::refusal(face, NOT_CONNECTED, format!("not connected to haven: {error}")),
    })
}

#[cfg(test)]
mod tests;
