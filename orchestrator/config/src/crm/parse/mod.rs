//! From text to objects.
//!
//! For: a file or a line in the words of the crm shell. Each statement that is wrong is told by line and column, and the
//! others are read all the same.
//! Never: a guess. A word that is not known is an error, with the one that is near.
//! Source: crm(8), "configure"; what it leaves open is as crmsh 4.4.1 does it.

mod access;
mod attributes;
mod cluster;
mod constraint;
mod resource;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

pub(super) use self::constraint::SET_MARK;
pub(super) use self::words::is_id;
use self::words::{Read, Refused, Words};
use super::lexer::{self, Line};
use super::markup::Markup;
use super::object::cluster::OptionKind;
use super::object::{Body, Kind, Object};
use super::show::{self, STARS, Secrets, View};
use super::xml_in;
use crate::diagnostic::{Diagnostic, Place, Report, Severity, quoted};
use crate::nearest::nearest;
use crate::source::{Position, Source};

/// What a text asks for, in its order.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub(super) statements: Vec<(Place, Statement)>,
}

/// One thing that a text asks for.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    /// An object.
    Object(Object),
    /// A monitor for a primitive: role, interval and timeout as they were written.
    Monitor { resource: String, role: Option<String>, interval: String, timeout: Option<String> },
}

impl Draft {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The first object of which a secret is stars, as they are shown on a screen: they would take its place.
    pub fn with_stars(&self) -> Option<(&Object, Place)> {
        let wanted = BTreeSet::new();
        let view = View { wanted: &wanted, secrets: Secrets::Kept };
        let stars = format!("=\"{STARS}\"");
        self.statements.iter().find_map(|(place, statement)| match statement {
            Statement::Object(object) if show::one(object, &view).contains(&stars) => Some((object, *place)),
            Statement::Object(_) | Statement::Monitor { .. } => None,
        })
    }
}

/// Reads `source`. If any of the diagnostics, which are in the order of the text, is an error, the draft holds only what
/// could be read and is not to be used.
pub fn parse(source: &Source) -> (Draft, Vec<Diagnostic>) {
    let mut report = Report::default();
    report.extend(source.faults().iter().cloned());
    let mut draft = Draft::default();
    for line in lexer::lines(source.text(), &mut report) {
        if let Ok(statements) = statement(&line, &mut report) {
            let place = line.words.first().map_or(Place::Whole, |word| word.place);
            draft.statements.extend(statements.into_iter().map(|statement| (place, statement)));
        }
    }
    (draft, report.finish())
}

/// Cuts `source` into statements of any words, not only those of a configuration. What cannot be cut is told, and left
/// out.
pub fn lines(source: &Source) -> (Vec<Line>, Vec<Diagnostic>) {
    let mut report = Report::default();
    report.extend(source.faults().iter().cloned());
    let lines = lexer::lines(source.text(), &mut report);
    (lines, report.finish())
}

/// The one object that `text`, which is made by this program, reads as; nothing if it reads as something else.
pub(super) fn object(text: &str) -> Option<Object> {
    let mut report = Report::default();
    let lines = lexer::lines(text, &mut report);
    let [line] = lines.as_slice() else { return None };
    let statements = statement(line, &mut report).ok()?;
    match <[Statement; 1]>::try_from(statements).ok()? {
        [Statement::Object(object)] => Some(object),
        [Statement::Monitor { .. }] => None,
    }
}

fn statement(line: &Line, report: &mut Report) -> Read<Vec<Statement>> {
    let mut words = Words::of(line, report);
    let word = words.need("an object")?;
    if word.eq_ignore_ascii_case("monitor") {
        return Ok(vec![monitor(&mut words)?]);
    }
    let Some(kind) = Kind::of_word(word) else {
        let known = Kind::ALL.map(Kind::word);
        let near = nearest(word, known.into_iter().chain(["monitor", "master", "collocation"]));
        let near = near.map(|near| format!("; it may have been meant as `{near}`")).unwrap_or_default();
        let what = format!("{} begins no object{near}", quoted(word));
        return Err(words.refuse_last(what, "begin each line with a word such as primitive, or join lines with `\\`"));
    };
    let bodies = if kind == Kind::Xml { xml(line, report)? } else { vec![body(kind, &mut words)?] };
    let mut objects: Vec<Object> = bodies.into_iter().map(Object::of).collect();
    if let Some(first) = objects.first_mut() {
        first.comments.clone_from(&line.comments);
    }
    Ok(objects.into_iter().map(Statement::Object).collect())
}

fn body(kind: Kind, words: &mut Words) -> Read<Body> {
    Ok(match kind {
        Kind::Node => Body::Node(cluster::node(words)?),
        Kind::Template => Body::Template(resource::primitive(words)?),
        Kind::Primitive => Body::Primitive(resource::primitive(words)?),
        Kind::Bundle => Body::Bundle(resource::bundle(words)?),
        Kind::Group => Body::Group(resource::group(words)?),
        Kind::Promotable => Body::Promotable(resource::clone(words)?),
        Kind::Clone => Body::Clone(resource::clone(words)?),
        Kind::Tag => Body::Tag(cluster::tag(words)?),
        Kind::Location => Body::Location(constraint::location(words)?),
        Kind::Colocation => Body::Colocation(constraint::colocation(words)?),
        Kind::Order => Body::Order(constraint::order(words)?),
        Kind::Ticket => Body::Ticket(constraint::ticket(words)?),
        Kind::Topology => Body::Topology(cluster::topology(words)?),
        Kind::Property => Body::Options(cluster::options(words, OptionKind::Property)?),
        Kind::ResourceDefaults => Body::Options(cluster::options(words, OptionKind::Resources)?),
        Kind::OperationDefaults => Body::Options(cluster::options(words, OptionKind::Operations)?),
        Kind::Role => Body::Role(access::role(words)?),
        Kind::AclTarget => Body::AclTarget(access::acl_target(words)?),
        Kind::User => Body::User(access::user(words)?),
        Kind::Alert => Body::Alert(access::alert(words)?),
        Kind::Xml => Body::Xml(Markup::default()),
    })
}

/// `monitor RESOURCE[:ROLE] INTERVAL[:TIMEOUT]`.
fn monitor(words: &mut Words) -> Read<Statement> {
    let resource = words.need("the resource")?;
    let (resource, role) = match resource.split_once(':') {
        Some((resource, role)) => (resource, Some(role.to_owned())),
        None => (resource, None),
    };
    words.back();
    let resource = words.checked_id(resource)?;
    words.next();
    let times = words.need("the interval")?;
    let (interval, timeout) = match times.split_once(':') {
        Some((interval, timeout)) => (interval, Some(timeout.to_owned())),
        None => (times, None),
    };
    let interval = interval.to_owned();
    words.end(&[])?;
    Ok(Statement::Monitor { resource, role, interval, timeout })
}

/// The objects of an element. Its text keeps its lines, so that places in it are those in the file.
fn xml(line: &Line, report: &mut Report) -> Read<Vec<Body>> {
    let blank = line.raw.len() - line.raw.trim_start().len();
    let behind = blank + Kind::Xml.word().len();
    let text = line.raw.get(behind..).unwrap_or_default();
    let (bodies, said) = xml_in::element(text);
    let skipped = u32::try_from(Kind::Xml.word().len()).unwrap_or_default();
    let begin = Position { line: line.begin.line, column: line.begin.column + skipped };
    let refused = said.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    report.extend(said.into_iter().map(|diagnostic| moved(diagnostic, begin)));
    if refused || bodies.is_empty() {
        if !refused {
            report.error(lexer::whole(line.begin, &line.raw), "there is no element", "write it behind the word");
        }
        return Err(Refused);
    }
    Ok(bodies)
}

/// A diagnostic of a part of the text that begins at `begin`.
fn moved(mut diagnostic: Diagnostic, begin: Position) -> Diagnostic {
    if let Place::At { position, .. } = &mut diagnostic.place {
        if position.line == 1 {
            position.column += begin.column - 1;
        }
        position.line += begin.line - 1;
    } else {
        diagnostic.place = begin.wide(1);
    }
    diagnostic
}
