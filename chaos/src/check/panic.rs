//! Panics: no fault from outside excuses one.

use super::Violation;

/// What begins the line of a panic, whichever thread it was in.
const PANICKED: &str = " panicked at ";

/// The first panic in what a node's daemons have printed, over all their lives.
pub fn check(node: &str, printed: &str) -> Option<Violation> {
    let mut lines = printed.lines().skip_while(|line| !line.contains(PANICKED));
    let (place, why) = (lines.next()?.trim(), lines.next().unwrap_or_default().trim());
    Some(Violation::new("panic", format!("the daemon of {node}: {place} {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_its_place_and_reason() {
        let printed = "began\n\nthread 'main' (7) panicked at src/x.rs:1:2:\nno such index\nnote: run\nbegan\n";
        let found = check("n2", printed).map(|found| found.to_string());
        let want = "panic: the daemon of n2: thread 'main' (7) panicked at src/x.rs:1:2: no such index";
        assert_eq!(found.as_deref(), Some(want));
    }

    #[test]
    fn one_that_resets_its_machine_has_not_panicked() {
        assert_eq!(check("n2", "the hold lease has ended, and db does not stop: resetting\n"), None);
    }
}
