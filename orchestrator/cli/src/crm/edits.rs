//! A configuration that is being edited.
//!
//! For: what is so, what it would become, and each step from one to the other.
//! Never: a step that is done in part: an edit is taken as a whole, or refused and nothing of it is left.

use haven_api::view::Config;
use haven_config::crm::{Configuration, Deleted, Draft, EditFault, Finding, Kind, Load, Object, SetKind, parse};
use haven_config::{Diagnostic, Place, Severity, Source, has_errors, nearest, render};

use super::cib_file::CibFile;
use super::input::Part;
use crate::plural::count;
use crate::terminal::Terminal;
use crate::trouble::Trouble;

/// Where a configuration comes from, and goes to.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A file.
    File(CibFile),
    /// The cluster, with what it had.
    Cluster(Box<Config>),
}

/// A configuration that is being edited.
#[derive(Debug, Clone)]
pub(crate) struct Edits {
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// What is so.
    pub(crate) base: Configuration,
    /// What it would become.
    pub(crate) now: Configuration,
}

impl From<EditFault> for Trouble {
    fn from(fault: EditFault) -> Self {
        Self::crm(fault.what, fault.remedy)
    }
}

impl Edits {
    /// Nothing is edited yet.
    pub(crate) fn new(origin: Origin, base: Configuration) -> Self {
        Self { origin, now: base.clone(), base }
    }

    /// Whether anything is edited.
    pub(crate) fn are_any(&self) -> bool {
        self.now != self.base
    }

    /// Whether an object is not what it was.
    pub(crate) fn has_changed(&self, object: &Object) -> bool {
        !self.base.objects().contains(object)
    }

    /// Adds an object that a line asks for. One of that name must not be there, unless it is a node or a set of options,
    /// which are added to.
    pub(crate) fn add(&mut self, part: &Part, source: &Source, terminal: &Terminal) -> Result<(), Trouble> {
        let own = Source::of_crm(source.name(), part.text.as_bytes());
        let (draft, said) = parse(&own);
        let mut said = part.placed(said);
        if !has_errors(&said) {
            said.extend(part.placed(self.taken_names(&draft)));
        }
        let loaded = (!has_errors(&said))
            .then(|| self.with_nodes(&draft).unwrap_or_else(|| self.now.load(&draft, Load::Update)));
        let loaded = loaded.map(|(next, more)| (next, part.placed(more)));
        self.settle(&draft, said, loaded, (source, "the configuration"), terminal)
    }

    /// Takes a whole text in.
    pub(crate) fn load(&mut self, source: &Source, how: Load, terminal: &Terminal) -> Result<(), Trouble> {
        let (draft, said) = parse(source);
        self.take(&draft, said, source, how, terminal)
    }

    /// Takes the configuration of a CIB in.
    pub(crate) fn load_xml(&mut self, source: &Source, how: Load, terminal: &Terminal) -> Result<(), Trouble> {
        let (found, said) = Configuration::from_xml(source);
        let draft = found.unwrap_or_default().into_draft();
        self.take(&draft, said, source, how, terminal)
    }

    fn take(
        &mut self,
        draft: &Draft,
        said: Vec<Diagnostic>,
        source: &Source,
        how: Load,
        terminal: &Terminal,
    ) -> Result<(), Trouble> {
        let loaded = (!has_errors(&said)).then(|| self.now.load(draft, how));
        self.settle(draft, said, loaded, (source, source.name()), terminal)
    }

    /// Tells what was said of a draft, and takes what has come of it. Errors: there is an error in it, or a secret is stars.
    fn settle(
        &mut self,
        draft: &Draft,
        mut said: Vec<Diagnostic>,
        loaded: Option<(Configuration, Vec<Diagnostic>)>,
        (source, what): (&Source, &str),
        terminal: &Terminal,
    ) -> Result<(), Trouble> {
        let next = loaded.map(|(next, more)| {
            said.extend(more);
            next
        });
        refused(source, &said, what, terminal)?;
        no_stars(draft)?;
        if let Some(next) = next {
            self.now = next;
        }
        Ok(())
    }

    /// Takes what a person has made of the objects that `shown` takes.
    pub(crate) fn edited(
        &mut self,
        source: &Source,
        shown: impl Fn(&Object) -> bool,
        terminal: &Terminal,
    ) -> Result<(), Trouble> {
        let (draft, said) = parse(source);
        let loaded = (!has_errors(&said)).then(|| self.now.edited(&draft, shown));
        self.settle(&draft, said, loaded, (source, "what was edited"), terminal)
    }

    /// Deletes objects; what else has changed, a sentence each.
    pub(crate) fn delete(&mut self, names: &[&str]) -> Result<Vec<String>, Trouble> {
        let Deleted { configuration, also } = self.now.delete(names)?;
        self.now = configuration;
        Ok(also)
    }

    /// Deletes everything; nodes only if they are named.
    pub(crate) fn erase(&mut self, how: Load) {
        self.now = self.now.load(&Draft::default(), how).0;
    }

    /// The object of that name. Errors: there is none.
    pub(crate) fn object(&self, name: &str) -> Result<&Object, Trouble> {
        self.now.named(name).next().ok_or_else(|| unknown(&self.now, name))
    }

    /// Gives an attribute a value.
    pub(crate) fn set(&mut self, object: &str, kind: SetKind, name: &str, value: &str) -> Result<(), Trouble> {
        self.now = self.now.set_attribute(object, kind, name, value)?;
        Ok(())
    }

    /// What is wrong with it that was not wrong before.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let before = self.base.verify();
        self.now.verify().into_iter().filter(|finding| !before.contains(finding)).collect()
    }

    /// Names that are taken by something else.
    fn taken_names(&self, draft: &Draft) -> Vec<Diagnostic> {
        let joins = |object: &Object| {
            matches!(object.kind(), Kind::Node | Kind::Property | Kind::ResourceDefaults | Kind::OperationDefaults)
        };
        let own = |kind| matches!(kind, Kind::Node | Kind::User | Kind::AclTarget);
        let taken = |object: &&Object| {
            let same = |other: &Object| own(other.kind()) == own(object.kind()) && !(joins(object) && joins(other));
            self.now.named(object.name()).any(same)
        };
        let fault = |object: &Object| Diagnostic {
            severity: Severity::Error,
            place: draft.place_of(object.name()).unwrap_or(Place::Whole),
            what: format!("`{}` is there already", object.name()),
            remedy: format!("change it with `edit {0}`, delete it first, or give another name", object.name()),
        };
        draft.objects().filter(taken).map(fault).collect()
    }

    /// A node that is there already gets the attributes that the draft has for it.
    fn with_nodes(&self, draft: &Draft) -> Option<(Configuration, Vec<Diagnostic>)> {
        let mut next = self.now.clone();
        let mut nodes = draft.objects().peekable();
        nodes.peek()?;
        for node in nodes {
            let known = self.now.named(node.name()).any(|known| known.kind() == Kind::Node);
            if node.kind() != Kind::Node || !known {
                return None;
            }
            for kind in [SetKind::Params, SetKind::Utilization] {
                for (name, value) in node.attributes(kind) {
                    next = next.set_attribute(node.name(), kind, name, value).ok()?;
                }
            }
        }
        Some((next, Vec::new()))
    }
}

/// There is no object of that name.
pub(crate) fn unknown(configuration: &Configuration, name: &str) -> Trouble {
    let near = nearest(name, configuration.objects().iter().map(Object::name));
    let remedy = near.map_or_else(
        || "name one that `configure show` shows".to_owned(),
        |near| format!("write `{near}` if that is meant"),
    );
    Trouble::crm(format!("there is no object `{name}`"), remedy)
}

/// Tells what was said. Errors: there is an error in it.
pub(crate) fn refused(source: &Source, said: &[Diagnostic], what: &str, terminal: &Terminal) -> Result<(), Trouble> {
    let text = render(source, said);
    if !text.is_empty() {
        terminal.aside(text.trim_end());
    }
    let errors = said.iter().filter(|said| said.severity == Severity::Error).count();
    if errors == 0 {
        return Ok(());
    }
    Err(Trouble::crm(format!("{what} cannot be taken: {}", count(errors, "error")), "mend what is named above"))
}

/// Errors: a secret in the draft is the stars that are shown in its place.
fn no_stars(draft: &Draft) -> Result<(), Trouble> {
    let Some((object, _)) = draft.with_stars() else { return Ok(()) };
    let what = format!("a secret of `{}` is stars, as on a screen, and would be lost", object.name());
    Err(Trouble::crm(what, "write the secret itself, or take the text from `save`"))
}
