//! Ids for what has none of its own.
//! Source: the ids that crmsh 4.4.1 writes.

use std::collections::{BTreeMap, BTreeSet};

/// Ids that are taken.
#[derive(Debug, Clone, Default)]
pub(in crate::crm) struct Ids {
    taken: BTreeSet<String>,
    /// The next number to try behind a name, so that many of one name cost no more than a few.
    next: BTreeMap<String, usize>,
}

impl Ids {
    /// Marks `id` as taken.
    pub(in crate::crm) fn take(&mut self, id: &str) {
        self.taken.insert(id.to_owned());
    }

    /// An id like `name` that nothing else has: with `-0`, `-1`, ... behind it if it must be.
    pub(super) fn make(&mut self, name: &str) -> String {
        let name: String = name.chars().map(|c| if fits(c) { c } else { '_' }).collect();
        if self.taken.insert(name.clone()) {
            return name;
        }
        loop {
            let next = self.next.entry(name.clone()).or_default();
            let id = format!("{name}-{next}");
            *next += 1;
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }

    /// `own`, or else an id like `name`.
    pub(super) fn own_or(&mut self, own: Option<&str>, name: &str) -> String {
        match own {
            Some(own) => {
                self.take(own);
                own.to_owned()
            }
            None => self.make(name),
        }
    }
}

fn fits(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.')
}
