//! `op monitor interval=10s timeout=20s`.

use haven_core::spec::{OnFail, Operation, Role, parse_span};
use haven_core::units::Millis;

use super::{WordFault, pair};

/// Operations from words: a word without `=` begins one, the words after it are its attributes.
pub(super) fn operations(words: &[String]) -> Result<Vec<Operation>, WordFault> {
    let mut found: Vec<Operation> = Vec::new();
    for word in words {
        if !word.contains('=') {
            found.push(Operation { name: word.clone(), ..Operation::default() });
            continue;
        }
        let Some(operation) = found.last_mut() else {
            let what = format!("`{word}` stands before the name of an operation");
            return Err(WordFault::new(what, "begin with the name: op monitor interval=10s timeout=20s"));
        };
        attribute(operation, word)?;
    }
    Ok(found)
}

/// Sets one attribute of an operation from `name=value`.
pub(super) fn attribute(operation: &mut Operation, word: &str) -> Result<(), WordFault> {
    let (name, value) = pair("attribute of an operation", word)?;
    let op = operation.name.clone();
    let bad = |needed: &str| {
        let what = format!("op {op}: {name} is `{value}`, {needed} is needed");
        WordFault::new(what, "correct the value")
    };
    let span = || parse_span(value).ok_or_else(|| bad("a time such as 10s or 2min"));
    match name {
        "interval" => operation.interval = span()?,
        "timeout" => operation.timeout = Some(span()?),
        "start-delay" => operation.start_delay = Some(span()?),
        "role" => operation.role = Some(Role::parse(value).ok_or_else(|| bad("a role such as Started"))?),
        "on-fail" => {
            let known = "one of ignore, block, restart, stop, fence, standby";
            operation.on_fail = Some(OnFail::parse(value).ok_or_else(|| bad(known))?);
        }
        _ => drop(operation.extra.insert(name.to_owned(), value.to_owned())),
    }
    Ok(())
}

/// Adds what the agent advises where nothing is said: timeouts of start and stop, and a monitor if there is none.
pub(super) fn advised(operations: &mut Vec<Operation>, advice: &[Operation]) {
    for advised in advice {
        let wanted = match advised.name.as_str() {
            "start" | "stop" => Operation { interval: Millis::ZERO, ..advised.clone() },
            "monitor" if advised.interval > Millis::ZERO => advised.clone(),
            _ => continue,
        };
        match operations.iter_mut().find(|op| op.name == wanted.name) {
            Some(said) => said.timeout = said.timeout.or(wanted.timeout),
            None => operations.push(wanted),
        }
    }
}
