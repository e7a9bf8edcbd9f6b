//! Single records of the history: what was expected of them, and which is older.
//!
//! For: the order in which the records of one resource on one node are read.
//! Never: what they mean.
//! Source: rules R1.12 and R1.13 of the research of this project.

use super::scene::Record;

/// The result that the cluster expected.
pub(super) fn expected(record: &Record) -> Option<i64> {
    record.key.as_deref()?.split(':').nth(2)?.parse().ok()
}

fn transition(record: &Record) -> Option<(&str, i64)> {
    let mut parts = record.magic.as_deref()?.split_once(';')?.1.splitn(4, ':');
    let _action = parts.next()?;
    let transition = parts.next()?.parse().ok()?;
    let _expected = parts.next()?;
    Some((parts.next()?, transition))
}

/// Whether `a` is older than `b`, if that can be told.
fn older(a: &Record, b: &Record) -> Option<bool> {
    if a.call == -1 && b.call == -1 {
        return None;
    }
    if a.call >= 0 && b.call >= 0 && a.call != b.call {
        return Some(a.call < b.call);
    }
    if a.call >= 0 && b.call >= 0 {
        return match (a.changed, b.changed) {
            (Some(x), Some(y)) if x != y => Some(x < y),
            (_, _) => None,
        };
    }
    match (transition(a), transition(b)) {
        (Some((x, m)), Some((y, n))) if x == y && m != n => {
            let m = if m < 0 { i64::MAX } else { m };
            let n = if n < 0 { i64::MAX } else { n };
            Some(m < n)
        }
        // What is pending is newer.
        (_, _) => Some(b.call == -1),
    }
}

/// Sorts records, the oldest first. Not every two of them can be compared, so this inserts one after the other.
pub(super) fn sort(records: &mut Vec<Record>) {
    let mut sorted: Vec<Record> = Vec::with_capacity(records.len());
    for record in records.drain(..) {
        let place = sorted.iter().rposition(|other| older(other, &record) != Some(false)).map_or(0, |place| place + 1);
        sorted.insert(place, record);
    }
    *records = sorted;
}
