//! The words of the level `configure`.

use haven_config::crm::Kind;

use super::{Entry, Verb, also, entry, lacks};

/// A command of the level `configure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Configure {
    /// An object of that kind is added, or replaced.
    Object(Kind),
    /// A monitor is added to a primitive.
    Monitor,
    /// Objects are shown.
    Show,
    /// Objects are changed in an editor.
    Edit,
    /// A file is taken in.
    Load,
    /// A file is written.
    Save,
    /// What is wrong with it.
    Verify,
    /// The edits become so.
    Commit,
    /// Objects go.
    Delete,
    /// An object gets another name.
    Rename,
    /// A group gets or loses a member.
    ModGroup,
    /// All objects go.
    Erase,
    /// The edits go.
    Refresh,
    /// A newer schema.
    Upgrade,
    /// What would happen.
    Simulate,
    /// Timeouts that agents advise.
    DefaultTimeouts,
    /// An option of the cluster is told.
    GetProperty,
    /// An attribute gets a value.
    Set,
}

const fn object(kind: Kind, usage: &'static str, about: &'static str) -> Entry {
    entry(kind.word(), Verb::Configure(Configure::Object(kind)), usage, about)
}

const fn verb(word: &'static str, verb: Configure, usage: &'static str, about: &'static str) -> Entry {
    entry(word, Verb::Configure(verb), usage, about)
}

const PRIMITIVE: &str = "ID {[CLASS:[PROVIDER:]]TYPE | @TEMPLATE} [[params] NAME=VALUE...] [meta NAME=VALUE...] \
                         [utilization NAME=VALUE...] [op NAME [NAME=VALUE...]...]";
const HOLDER: &str = "ID RESOURCE [params NAME=VALUE...] [meta NAME=VALUE...]";
const OPTIONS: &str = "[$id=SET] [rule ...] NAME=VALUE...";

/// Words of the level `configure`.
pub(super) const WORDS: &[Entry] = &[
    object(Kind::Node, "[ID:] NAME[:TYPE] [attributes NAME=VALUE...] [utilization NAME=VALUE...]", "A node."),
    object(Kind::Primitive, PRIMITIVE, "A resource that an agent runs."),
    object(Kind::Template, PRIMITIVE, "A template of primitives."),
    object(Kind::Group, "ID RESOURCE... [params NAME=VALUE...] [meta NAME=VALUE...]", "Resources that run together."),
    object(Kind::Clone, HOLDER, "A resource on several nodes."),
    also(&[concat!("mas", "ter")], object(Kind::Promotable, HOLDER, "A promotable clone in the old spelling.")),
    object(Kind::Bundle, "ID CONTAINER ... [network ...] [storage ...] [primitive ID]", "A resource in containers."),
    object(Kind::Tag, "ID RESOURCE...", "A name for resources."),
    object(Kind::Location, "ID RESOURCE {SCORE: NODE | rule ...}", "Where a resource runs."),
    also(
        &["collocation"],
        object(Kind::Colocation, "ID SCORE: RESOURCE[:ROLE] RESOURCE[:ROLE]...", "With whom a resource runs."),
    ),
    object(Kind::Order, "ID [KIND:] RESOURCE[:ACTION] RESOURCE[:ACTION]...", "What happens first."),
    object(Kind::Ticket, "ID TICKET: RESOURCE[:ROLE]... [loss-policy=POLICY]", "With which ticket a resource runs."),
    object(Kind::Topology, "[NODE:] DEVICE[,DEVICE...]...", "Which devices fence whom, in which order."),
    object(Kind::Property, OPTIONS, "Options of the cluster."),
    object(Kind::ResourceDefaults, OPTIONS, "Meta attributes of all resources."),
    object(Kind::OperationDefaults, OPTIONS, "Meta attributes of all operations."),
    object(Kind::Role, "ID {read | write | deny} WHAT...", "Permissions under a name."),
    object(Kind::AclTarget, "USER ROLE...", "Which roles a user has."),
    object(Kind::User, "USER {role:ROLE | read | write | deny} WHAT...", "Permissions of a user, as of old."),
    object(Kind::Alert, "ID PATH [attributes ...] [select ...] [to ADDRESS]", "Who is told of events."),
    object(Kind::Xml, "ELEMENT", "What has no word of its own."),
    verb("monitor", Configure::Monitor, "RESOURCE[:ROLE] INTERVAL[:TIMEOUT]", "Another monitor of a primitive."),
    verb("show", Configure::Show, "[xml] [changed | NAME | type:KIND | tag:TAG | related:NAME]...", "Show objects."),
    verb("edit", Configure::Edit, "[xml] [NAME | type:KIND...]", "Change objects in an editor."),
    verb("load", Configure::Load, "[xml] {replace | update | push} FILE", "Take a file in; `-` is standard input."),
    verb("save", Configure::Save, "[xml] FILE [NAME...]", "Write a file that `load` reads; `-` is standard output."),
    verb("verify", Configure::Verify, "", "Look for what is wrong with the configuration."),
    verb("commit", Configure::Commit, "[force]", "Make the edits so."),
    verb("delete", Configure::Delete, "[--force] NAME...", "Delete objects, and what is nothing without them."),
    verb("rename", Configure::Rename, "NAME NEW", "Give an object another name, wherever it is named."),
    verb(
        "modgroup",
        Configure::ModGroup,
        "GROUP {add RESOURCE [{before | after} RESOURCE] | remove RESOURCE}",
        "Change the members of a group.",
    ),
    verb("erase", Configure::Erase, "[nodes]", "Delete everything; nodes stay unless they are named."),
    verb("refresh", Configure::Refresh, "", "Forget the edits, and read what is so."),
    verb("upgrade", Configure::Upgrade, "", "Nothing: haven reads every version."),
    also(&["ptest"], verb("simulate", Configure::Simulate, "", "Show what the edits would do.")),
    also(
        &["default_timeouts"],
        verb("default-timeouts", Configure::DefaultTimeouts, "RESOURCE...", "Take the timeouts that agents advise."),
    ),
    also(&["get_property"], verb("get-property", Configure::GetProperty, "NAME", "Tell an option of the cluster.")),
    verb("set", Configure::Set, "NAME.ATTRIBUTE VALUE", "Give an attribute a value."),
    lacks("filter", "use `save FILE`, the program, and `load replace FILE`"),
    lacks("graph", "use `show related:NAME`, or the console of the daemon"),
    lacks("schema", "nothing: haven reads every version"),
    lacks("template", "use `rsc_template`"),
    lacks("cib", "give a CIB by --cib or CIB_file"),
    lacks("cibstatus", "use `haven plan --cib FILE --what-if CHANGES`"),
    lacks("assist", "write the constraints themselves"),
    lacks("validate-all", "use `verify`"),
    lacks("validate_all", "use `verify`"),
];
