//! The words of the crm shell: a whole configuration as objects, from text and to text, from a CIB and to one.
//!
//! For: everything that `crm configure` knows, for those who have known it for years. [`parse`] reads it,
//! [`Configuration`] holds it, shows it, changes it and says what is wrong with it; [`Configuration::from_xml`] and
//! [`Configuration::to_xml`] are the way to and from a CIB.
//! Never: a file, a program, a question to a cluster; something of a CIB lost because there is no word for it.
//! Source: crm(8), and the behaviour of crmsh 4.4.1, which `docs/reference/crm.md` compares with this.

mod cib_file;
mod edit;
mod lexer;
mod markup;
mod object;
mod parse;
mod shortcut;
mod show;
mod verify;
mod xml_in;
mod xml_out;

use std::collections::BTreeSet;

pub use self::cib_file::{CibFault, put_into};
pub use self::edit::{Deleted, EditFault, Load, MemberPlace};
pub use self::lexer::{Line, Word, word};
use self::markup::{Layout, Markup};
pub use self::object::attributes::SetKind;
use self::object::mention::{Mention, mentions};
use self::object::reference::references;
pub use self::object::{Kind, Object};
pub use self::parse::{Draft, lines, parse};
pub use self::show::Secrets;
use self::show::View;
pub use self::verify::Finding;
use crate::diagnostic::Diagnostic;
use crate::source::Source;

/// A configuration: objects in the order in which a CIB has them. No two have the same name, nodes and users aside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Configuration {
    objects: Vec<Object>,
}

impl Configuration {
    /// Takes the objects as they are.
    pub(super) fn of(objects: Vec<Object>) -> Self {
        Self { objects }
    }

    /// Reads a CIB, or the element `configuration` of one. Its status is not looked at. Nothing is returned if there is any
    /// error; the diagnostics are in the order of the text.
    pub fn from_xml(source: &Source) -> (Option<Self>, Vec<Diagnostic>) {
        xml_in::configuration(source)
    }

    /// The objects, in the order in which a CIB has them.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The objects of that name: one at most, unless a node or a user has it, too.
    pub fn named<'c, 'n>(&'c self, name: &'n str) -> impl Iterator<Item = &'c Object> + use<'c, 'n> {
        self.objects.iter().filter(move |object| object.name() == name)
    }

    /// All objects as text, in the form of `crm configure show`. Each line ends in a newline.
    pub fn show(&self, secrets: Secrets) -> String {
        let wanted = self.wanted();
        show::all(&self.objects, &View { wanted: &wanted, secrets })
    }

    /// The same of those objects that `choose` takes.
    pub fn show_some(&self, secrets: Secrets, choose: impl Fn(&Object) -> bool) -> String {
        let wanted = self.wanted();
        let chosen: Vec<Object> = self.objects.iter().filter(|object| choose(object)).cloned().collect();
        show::all(&chosen, &View { wanted: &wanted, secrets })
    }

    /// The element `configuration` of a CIB, with a newline at its end.
    pub fn to_xml(&self) -> String {
        written(&xml_out::configuration(&self.objects))
    }

    /// The element `configuration` of those objects that `choose` takes, for a screen or a file.
    pub fn some_to_xml(&self, secrets: Secrets, choose: impl Fn(&Object) -> bool) -> String {
        let chosen: Vec<Object> = self.objects.iter().filter(|object| choose(object)).cloned().collect();
        let wanted = self.wanted();
        written(&show::without_secrets(&xml_out::configuration(&chosen), &View { wanted: &wanted, secrets }))
    }

    /// The names of the objects that `name` is about or that are about it, itself among them.
    pub fn related<'c>(&'c self, name: &'c str) -> BTreeSet<&'c str> {
        let mut found: BTreeSet<&str> = self.named(name).map(Object::name).collect();
        for object in &self.objects {
            let names = references(object);
            if names.iter().any(|(_, other)| other == name) {
                found.insert(object.name());
            }
            if object.name() == name {
                let names: BTreeSet<&str> = names.iter().map(|(_, other)| other.as_str()).collect();
                found.extend(self.objects.iter().map(Object::name).filter(|other| names.contains(other)));
            }
        }
        found
    }

    /// A CIB with this configuration and an empty status.
    pub fn to_cib(&self) -> String {
        let mut cib = Markup::new("cib").with("validate-with", "pacemaker-3.9").with("crm_feature_set", "3.16.1");
        for name in ["admin_epoch", "epoch", "num_updates"] {
            cib = cib.with(name, "0");
        }
        cib.children = vec![xml_out::configuration(&self.objects), Markup::new("status")];
        written(&cib)
    }

    /// Ids that something refers to.
    fn wanted(&self) -> BTreeSet<String> {
        let all = self.objects.iter().flat_map(mentions);
        all.filter_map(|mention| match mention {
            Mention::Refers(id) => Some(id.to_owned()),
            Mention::Own(_) => None,
        })
        .collect()
    }
}

fn written(markup: &Markup) -> String {
    let mut text = String::new();
    markup.write(Layout::File, 0, &mut text);
    text.push('\n');
    text
}
