//! Names that nobody knows and that are written almost like one that has a meaning.
//!
//! For: `stonith-enbled=true`, which the cluster would keep and never read.
//! Never: a word against a name of one's own that is like none of these.
//! Source: Pacemaker Explained, "Cluster Options", "Resource Meta-Attributes", "Resource Operations".

use super::Check;
use crate::crm::object::attributes::SetKind;
use crate::crm::object::resource::{Part, Primitive};
use crate::crm::object::{Kind, Object};
use crate::diagnostic::quoted;
use crate::nearest::nearest;

/// Options of the cluster.
const OPTIONS: &[&str] = &[
    "batch-limit",
    "cancel-removed-actions",
    "cluster-delay",
    "cluster-infrastructure",
    "cluster-ipc-limit",
    "cluster-name",
    "cluster-recheck-interval",
    "concurrent-fencing",
    "dc-deadtime",
    "dc-version",
    "enable-acl",
    "enable-startup-probes",
    "election-timeout",
    "fence-reaction",
    "fencing-action",
    "fencing-enabled",
    "fencing-max-attempts",
    "fencing-timeout",
    "fencing-watchdog-timeout",
    "have-watchdog",
    "join-finalization-timeout",
    "join-integration-timeout",
    "last-lrm-refresh",
    "load-threshold",
    "maintenance-mode",
    "migration-limit",
    "no-quorum-policy",
    "node-action-limit",
    "node-health-base",
    "node-health-green",
    "node-health-red",
    "node-health-strategy",
    "node-health-yellow",
    "node-pending-timeout",
    "pe-error-series-max",
    "pe-input-series-max",
    "pe-warn-series-max",
    "placement-strategy",
    "priority-fencing-delay",
    "remove-after-stop",
    "shutdown-escalation",
    "shutdown-lock",
    "shutdown-lock-limit",
    "start-failure-is-fatal",
    "startup-fencing",
    "stonith-action",
    "stonith-enabled",
    "stonith-max-attempts",
    "stonith-timeout",
    "stonith-watchdog-timeout",
    "stop-all-resources",
    "stop-orphan-actions",
    "stop-orphan-resources",
    "stop-removed-resources",
    "symmetric-cluster",
    "transition-delay",
];

/// Meta attributes of resources.
const META: &[&str] = &[
    "allow-migrate",
    "allow-unhealthy-nodes",
    "clone-max",
    "clone-min",
    "clone-node-max",
    "container-attribute-target",
    "critical",
    "failure-timeout",
    "globally-unique",
    "interleave",
    "is-managed",
    "maintenance",
    "master-max",
    "master-node-max",
    "migration-threshold",
    "multiple-active",
    "notify",
    "ordered",
    "priority",
    "promotable",
    "promoted-max",
    "promoted-node-max",
    "remote-addr",
    "remote-allow-migrate",
    "remote-connect-timeout",
    "remote-node",
    "remote-port",
    "requires",
    "resource-stickiness",
    "target-role",
];

/// Operations.
const OPERATIONS: &[&str] = &[
    "demote",
    "meta-data",
    "migrate_from",
    "migrate_to",
    "monitor",
    "notify",
    "promote",
    "reload",
    "reload-agent",
    "start",
    "status",
    "stop",
    "validate-all",
];

/// What a partition without quorum may do.
const NO_QUORUM: &[&str] = &["demote", "fence", "freeze", "ignore", "stop", "suicide"];

/// The known name that was probably meant.
fn meant<'k>(name: &str, known: &'k [&'k str]) -> Option<&'k str> {
    if known.contains(&name) { None } else { nearest(name, known.iter().copied()) }
}

impl Check<'_> {
    /// Attributes of options and resources whose names are near to one that has a meaning.
    pub(super) fn near_names(&mut self, object: &Object) {
        let (kind, known, of) = match object.kind() {
            Kind::Property => (SetKind::Params, OPTIONS, "option"),
            Kind::ResourceDefaults => (SetKind::Params, META, "meta attribute"),
            Kind::Primitive | Kind::Template | Kind::Group | Kind::Clone | Kind::Promotable | Kind::Bundle => {
                (SetKind::Meta, META, "meta attribute")
            }
            Kind::Node
            | Kind::Tag
            | Kind::Location
            | Kind::Colocation
            | Kind::Order
            | Kind::Ticket
            | Kind::Topology
            | Kind::OperationDefaults
            | Kind::Role
            | Kind::AclTarget
            | Kind::User
            | Kind::Alert
            | Kind::Xml => return,
        };
        for (name, value) in object.attributes(kind) {
            if let Some(near) = meant(name, known) {
                let what = format!("{} is no {of}; it may have been meant as {}", quoted(name), quoted(near));
                self.warn(object, what, "mend the name; nobody reads it as it is");
            }
            if name == "no-quorum-policy" && !NO_QUORUM.contains(&value) {
                let what = format!("no-quorum-policy is {}, which counts as stop", quoted(value));
                self.warn(object, what, &format!("write one of {}", NO_QUORUM.join(", ")));
            }
        }
    }

    /// Operations whose names are near to one that is done.
    pub(super) fn near_operations(&mut self, object: &Object, primitive: &Primitive) {
        for part in &primitive.parts {
            let Part::Operations(operations) = part else { continue };
            for operation in &operations.all {
                if let Some(near) = meant(&operation.name, OPERATIONS) {
                    let what = format!(
                        "{} is no operation; it may have been meant as {}",
                        quoted(&operation.name),
                        quoted(near)
                    );
                    self.warn(object, what, "mend the name; it is never done as it is");
                }
            }
        }
    }
}
