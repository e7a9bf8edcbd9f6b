//! Operations.
//!
//! Source: Pacemaker Explained, "Resource Operations".

use std::collections::BTreeMap;

use haven_core::scheduler::engine::config::OperationDef;
use haven_core::spec::{OnFail, Operation, Role};
use haven_core::units::Millis;

use super::super::{reading, usual};
use super::sets::Owner;
use super::tally::{Fate, Thing};
use super::work::Work;
use crate::diagnostic::quoted;

/// What an operation of haven has a place for, or says that it does not do. Others the reader has named.
const KNOWN: [&str; 8] =
    ["timeout", "role", "on-fail", "start-delay", "enabled", "record-pending", "interval-origin", "requires"];

impl<'a> Work<'_, 'a, '_> {
    /// The operation of the resource. Nothing if it is refused.
    pub(super) fn operation(&mut self, resource: &str, operation: &OperationDef) -> Option<Operation> {
        let object = format!("resource {resource} op {}", operation.name);
        let made = self.made_operation(resource, operation, &object);
        let fate = if made.is_some() { Fate::Taken } else { Fate::Refused };
        self.count(Thing::Operation, object, fate);
        made
    }

    fn made_operation(&mut self, resource: &str, operation: &OperationDef, object: &str) -> Option<Operation> {
        let OperationDef { id, name, interval, own, meta, params } = operation;
        let part = self.places.id(id);
        let mut values: BTreeMap<&str, &str> = BTreeMap::new();
        let mut well = true;
        for (attribute, value) in own {
            if attribute == "description" {
                self.note(self.places.attribute(id, "description"), "the description of an operation is not kept");
            } else if KNOWN.contains(&attribute.as_str()) {
                values.insert(attribute, value);
            }
        }
        let owner = Owner { id, object };
        for value in self.flat(owner, "an operation", meta) {
            let fate = if values.insert(value.name, value.value).is_some_and(|other| other != value.value) {
                well = false;
                self.refuse(
                    value.part,
                    format!("{} is written twice, and not alike", quoted(value.name)),
                    "remove one of them",
                )
            } else {
                Fate::Taken
            };
            self.count(Thing::Value, format!("{object} {}", value.name), fate);
        }
        for value in self.flat(owner, "an operation", params) {
            let what = format!("{} is a parameter of an operation alone, which haven does not do", quoted(value.name));
            let fate = self.refuse(value.part, what, "remove it, or give it to the whole resource");
            self.count(Thing::Value, format!("{object} {}", value.name), fate);
            well = false;
        }
        well &= meta.iter().chain(params).all(|set| set.rule.is_none());
        let mut made = Operation { name: name.clone(), interval: *interval, ..Operation::default() };
        if !id.is_empty() && !usual::is_operation(id, resource, name) {
            made.extra.insert("id".to_owned(), id.clone());
        }
        for (name, value) in values {
            well &= self.attribute(id, part, name, value, &mut made);
        }
        well.then_some(made)
    }

    /// Reads one attribute into the operation. Whether that went well; if not, it has been said.
    fn attribute(&mut self, id: &str, around: &'a str, name: &str, value: &str, made: &mut Operation) -> bool {
        let part = self.places.pair_of(id, name).unwrap_or(around);
        match name {
            "timeout" => self.time(part, name, value, &mut made.timeout),
            "start-delay" => self.time(part, name, value, &mut made.start_delay),
            "role" => {
                made.role = Role::parse(value);
                made.role.is_some() || self.unreadable(part, name, value)
            }
            // The reader has said that it is not read.
            "on-fail" => {
                made.on_fail = OnFail::parse(&value.to_ascii_lowercase());
                let of_the_element = self.places.element(id).is_some_and(|op| op.attribute(name).is_some());
                made.on_fail.is_some() || of_the_element || self.unreadable(part, name, value)
            }
            "enabled" if reading::flag(value).is_none() => true,
            _ => {
                made.extra.insert(name.to_owned(), value.to_owned());
                true
            }
        }
    }

    fn time(&mut self, part: &str, name: &str, value: &str, into: &mut Option<Millis>) -> bool {
        *into = reading::span(value);
        into.is_some() || self.unreadable(part, name, value)
    }

    fn unreadable(&mut self, part: &str, name: &str, value: &str) -> bool {
        self.refuse(part, format!("{name} {} cannot be read", quoted(value)), "write it as Pacemaker's manual does");
        false
    }
}
