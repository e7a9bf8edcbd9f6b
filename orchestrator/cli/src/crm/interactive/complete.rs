//! What a word that was begun may become.

use std::collections::BTreeMap;

use haven_config::crm::{Configuration, Kind, Object};

use super::super::agents::CLASSES;
use super::super::words::{Configure, Level, Node, Resource, Verb};

/// Names that words may become.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The objects, each with its kind.
    objects: Vec<(String, Kind)>,
    /// The agents of this machine, as they are written.
    pub(crate) agents: Vec<String>,
    /// What agents that were asked know as parameters.
    pub(crate) parameters: BTreeMap<String, Vec<String>>,
}

impl Names {
    /// Takes the names of a configuration.
    pub(crate) fn take(&mut self, configuration: &Configuration) {
        let one = |object: &Object| (object.name().to_owned(), object.kind());
        self.objects = configuration.objects().iter().map(one).collect();
    }

    fn of(&self, fits: impl Fn(Kind) -> bool) -> Vec<String> {
        self.objects.iter().filter(|(_, kind)| fits(*kind)).map(|(name, _)| name.clone()).collect()
    }

    fn resources(&self) -> Vec<String> {
        self.of(Kind::is_resource)
    }

    fn nodes(&self) -> Vec<String> {
        self.of(|kind| kind == Kind::Node)
    }
}

/// The agent whose parameters are asked for by a line such as `primitive ip IPaddr2 params `, if it is one.
pub(crate) fn agent_of<'w>(words: &[&'w str]) -> Option<&'w str> {
    match words {
        ["configure", rest @ ..] => agent_of(rest),
        ["primitive" | "rsc_template", _, agent, ..] if !agent.starts_with('@') => Some(agent),
        _ => None,
    }
}

/// What the last of `words`, which was begun at `level`, may become, in the order of the alphabet.
pub(crate) fn candidates(level: Level, words: &[&str], names: &Names) -> Vec<String> {
    let Some((begun, before)) = words.split_last() else { return Vec::new() };
    let mut level = level;
    for (at, word) in before.iter().enumerate() {
        let Ok(entry) = level.find(word) else { return Vec::new() };
        let Verb::Enter(next) = entry.verb else {
            let rest = before.get(at + 1..).unwrap_or_default();
            return begins(arguments(entry.verb, rest, words, names), begun);
        };
        level = next;
    }
    let entries = level.entries().filter(|entry| entry.is_here());
    begins(entries.map(|entry| entry.word.to_owned()).collect(), begun)
}

fn begins(mut all: Vec<String>, begun: &str) -> Vec<String> {
    all.retain(|word| word.starts_with(begun));
    all.sort();
    all.dedup();
    all
}

fn fixed(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What may follow a command behind the words `rest` of it.
fn arguments(verb: Verb, rest: &[&str], words: &[&str], names: &Names) -> Vec<String> {
    match verb {
        Verb::Help | Verb::Cd => {
            Level::Root.entries().filter(|e| e.is_here()).map(|entry| entry.word.to_owned()).collect()
        }
        Verb::Configure(verb) => of_configure(verb, rest, words, names),
        Verb::Resource(verb) => of_resource(verb, rest, names),
        Verb::Node(verb) => match (verb, rest.len()) {
            (_, 0) => names.nodes(),
            (Node::Attribute | Node::Utilization, 1) => fixed(&["set", "show", "delete"]),
            _ => Vec::new(),
        },
        Verb::Agents(_) => {
            let mut all = fixed(&CLASSES);
            all.extend(names.agents.iter().cloned());
            all
        }
        Verb::History(_) => {
            let mut all = names.resources();
            all.extend(names.nodes());
            all
        }
        Verb::Enter(_)
        | Verb::Up
        | Verb::List
        | Verb::Quit
        | Verb::Verify
        | Verb::Status
        | Verb::Cluster(_)
        | Verb::Lacks(_) => Vec::new(),
    }
}

fn of_resource(verb: Resource, rest: &[&str], names: &Names) -> Vec<String> {
    match (verb, rest.len()) {
        (_, 0) => names.resources(),
        (Resource::Meta | Resource::Param | Resource::Utilization, 1) => fixed(&["set", "show", "delete"]),
        (Resource::FailCount, 1) => fixed(&["show", "delete"]),
        (Resource::Maintenance, 1) => fixed(&["on", "off"]),
        (Resource::Move | Resource::Ban | Resource::Clear | Resource::Cleanup | Resource::Operations, 1)
        | (Resource::FailCount, 2) => names.nodes(),
        (Resource::Start | Resource::Stop | Resource::Restart | Resource::Manage | Resource::Unmanage, _) => {
            names.resources()
        }
        _ => Vec::new(),
    }
}

fn of_configure(verb: Configure, rest: &[&str], words: &[&str], names: &Names) -> Vec<String> {
    match verb {
        Configure::Object(kind) => of_object(kind, rest, words, names),
        Configure::Show | Configure::Edit | Configure::Delete | Configure::Save => {
            let mut all = names.of(|_| true);
            if verb == Configure::Show {
                all.extend(fixed(&["xml", "changed"]));
                all.extend(Kind::ALL.map(|kind| format!("type:{kind}")));
            }
            all
        }
        Configure::Rename if rest.is_empty() => names.of(|kind| kind != Kind::Node),
        Configure::Monitor | Configure::DefaultTimeouts if rest.is_empty() => names.of(|kind| kind == Kind::Primitive),
        Configure::Load if rest.is_empty() => fixed(&["xml", "replace", "update", "push"]),
        Configure::Load if rest == ["xml"] => fixed(&["replace", "update", "push"]),
        Configure::ModGroup => match rest.len() {
            0 => names.of(|kind| kind == Kind::Group),
            1 => fixed(&["add", "remove"]),
            3 => fixed(&["before", "after"]),
            _ => names.resources(),
        },
        Configure::Commit => fixed(&["force"]),
        Configure::Erase => fixed(&["nodes"]),
        Configure::Rename
        | Configure::Monitor
        | Configure::DefaultTimeouts
        | Configure::Load
        | Configure::Verify
        | Configure::Refresh
        | Configure::Upgrade
        | Configure::Simulate
        | Configure::GetProperty
        | Configure::Set => Vec::new(),
    }
}

fn of_object(kind: Kind, rest: &[&str], words: &[&str], names: &Names) -> Vec<String> {
    match (kind, rest.len()) {
        (Kind::Primitive | Kind::Template, 1) => {
            let templates = names.of(|kind| kind == Kind::Template).into_iter().map(|name| format!("@{name}"));
            names.agents.iter().cloned().chain(templates).collect()
        }
        (Kind::Primitive | Kind::Template, 2..) => {
            let mut all = fixed(&["params", "meta", "utilization", "op"]);
            let known = agent_of(words).and_then(|agent| names.parameters.get(agent));
            all.extend(known.into_iter().flatten().map(|name| format!("{name}=")));
            all
        }
        (
            Kind::Group | Kind::Clone | Kind::Promotable | Kind::Tag | Kind::Colocation | Kind::Order | Kind::Ticket,
            1..,
        ) => names.resources(),
        (Kind::Location, 1) => names.resources(),
        (Kind::Location, 2..) | (Kind::Node, 0) => names.nodes(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use haven_config::Source;
    use haven_config::crm::{Load, parse};

    use super::*;

    fn names() -> Names {
        let text = "node n1\nnode n2\nprimitive web Dummy\nprimitive ip IPaddr2\nrsc_template tpl Dummy\ngroup g web\n\
                    location l g 5: n1\n";
        let (draft, _) = parse(&Source::of_crm("x", text.as_bytes()));
        let mut names = Names::default();
        names.take(&Configuration::default().load(&draft, Load::Update).0);
        names.agents = fixed(&["IPaddr2", "ocf:haven:ip", "stonith:fence_x"]);
        names.parameters.insert("IPaddr2".to_owned(), fixed(&["ip", "nic"]));
        names
    }

    #[track_caller]
    fn check(level: Level, line: &str, want: &[&str]) {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(candidates(level, &words, &names()), want, "{line}");
    }

    #[test]
    fn levels_commands_and_names_are_completed() {
        check(Level::Root, "conf", &["configure"]);
        check(Level::Root, "configure prim", &["primitive"]);
        check(Level::Configure, "delete ", &["g", "ip", "l", "n1", "n2", "tpl", "web"]);
        check(Level::Configure, "show type:te", &[]);
        check(Level::Configure, "show type:ta", &["type:tag"]);
        check(Level::Configure, "modgroup g a", &["add"]);
        check(Level::Configure, "modgroup g add i", &["ip"]);
        check(Level::Configure, "location l2 web 5: n", &["n1", "n2"]);
        check(Level::Configure, "load xml r", &["replace"]);
        check(Level::Root, "resource move web n", &["n1", "n2"]);
        check(Level::Resource, "stop ", &["g", "ip", "web"]);
        check(Level::Resource, "meta web s", &["set", "show"]);
        check(Level::Node, "standby n", &["n1", "n2"]);
        check(Level::Configure, "nonsense ", &[]);
    }

    #[test]
    fn agents_and_their_parameters_are_completed() {
        check(Level::Configure, "primitive a st", &["stonith:fence_x"]);
        check(Level::Configure, "primitive a @", &["@tpl"]);
        check(Level::Root, "configure primitive a IPaddr2 params n", &["nic="]);
        check(Level::Configure, "primitive a Dummy params n", &[]);
    }
}
