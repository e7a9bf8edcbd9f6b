//! What a configuration consists of.
//!
//! For: each thing that the dialect has a word for, as a value; what it has no word for, as XML.
//! Never: a meaning. Names are texts, and whether they lead anywhere is looked at by `verify`.

pub(crate) mod attributes;
pub(crate) mod cluster;
pub(crate) mod constraint;
pub(crate) mod mention;
pub(crate) mod reference;
pub(crate) mod resource;
pub(crate) mod rule;

use std::fmt;

use self::attributes::{AttrSet, Attributes, SetKind};
use self::cluster::{AclTarget, Alert, Node, OptionKind, Options, Role, Tag, Topology};
use self::constraint::{Colocation, Location, Order, Ticket};
use self::resource::{Bundle, BundlePart, Holder, Part, Primitive};
use super::markup::Markup;

/// One object of a configuration, with the comments before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub(crate) comments: Vec<String>,
    pub(crate) body: Body,
}

/// What an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Node(Node),
    Template(Primitive),
    Primitive(Primitive),
    Bundle(Bundle),
    Group(Holder),
    Promotable(Holder),
    Clone(Holder),
    Tag(Tag),
    Location(Location),
    Colocation(Colocation),
    Order(Order),
    Ticket(Ticket),
    Topology(Topology),
    Options(Options),
    Role(Role),
    AclTarget(AclTarget),
    User(Role),
    Alert(Alert),
    Xml(Markup),
}

/// A space of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Space {
    Objects,
    Nodes,
    Users,
}

/// What kind of object it is, in the order in which kinds are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A node.
    Node,
    /// A template of primitives.
    Template,
    /// A resource that an agent runs.
    Primitive,
    /// A resource in containers.
    Bundle,
    /// Resources that run together, one after the other.
    Group,
    /// A promotable clone in the old spelling, `ms`.
    Promotable,
    /// A resource on several nodes.
    Clone,
    /// A name for resources.
    Tag,
    /// Where something runs.
    Location,
    /// With whom it runs.
    Colocation,
    /// What happens first.
    Order,
    /// With which ticket it runs.
    Ticket,
    /// Who is fenced by what.
    Topology,
    /// Options of the cluster.
    Property,
    /// Meta attributes of all resources.
    ResourceDefaults,
    /// Meta attributes of all operations.
    OperationDefaults,
    /// Permissions under a name.
    Role,
    /// Which roles a user has.
    AclTarget,
    /// Permissions of a user in old configurations.
    User,
    /// Who is told of events.
    Alert,
    /// What the dialect has no word for.
    Xml,
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 21] = [
        Self::Node,
        Self::Template,
        Self::Primitive,
        Self::Bundle,
        Self::Group,
        Self::Promotable,
        Self::Clone,
        Self::Tag,
        Self::Location,
        Self::Colocation,
        Self::Order,
        Self::Ticket,
        Self::Topology,
        Self::Property,
        Self::ResourceDefaults,
        Self::OperationDefaults,
        Self::Role,
        Self::AclTarget,
        Self::User,
        Self::Alert,
        Self::Xml,
    ];

    /// The word that such an object begins with.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Template => "rsc_template",
            Self::Primitive => "primitive",
            Self::Bundle => "bundle",
            Self::Group => "group",
            Self::Promotable => "ms",
            Self::Clone => "clone",
            Self::Tag => "tag",
            Self::Location => "location",
            Self::Colocation => "colocation",
            Self::Order => "order",
            Self::Ticket => "rsc_ticket",
            Self::Topology => "fencing_topology",
            Self::Property => "property",
            Self::ResourceDefaults => "rsc_defaults",
            Self::OperationDefaults => "op_defaults",
            Self::Role => "role",
            Self::AclTarget => "acl_target",
            Self::User => "user",
            Self::Alert => "alert",
            Self::Xml => "xml",
        }
    }

    /// The kind that begins with `word`, in any case; `master` and `collocation` are others' spellings.
    pub fn of_word(word: &str) -> Option<Self> {
        let word = match word.to_ascii_lowercase().as_str() {
            "master" => "ms".to_owned(),
            "collocation" => "colocation".to_owned(),
            other => other.to_owned(),
        };
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it is a resource, a template not counted.
    pub const fn is_resource(self) -> bool {
        matches!(self, Self::Primitive | Self::Bundle | Self::Group | Self::Promotable | Self::Clone)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Object {
    /// An object without comments.
    pub(crate) fn of(body: Body) -> Self {
        Self { comments: Vec::new(), body }
    }

    /// The name that it is asked for by: its id, of a node its name. What is XML has the id of its element, or its name.
    pub fn name(&self) -> &str {
        match &self.body {
            Body::Node(node) => &node.name,
            Body::Template(primitive) | Body::Primitive(primitive) => &primitive.id,
            Body::Bundle(bundle) => &bundle.id,
            Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) => &holder.id,
            Body::Tag(tag) => &tag.id,
            Body::Location(location) => &location.id,
            Body::Colocation(colocation) => &colocation.id,
            Body::Order(order) => &order.id,
            Body::Ticket(ticket) => &ticket.id,
            Body::Topology(_) => Kind::Topology.word(),
            Body::Options(options) => &options.id,
            Body::Role(role) | Body::User(role) => &role.id,
            Body::AclTarget(target) => &target.id,
            Body::Alert(alert) => &alert.id,
            Body::Xml(markup) => markup.object_name(),
        }
    }

    /// What kind of object it is. XML is of the kind that its element would be.
    pub fn kind(&self) -> Kind {
        match &self.body {
            Body::Node(_) => Kind::Node,
            Body::Template(_) => Kind::Template,
            Body::Primitive(_) => Kind::Primitive,
            Body::Bundle(_) => Kind::Bundle,
            Body::Group(_) => Kind::Group,
            Body::Promotable(_) => Kind::Promotable,
            Body::Clone(_) => Kind::Clone,
            Body::Tag(_) => Kind::Tag,
            Body::Location(_) => Kind::Location,
            Body::Colocation(_) => Kind::Colocation,
            Body::Order(_) => Kind::Order,
            Body::Ticket(_) => Kind::Ticket,
            Body::Topology(_) => Kind::Topology,
            Body::Options(options) => match options.kind {
                OptionKind::Property => Kind::Property,
                OptionKind::Resources => Kind::ResourceDefaults,
                OptionKind::Operations => Kind::OperationDefaults,
            },
            Body::Role(_) => Kind::Role,
            Body::AclTarget(_) => Kind::AclTarget,
            Body::User(_) => Kind::User,
            Body::Alert(_) => Kind::Alert,
            Body::Xml(markup) => markup.kind(),
        }
    }

    /// In which space of names it is: names of nodes and of users are apart from all others.
    pub(crate) fn space(&self) -> Space {
        match self.kind() {
            Kind::Node => Space::Nodes,
            Kind::AclTarget | Kind::User => Space::Users,
            Kind::Template
            | Kind::Primitive
            | Kind::Bundle
            | Kind::Group
            | Kind::Promotable
            | Kind::Clone
            | Kind::Tag
            | Kind::Location
            | Kind::Colocation
            | Kind::Order
            | Kind::Ticket
            | Kind::Topology
            | Kind::Property
            | Kind::ResourceDefaults
            | Kind::OperationDefaults
            | Kind::Role
            | Kind::Alert
            | Kind::Xml => Space::Objects,
        }
    }

    /// The sets of attributes that are written out in a resource, a node or options of the cluster, which are `Params`.
    pub(crate) fn sets(&self) -> Vec<(SetKind, &AttrSet)> {
        match &self.body {
            Body::Template(primitive) | Body::Primitive(primitive) => {
                primitive.parts.iter().filter_map(Part::attributes).filter_map(written_out).collect()
            }
            Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) => {
                holder.sets.iter().map(|(kind, attributes)| (*kind, attributes)).filter_map(written_out).collect()
            }
            Body::Node(node) => {
                node.sets.iter().map(|(kind, attributes)| (*kind, attributes)).filter_map(written_out).collect()
            }
            Body::Bundle(bundle) => bundle.parts.iter().filter_map(BundlePart::set).collect(),
            Body::Options(options) => vec![(SetKind::Params, &options.set)],
            Body::Tag(_)
            | Body::Location(_)
            | Body::Colocation(_)
            | Body::Order(_)
            | Body::Ticket(_)
            | Body::Topology(_)
            | Body::Role(_)
            | Body::AclTarget(_)
            | Body::User(_)
            | Body::Alert(_)
            | Body::Xml(_) => Vec::new(),
        }
    }

    /// Does something to each set of attributes of a resource, a node or options; one that is only referred to is `Err`.
    pub(crate) fn each_set_mut(&mut self, act: &mut dyn FnMut(SetKind, Result<&mut AttrSet, &mut String>)) {
        let mut with = |kind: SetKind, attributes: &mut Attributes| match attributes {
            Attributes::Own(set) => act(kind, Ok(set)),
            Attributes::Reference(id) => act(kind, Err(id)),
        };
        match &mut self.body {
            Body::Template(primitive) | Body::Primitive(primitive) => {
                for part in &mut primitive.parts {
                    if let Part::Set(kind, attributes) = part {
                        with(*kind, attributes);
                    }
                }
            }
            Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) => {
                holder.sets.iter_mut().for_each(|(kind, attributes)| with(*kind, attributes));
            }
            Body::Node(node) => node.sets.iter_mut().for_each(|(kind, attributes)| with(*kind, attributes)),
            Body::Bundle(bundle) => {
                for part in &mut bundle.parts {
                    if let BundlePart::Set(kind, set) = part {
                        act(*kind, Ok(set));
                    }
                }
            }
            Body::Options(options) => act(SetKind::Params, Ok(&mut options.set)),
            Body::Tag(_)
            | Body::Location(_)
            | Body::Colocation(_)
            | Body::Order(_)
            | Body::Ticket(_)
            | Body::Topology(_)
            | Body::Role(_)
            | Body::AclTarget(_)
            | Body::User(_)
            | Body::Alert(_)
            | Body::Xml(_) => {}
        }
    }

    /// The resources directly within it, if it holds any, in their order.
    pub fn members(&self) -> Vec<&str> {
        match &self.body {
            Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) => {
                holder.members.iter().map(String::as_str).collect()
            }
            Body::Bundle(bundle) => bundle.primitive().into_iter().collect(),
            Body::Node(_)
            | Body::Template(_)
            | Body::Primitive(_)
            | Body::Tag(_)
            | Body::Location(_)
            | Body::Colocation(_)
            | Body::Order(_)
            | Body::Ticket(_)
            | Body::Topology(_)
            | Body::Options(_)
            | Body::Role(_)
            | Body::AclTarget(_)
            | Body::User(_)
            | Body::Alert(_)
            | Body::Xml(_) => Vec::new(),
        }
    }
}

/// The set itself, unless it is that of another object.
fn written_out((kind, attributes): (SetKind, &Attributes)) -> Option<(SetKind, &AttrSet)> {
    match attributes {
        Attributes::Own(set) => Some((kind, set)),
        Attributes::Reference(_) => None,
    }
}
