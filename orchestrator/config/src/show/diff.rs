//! The difference between two configurations, object by object and line by line.

use std::collections::BTreeSet;
use std::fmt;

use haven_core::spec::Spec;

use super::value::Text;
use super::{Section, objects};

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is in both, and shown for orientation.
    Kept,
    /// It is in the first one only.
    Removed,
    /// It is in the second one only.
    Added,
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// What became of it.
    pub change: Change,
    /// The line, without secrets. Lines after the first one of an object are indented.
    pub text: String,
}

impl fmt::Display for DiffLine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mark = match self.change {
            Change::Kept => ' ',
            Change::Removed => '-',
            Change::Added => '+',
        };
        write!(f, "{mark} {}", self.text)
    }
}

/// The lines that lead from `old` to `new`: whole objects that are gone or added, and of those that differ all lines,
/// so that they can be read without context. In the order of [`super::show()`], objects of one kind by name. Empty
/// when the two say the same; positions in configuration order do not count.
pub fn diff(old: &Spec, new: &Spec) -> Vec<DiffLine> {
    let (old, new) = (objects(old), objects(new));
    let keys: BTreeSet<&(Section, String)> = old.keys().chain(new.keys()).collect();
    let mut lines = Vec::new();
    for key in keys {
        let before = old.get(key).map(Vec::as_slice).unwrap_or_default();
        let after = new.get(key).map(Vec::as_slice).unwrap_or_default();
        if before != after {
            merge(before, after, &mut lines);
        }
    }
    lines
}

/// Most pairs of lines of one object that are compared, which is a thousand lines on each side. An object beyond it
/// is shown as removed and added whole.
const COMPARED_MAX: usize = 1_000_000;

/// Both texts in one, by their longest common subsequence.
fn merge(before: &[Text], after: &[Text], out: &mut Vec<DiffLine>) {
    let common = common(before, after);
    let mut rest = (before.iter().enumerate(), after.iter().enumerate());
    for (in_before, in_after) in common.into_iter().chain([(before.len(), after.len())]) {
        for (index, line) in rest.0.by_ref().take_while(|(index, _)| *index < in_before) {
            put(Change::Removed, index, line, out);
        }
        for (index, line) in rest.1.by_ref().take_while(|(index, _)| *index < in_after) {
            put(Change::Added, index, line, out);
        }
        // `take_while` has consumed the common line itself.
        if let Some(line) = before.get(in_before) {
            put(Change::Kept, in_before, line, out);
        }
    }
}

fn put(change: Change, index: usize, line: &Text, out: &mut Vec<DiffLine>) {
    let indent = if index == 0 { "" } else { "    " };
    out.push(DiffLine { change, text: format!("{indent}{}", line.shown) });
}

/// The places of lines that are the same in both, in order, as many as possible.
fn common(before: &[Text], after: &[Text]) -> Vec<(usize, usize)> {
    if before.len().saturating_mul(after.len()) > COMPARED_MAX {
        return Vec::new();
    }
    // `longest[i][j]`: of what follows line i of the one and line j of the other.
    let mut longest = vec![vec![0_usize; after.len() + 1]; before.len() + 1];
    let at = |longest: &Vec<Vec<usize>>, i: usize, j: usize| {
        longest.get(i).and_then(|row| row.get(j)).copied().unwrap_or_default()
    };
    for (i, old) in before.iter().enumerate().rev() {
        for (j, new) in after.iter().enumerate().rev() {
            let value = if old == new {
                at(&longest, i + 1, j + 1) + 1
            } else {
                at(&longest, i + 1, j).max(at(&longest, i, j + 1))
            };
            if let Some(cell) = longest.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = value;
            }
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while let (Some(old), Some(new)) = (before.get(i), after.get(j)) {
        if old == new {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&longest, i + 1, j) >= at(&longest, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}
