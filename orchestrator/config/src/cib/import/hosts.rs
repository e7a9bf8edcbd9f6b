//! Which nodes a fence device switches, and by which outlets.
//!
//! Source: Pacemaker Explained, "Special Meta-Attributes for Fencing Resources": `pcmk_host_map`, `pcmk_host_list`,
//! `pcmk_host_argument`; fence-agents 4.12 for which programs take an outlet.

/// Programs for a device that is part of one machine. They take no outlet, or read none.
const ONE_MACHINE: [&str; 23] = [
    "ipmitool",
    "fence_alom",
    "fence_amt",
    "fence_amt_ws",
    "fence_drac",
    "fence_idrac",
    "fence_ilo",
    "fence_ilo2",
    "fence_ilo3",
    "fence_ilo3_ssh",
    "fence_ilo4",
    "fence_ilo4_ssh",
    "fence_ilo5",
    "fence_ilo5_ssh",
    "fence_ilo_mp",
    "fence_ilo_ssh",
    "fence_imm",
    "fence_ipmilan",
    "fence_ipmilanplus",
    "fence_redfish",
    "fence_rsa",
    "fence_rsb",
    "fence_cimc",
];

/// Whether the program is for a device that is part of one machine.
pub(in crate::cib) fn is_of_one_machine(program: &str) -> bool {
    ONE_MACHINE.contains(&program)
}

/// The names in a list of hosts: blanks, commas and semicolons are between them.
pub(super) fn list(text: &str) -> Vec<&str> {
    let between = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
    text.split(between).filter(|name| !name.is_empty()).collect()
}

/// The nodes with their outlets: `n1:1;n2:2,3`. A backslash takes a mark as it is. Errors: the entry that is none.
pub(super) fn map(text: &str) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut found = Vec::new();
    for entry in split(text, |c| c == ';' || c.is_whitespace()) {
        if entry.is_empty() {
            continue;
        }
        let mut parts = split(&entry, |c| matches!(c, ':' | '='));
        let node = if parts.is_empty() { String::new() } else { plain(&parts.remove(0)) };
        let rest = parts.join(":");
        let outlets: Vec<String> = split(&rest, |c| c == ',').iter().map(|outlet| plain(outlet)).collect();
        if node.is_empty() || outlets.iter().any(String::is_empty) {
            return Err(plain(&entry));
        }
        found.push((node, outlets));
    }
    Ok(found)
}

/// `map`, the other way round.
pub(in crate::cib) fn written<'n>(entries: impl Iterator<Item = (&'n str, &'n [String])>) -> String {
    let outlets = |outlets: &[String]| outlets.iter().map(|outlet| escaped(outlet)).collect::<Vec<_>>().join(",");
    let entries: Vec<String> = entries.map(|(node, own)| format!("{}:{}", escaped(node), outlets(own))).collect();
    entries.join(";")
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_whitespace() || matches!(c, ';' | ':' | '=' | ',' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The parts between marks, with their backslashes.
fn split(text: &str, between: impl Fn(char) -> bool) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let Some(last) = parts.last_mut() else { break };
        if c == '\\' {
            last.push(c);
            last.extend(chars.next());
        } else if between(c) {
            parts.push(String::new());
        } else {
            last.push(c);
        }
    }
    parts
}

/// The text without its backslashes.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' { out.extend(chars.next()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlets_are_read_as_pacemaker_writes_them() {
        let shown = |text: &str| match map(text) {
            Ok(found) => found.iter().map(|(node, outlets)| format!("{node}={}", outlets.join("+"))).collect(),
            Err(entry) => vec![format!("bad {entry}")],
        };
        for (text, want) in [
            ("n1:1;n2:2,3", vec!["n1=1", "n2=2+3"]),
            (" n1:1 n2:2;; ", vec!["n1=1", "n2=2"]),
            ("n1=vm-1", vec!["n1=vm-1"]),
            ("n1:a\\ b\\;c;n2:d", vec!["n1=a b;c", "n2=d"]),
            ("n1:a:b", vec!["n1=a:b"]),
            ("n1", vec!["bad n1"]),
            ("n1:;n2:1", vec!["bad n1:"]),
            (":1", vec!["bad :1"]),
            ("n1:1,", vec!["bad n1:1,"]),
        ] {
            assert_eq!(shown(text), want, "{text}");
        }
        assert_eq!(list("a b,c;d  "), ["a", "b", "c", "d"]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let outlets = ["1".to_owned(), "a b;c:d,e\\f=g".to_owned()];
        let text = written([("n1", outlets.as_slice()), ("n2:x", &outlets[..1])].into_iter());
        assert_eq!(
            map(&text).unwrap(),
            [("n1".to_owned(), outlets.to_vec()), ("n2:x".to_owned(), outlets[..1].to_vec())]
        );
    }
}
