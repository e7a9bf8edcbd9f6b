//! Reasons in sentences: lower case, without a full stop, as an operator would say them.
//!
//! Never: a fact that is not in the reason.

use std::fmt;

use super::{Closed, Failure, Hurdle, LeftAlone, Part, Reason, Refusal, Rule, Source, Stopped, Whereabouts};
use crate::units::Score;

/// `by ID`, if a person wrote it.
fn by(f: &mut fmt::Formatter, kind: &str, id: Option<&String>) -> fmt::Result {
    id.map_or(Ok(()), |id| write!(f, " ({kind} {id})"))
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let sign = if self.replaces {
            "= "
        } else if self.points.forbids() {
            ""
        } else {
            "+"
        };
        write!(f, "{sign}{} {}", self.points, self.source)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Begin => f.write_str("every node"),
            Self::Location { id, rule: None } => write!(f, "location {id}"),
            Self::Location { id, rule: Some(rule) } => write!(f, "location {id}, rule {rule}"),
            Self::Health { node, attributes } if attributes.is_empty() => write!(f, "health of {node}"),
            Self::Health { node, attributes } => write!(f, "health of {node}: {}", attributes.join(", ")),
            Self::NotBehindConnection => f.write_str("it does not run on nodes behind a connection"),
            Self::Replica => f.write_str("it belongs into its own container"),
            Self::Lock { node } => write!(f, "it waits for {node}, which was shut down with it (shutdown-lock)"),
            Self::Stickiness => f.write_str("it runs there and stays (resource-stickiness)"),
            Self::Failures { resource, node, count, threshold } => failures(f, (resource, node), *count, *threshold),
            Self::Discovery { ids } => {
                write!(f, "only nodes of {} are looked at (resource-discovery=exclusive)", ids.join(", "))
            }
            Self::Failed(failure) => write!(f, "{failure}"),
            Self::Ticket { id, ticket } => write!(f, "the ticket {ticket} is not granted here (constraint {id})"),
            Self::LeftAlone => f.write_str("it is left alone, and is there"),
            Self::ActiveTwice => f.write_str("it was active more than once (multiple-active=stop_only)"),
            Self::Removed => f.write_str("it is configured no more"),
            Self::Container { resource } => write!(f, "it runs in {resource} only"),
            Self::Stopped(why) => write!(f, "it should not run: {why}"),
            Self::CloneMax { clone, max } => write!(f, "{clone} has all its instances (clone-max={max})"),
            Self::CloneNodeMax { clone, max } => write!(f, "{clone} has enough instances there (clone-node-max={max})"),
            Self::Clone { clone } => write!(f, "{clone} may not be there"),
            Self::Unavailable { node } => write!(f, "{node} runs nothing now"),
            Self::Capacity { needs, free } => capacity(f, needs, free),
            Self::Promotion => f.write_str("its agent wants it promoted there"),
            Self::NoPromotionScore => f.write_str("no promotion score was set there"),
            Self::Instance { resource } => write!(f, "wish of {resource} to be promoted"),
            Self::StaysPromoted => f.write_str("it stays promoted"),
            Self::With { id, resource, at } => {
                match at {
                    Whereabouts::Node(at) => write!(f, "with {resource} on {at}")?,
                    Whereabouts::Instances => write!(f, "with {resource}, by where its instances are")?,
                    Whereabouts::Nowhere => write!(f, "with {resource}, which has no node")?,
                }
                by(f, "colocation", id.as_ref())
            }
            Self::Wish { id, resource } => {
                write!(f, "what {resource} wants, which goes with it")?;
                by(f, "colocation", id.as_ref())
            }
            Self::CloneFloor => f.write_str("wishes of others do not close a node to a whole clone"),
        }
    }
}

fn failures(f: &mut fmt::Formatter, (resource, node): (&str, &str), count: Score, threshold: Score) -> fmt::Result {
    if count == Score::INFINITY {
        return write!(f, "{resource} failed on {node} in a way that it may not fail (start-failure-is-fatal)");
    }
    write!(f, "{resource} failed {count} times on {node}, and may {threshold} times (migration-threshold)")
}

fn capacity(f: &mut fmt::Formatter, needs: &[String], free: &[String]) -> fmt::Result {
    let of = |amounts: &[String]| if amounts.is_empty() { "nothing".to_owned() } else { amounts.join(", ") };
    write!(f, "too little room: it needs {}, with all that must be with it; free is {}", of(needs), of(free))
}

/// What the codes of agents say.
fn code_words(code: i64) -> &'static str {
    match code {
        2 => "wrong parameters",
        3 => "not implemented",
        4 => "insufficient privileges",
        5 => "not installed",
        6 => "not configured",
        _ => "it cannot run there",
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotHere { resource, node, code } => {
                write!(f, "the agent of {resource} said on {node}: {} ({code})", code_words(*code))
            }
            Self::Nowhere { resource, node, code } => {
                write!(
                    f,
                    "the agent of {resource} said on {node} that it cannot run anywhere: {} ({code})",
                    code_words(*code)
                )
            }
            Self::Stop { resource, node } => write!(f, "{resource} could not be stopped on {node}"),
            Self::Ban { resource, node } => write!(f, "{resource} failed on {node}, and its on-fail moves it away"),
            Self::StopEverywhere { resource, node } => {
                write!(f, "{resource} failed on {node}, and its on-fail is stop")
            }
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::TargetRole { of: Some(of) } => write!(f, "target-role=Stopped of {of}"),
            Self::TargetRole { of: None } => f.write_str("target-role=Stopped of rsc_defaults"),
            Self::CloneMaxZero => f.write_str("clone-max=0"),
            Self::Removed => f.write_str("it is configured no more"),
            Self::Failure => f.write_str("it failed, and is not tried again now"),
        }
    }
}

impl fmt::Display for LeftAlone {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::MaintenanceMode => f.write_str("the cluster is in maintenance (maintenance-mode)"),
            Self::Meta { name, of } => write!(f, "{name} of {}", of.as_deref().unwrap_or("rsc_defaults")),
            Self::NodeMaintenance { node } => write!(f, "{node} is in maintenance"),
            Self::NoDevice => f.write_str("fencing is on, and no fence device is configured"),
            Self::Failed { resource, node } => write!(f, "{resource} failed on {node}, and a person must look at it"),
            Self::ActiveTwice => f.write_str("it is active more than once (multiple-active=block)"),
            Self::Ticket { ticket } => write!(f, "the ticket {ticket} was lost (loss-policy=freeze)"),
            Self::Removed => f.write_str("it is configured no more, and such resources are left"),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Offline => f.write_str("offline"),
            Self::Unclean { why, .. } if why.is_empty() => f.write_str("unclean"),
            Self::Unclean { why, .. } => write!(f, "unclean: {why}"),
            Self::Pending => f.write_str("joining"),
            Self::ShutsDown => f.write_str("shutting down"),
            Self::Standby { failed: None } => f.write_str("standby"),
            Self::Standby { failed: Some(failed) } => write!(f, "standby: {failed} failed there"),
            Self::Maintenance => f.write_str("maintenance"),
            Self::NoConnection { resource } => write!(f, "no connection: {resource} does not run"),
            Self::Bundle => f.write_str("it is the inside of a container"),
            Self::NotOpened => f.write_str("no location opens it (symmetric-cluster=false)"),
        }
    }
}

impl fmt::Display for Hurdle {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::LeftAlone(left) => write!(f, "left alone: {left}"),
            Self::StopAll => f.write_str("all resources are stopped (stop-all-resources)"),
            Self::NoQuorum { policy } => write!(f, "there is no quorum (no-quorum-policy={policy})"),
            Self::NoNodes => f.write_str("there is no node that runs resources"),
            Self::Behind { action, node, id } => {
                write!(f, "waits for {action}")?;
                node.iter().try_for_each(|node| write!(f, " on {node}"))?;
                f.write_str(", which cannot be done")?;
                by(f, "order", id.as_ref())
            }
            Self::With { resource, id } => {
                write!(f, "must be with {resource}, which cannot start")?;
                by(f, "colocation", id.as_ref())
            }
            Self::NoPartner { clone, id } => {
                write!(f, "no instance of {clone} is on its node")?;
                by(f, "order", id.as_ref())
            }
            Self::TooFew { id } => {
                f.write_str("too few of those before it can be done")?;
                by(f, "order", id.as_ref())
            }
            Self::NodeClosed { node, why } => write!(f, "{node} is {why}"),
            Self::CannotFence { node } => write!(f, "{node} cannot be fenced"),
            Self::Nowhere { resource } => write!(f, "{resource} has no node"),
            Self::NodeFenced { node } => {
                write!(f, "{node} is reset in this plan, and it starts there when {node} is back")
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NoNode => f.write_str("it has no node"),
            Self::TargetRole { of } => {
                write!(f, "target-role of {} does not let it", of.as_deref().unwrap_or("rsc_defaults"))
            }
            Self::Failed => f.write_str("it failed, and is not to be promoted now"),
            Self::PromotedMax { max } => write!(f, "enough are promoted (promoted-max={max})"),
            Self::PromotedNodeMax { max } => write!(f, "enough are promoted there (promoted-node-max={max})"),
            Self::Own(source) => write!(f, "{source}"),
            Self::Others(source) => write!(f, "others do not want it promoted there: {source}"),
            Self::LeftAlone => f.write_str("it is left alone"),
            Self::Unavailable => f.write_str("its node runs nothing now"),
            Self::NoQuorum => f.write_str("there is no quorum"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Closed { node, why } => write!(f, "not on {node}: {why}"),
            Self::Score { node, why } => write!(f, "not on {node}: {why}"),
            Self::Hurdle(hurdle) => write!(f, "{hurdle}"),
            Self::NotPromoted(refusal) => write!(f, "not promoted: {refusal}"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::LeftAlone => f.write_str("it is left alone where it is"),
            Self::Best => f.write_str("the best score"),
            Self::Stays => f.write_str("it is there, and no other node has a better score"),
            Self::Room => f.write_str("no node has room for all that must go together, and it has the most"),
            Self::MoreRoom(than) => write!(f, "as good as {than}, with more free capacity"),
            Self::FewerResources(than) => write!(f, "as good as {than}, which was given more resources before"),
            Self::Here(than) => write!(f, "as good as {than}, and the resource is there"),
            Self::Name(than) => write!(f, "as good as {than}, and its name comes first"),
        }
    }
}
