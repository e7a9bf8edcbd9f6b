//! One resource of a line: words that heartbeat reads differently from what they look like.
//!
//! Source: heartbeat 3.0.6's `ResourceManager`, measured. It splits at `::` only, drops empty arguments (the shell
//! does), and knows nothing of quotes.

use std::net::Ipv6Addr;

use super::{Reading, Word};
use crate::diagnostic::{Place, Report, quoted};
use crate::source::width;

/// Scripts whose first argument is an address.
const ADDRESS_SCRIPTS: [&str; 5] = ["IPaddr", "IPaddr2", "IPv6addr", "IPsrcaddr", "SendArp"];

/// Whether heartbeat takes `word` for an IPv4 address: four parts that begin with a digit, whatever follows in them.
pub(super) fn looks_like_ipv4(word: &str) -> bool {
    // The shell pattern is [0-9]*.[0-9]*.[0-9]*.[0-9]*, and a star takes anything, dots included.
    let mut rest = word;
    for part in 0..4 {
        let next = if part == 0 { Some(rest) } else { after_dot_before_digit(rest) };
        match next {
            Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => rest = next.get(1..).unwrap_or_default(),
            Some(_) | None => return false,
        }
    }
    true
}

fn after_dot_before_digit(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('.') {
        if after.starts_with(|c: char| c.is_ascii_digit()) {
            return Some(after);
        }
        rest = after;
    }
    None
}

/// Reports what is wrong with `word` as a resource, and marks it.
pub(super) fn check(word: &mut Word, report: &mut Report) {
    if word.reading == Reading::Faulty {
        return;
    }
    let checks = [quotes_and_backslashes, ipv6, single_colons, script_name, empty_arguments];
    if let Some(fault) = checks.iter().find_map(|check| check(word)) {
        word.reading = Reading::Faulty;
        report.error(fault.place, fault.what, fault.remedy);
        return;
    }
    if word.text.ends_with("::") {
        let what = format!("{} ends in `::`, behind which there is no argument", quoted(&word.text));
        report.warning(word.place(), what, "remove the `::`");
    }
    if let Some(index) = word.text.find(['*', '?', '[']) {
        let what = "heartbeat's shell expands this to names of files, where there are any; haven takes it literally";
        report.note(place_of(word, index), what, "");
    }
}

struct Fault {
    place: Place,
    what: String,
    remedy: String,
}

/// The place of the character at this byte of `word`.
fn place_of(word: &Word, byte: usize) -> Place {
    let offset = width(word.text.get(..byte).unwrap_or_default());
    // Of a word over two lines, only the part on the first has a place.
    if offset >= word.width {
        return word.place();
    }
    let mut at = word.at;
    at.column = at.column.saturating_add(offset);
    at.wide(1)
}

fn quotes_and_backslashes(word: &Word) -> Option<Fault> {
    let index = word.text.find(['"', '\'', '\\'])?;
    let place = place_of(word, index);
    if word.text.get(index..).is_some_and(|rest| rest.starts_with('\\')) {
        let what = "`\\` stands inside a word, where heartbeat's shell may change it".to_owned();
        return Some(Fault { place, what, remedy: "remove it; only at the end of a line it has a meaning".to_owned() });
    }
    let what = "there are no quotes in `haresources`: the quote is part of the word, and a blank always ends it";
    let remedy = "remove the quotes; what needs a blank must be done by a script without arguments";
    Some(Fault { place, what: what.to_owned(), remedy: remedy.to_owned() })
}

/// An IPv6 address with `::` is torn; one that stands alone is taken for a script.
fn ipv6(word: &Word) -> Option<Fault> {
    let address = |text: &str| text.split('/').next().unwrap_or_default().parse::<Ipv6Addr>().ok();
    // Some names of scripts with an argument read as addresses, too, such as `db2::dba`.
    let in_use =
        |found: &Ipv6Addr| matches!(found.segments(), [0x2000..=0x3fff | 0xfc00..=0xfdff | 0xfe80..=0xfebf, ..]);
    let spelled = |text: &str, address: Ipv6Addr| {
        let rest = text.split_once('/').map(|(_, rest)| format!("/{rest}")).unwrap_or_default();
        format!("write {}", quoted(&format!("IPv6addr::{}{rest}", without_double_colon(address))))
    };
    let fault = |what, remedy| Some(Fault { place: word.place(), what, remedy });
    let (script, arguments) = word.call();
    if let Some(found) = address(&word.text).filter(in_use) {
        let what = if arguments.is_empty() {
            format!("heartbeat takes an IPv6 address that stands alone for a script of that name: {}", quoted(script))
        } else {
            let (script, rest) = (quoted(script), quoted(&arguments.join(" ")));
            format!("heartbeat splits every word at `::`: it would run a script {script} with the arguments {rest}")
        };
        return fault(what, spelled(&word.text, found));
    }
    let (_, rest) =
        word.text.split_once("::").filter(|(script, rest)| ADDRESS_SCRIPTS.contains(script) && rest.contains("::"))?;
    let found = address(rest)?;
    let what = format!(
        "heartbeat splits every word at `::`, which tears this IPv6 address: {script} would get the arguments {}",
        quoted(&arguments.join(" "))
    );
    fault(what, spelled(rest, found))
}

/// All eight groups, so that no `::` is left.
pub(in crate::heartbeat) fn without_double_colon(address: Ipv6Addr) -> String {
    address.segments().map(|segment| format!("{segment:x}")).join(":")
}

fn single_colons(word: &Word) -> Option<Fault> {
    let (script, _) = word.call();
    let (name, rest) = script.split_once(':')?;
    let what = format!("heartbeat splits at `::` only, so this is a script called {}", quoted(script));
    let rest = format!("{rest}{}", word.text.get(script.len()..).unwrap_or_default());
    let remedy = format!("write {}", quoted(&format!("{name}::{rest}")));
    Some(Fault { place: place_of(word, name.len()), what, remedy })
}

fn script_name(word: &Word) -> Option<Fault> {
    let (script, _) = word.call();
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if !script.is_empty() && !script.starts_with(['.', '-']) && script.chars().all(inner) {
        return None;
    }
    let what = if script.is_empty() {
        "there is no name of a script before `::`".to_owned()
    } else {
        format!("{} is no name of a script: letters, digits and `._-@` are allowed", quoted(script))
    };
    let remedy = "name a script of /etc/ha.d/resource.d or /etc/init.d, or a unit of systemd, without its folder";
    Some(Fault { place: word.place(), what, remedy: remedy.to_owned() })
}

fn empty_arguments(word: &Word) -> Option<Fault> {
    let index = word.text.find("::::")?;
    let what = "there is an empty argument, and heartbeat's shell drops it, so that those behind it move up".to_owned();
    let remedy = "give every argument up to the last one that you need".to_owned();
    Some(Fault { place: place_of(word, index), what, remedy })
}
