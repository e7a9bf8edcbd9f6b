//! The text of a CIB with another configuration in it.
//!
//! Never: a change of anything beside the configuration and its numbers: the status of a CIB stays byte for byte.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::Configuration;

/// Why a text is no CIB that could take a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CibFault {
    /// It is not well-formed.
    #[error("it is no XML: {0}")]
    NoXml(String),
    /// There is no element `configuration` in an element `cib`.
    #[error("there is no `configuration` in it")]
    NoConfiguration,
}

/// The CIB `text` with `configuration` in place of its own, `epoch` raised by one and `num_updates` at 0.
pub fn put_into(text: &str, configuration: &Configuration) -> Result<String, CibFault> {
    let (root, old) = find(text)?;
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    let indent: String = part(0..old.start).chars().rev().take_while(|c| matches!(c, ' ' | '\t')).collect();
    let new: Vec<String> = configuration.to_xml().lines().map(|line| format!("{indent}{line}")).collect();
    let new = new.join("\n");
    Ok(format!(
        "{}{}{}{}{}",
        part(0..root.start),
        raised(part(root.clone())),
        part(root.end..old.start),
        new.trim_start(),
        part(old.end..text.len())
    ))
}

/// The tag of the root, and the whole element `configuration` directly within it.
fn find(text: &str) -> Result<(Range<usize>, Range<usize>), CibFault> {
    let mut reader = Reader::from_str(text);
    let at = |reader: &Reader<&[u8]>| usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
    let (mut depth, mut root, mut begun) = (0_usize, None, None);
    loop {
        let before = at(&reader);
        let event = reader.read_event().map_err(|error| CibFault::NoXml(error.to_string()))?;
        let after = at(&reader);
        match event {
            Event::Start(start) => {
                match (depth, start.name().as_ref()) {
                    (0, "cib") => root = Some(before..after),
                    (1, "configuration") => begun = Some(before),
                    _ => {}
                }
                depth += 1;
            }
            Event::Empty(start) if depth == 1 && start.name().as_ref() == "configuration" => {
                return root.map(|root| (root, before..after)).ok_or(CibFault::NoConfiguration);
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let (1, Some(begun)) = (depth, begun) {
                    return root.map(|root| (root, begun..after)).ok_or(CibFault::NoConfiguration);
                }
            }
            Event::Eof => return Err(CibFault::NoConfiguration),
            Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

/// The tag with the next epoch.
fn raised(tag: &str) -> String {
    let tag = match value(tag, "epoch") {
        Some((range, Ok(epoch))) => with(tag, range, &epoch.saturating_add(1).to_string()),
        Some((_, Err(()))) | None => tag.to_owned(),
    };
    match value(&tag, "num_updates") {
        Some((range, _)) => with(&tag, range, "0"),
        None => tag,
    }
}

fn with(tag: &str, range: Range<usize>, value: &str) -> String {
    let (before, behind) = (tag.get(..range.start), tag.get(range.end..));
    format!("{}{value}{}", before.unwrap_or_default(), behind.unwrap_or_default())
}

/// Where the value of an attribute is within a tag, and its number.
fn value(tag: &str, name: &str) -> Option<(Range<usize>, Result<u64, ()>)> {
    for (at, _) in tag.match_indices(name) {
        let before = tag.get(..at)?;
        let rest = tag.get(at + name.len()..)?;
        let mark = rest.trim_start().strip_prefix('=').map(str::trim_start).and_then(|rest| rest.chars().next());
        if let Some(mark @ ('"' | '\'')) = mark.filter(|_| before.ends_with(char::is_whitespace)) {
            let begin = at + name.len() + rest.find(mark)? + 1;
            let end = begin + tag.get(begin..)?.find(mark)?;
            return Some((begin..end, tag.get(begin..end)?.parse().map_err(drop)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::{Load, parse};
    use crate::source::Source;

    fn configuration() -> Configuration {
        let (draft, _) = parse(&Source::of_crm("x", b"primitive a Dummy"));
        Configuration::default().load(&draft, Load::Update).0
    }

    #[test]
    fn only_the_configuration_and_the_numbers_change() {
        let text = "<?xml version=\"1.0\"?>\n<!-- <configuration/> -->\n<cib admin_epoch='3' epoch=\"7\" num_updates='12' x=\"epoch=1\">\n  \
            <configuration>\n<crm_config/>\n  </configuration>\n  <status a = 'b'>\n<!-- kept --></status >\n</cib>\n";
        let new = put_into(text, &configuration()).unwrap();
        let (before, rest) = new.split_once("<configuration>\n").unwrap();
        assert_eq!(
            before,
            "<?xml version=\"1.0\"?>\n<!-- <configuration/> -->\n<cib admin_epoch='3' epoch=\"8\" num_updates='0' x=\"epoch=1\">\n  "
        );
        assert!(
            rest.ends_with("\n  </configuration>\n  <status a = 'b'>\n<!-- kept --></status >\n</cib>\n"),
            "{rest}"
        );
        assert!(rest.contains("      <primitive id=\"a\""), "{rest}");
        let again = put_into(&new, &configuration()).unwrap();
        assert_eq!(again.replace("epoch=\"9\"", "epoch=\"8\""), new);
    }

    #[test]
    fn an_empty_configuration_is_filled() {
        let new = put_into("<cib><configuration/><status/></cib>", &configuration()).unwrap();
        assert!(new.starts_with("<cib><configuration>\n") && new.ends_with("</configuration><status/></cib>"), "{new}");
    }

    #[test]
    fn what_is_no_cib_takes_nothing() {
        for text in ["", "<a/>", "<cib/>", "<cib><status><configuration/></status></cib>", "<x><configuration/></x>"] {
            assert_eq!(put_into(text, &configuration()), Err(CibFault::NoConfiguration), "{text}");
        }
        assert!(matches!(put_into("<cib><configuration></cib>", &configuration()), Err(CibFault::NoXml(_))));
    }
}
