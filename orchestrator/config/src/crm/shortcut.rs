//! Words for parts of a configuration that permissions are about.
//! Source: crm(8), "role", and the paths that crmsh 4.4.1 writes for its words.

/// Words that stand for a path; those with a colon take what follows it.
pub(super) const WORDS: [&str; 9] =
    ["meta", "params", "utilization", "location", "property", "node", "nodeattr", "nodeutil", "status"];

/// What is around the name in a path: the word, and the text before, between and behind its names.
const PATHS: [(&str, &[&str]); 15] = [
    ("meta", &["//primitive[@id='", "']/meta_attributes/nvpair[@name='", "']"]),
    ("meta", &["//primitive[@id='", "']/meta_attributes"]),
    ("params", &["//primitive[@id='", "']/instance_attributes/nvpair[@name='", "']"]),
    ("params", &["//primitive[@id='", "']/instance_attributes"]),
    ("utilization", &["//primitive[@id='", "']/utilization"]),
    ("property", &["//crm_config/cluster_property_set/nvpair[@name='", "']"]),
    ("property", &["//crm_config/cluster_property_set"]),
    ("nodeattr", &["//nodes/node/instance_attributes/nvpair[@name='", "']"]),
    ("nodeattr", &["//nodes/node/instance_attributes"]),
    ("nodeutil", &["//nodes/node/utilization[@uname='", "']"]),
    ("nodeutil", &["//nodes/node/utilization"]),
    ("node", &["//nodes/node[@uname='", "']"]),
    ("node", &["//nodes/node"]),
    ("status", &["/cib/status"]),
    ("cib", &["/cib"]),
];

/// A location names its resource twice.
const LOCATION: [&str; 3] = ["//rsc_location[@id='cli-prefer-", "' and @rsc='", "']"];

/// The path that a word stands for.
pub(super) fn path(word: &str) -> Option<String> {
    let (word, names) = word.split_once(':').unwrap_or((word, ""));
    let names: Vec<&str> = if names.is_empty() { Vec::new() } else { names.split(':').collect() };
    if names.iter().any(|name| name.is_empty() || name.contains('\'')) {
        return None;
    }
    if word == "location" {
        let [name] = *names.as_slice() else { return None };
        let [before, between, behind] = LOCATION;
        return Some(format!("{before}{name}{between}{name}{behind}"));
    }
    let fits = |(known, parts): &&(&str, &[&str])| *known == word && parts.len() == names.len() + 1;
    let (_, parts) = PATHS.iter().find(fits)?;
    let names = names.into_iter().chain([""]);
    Some(parts.iter().zip(names).map(|(part, name)| format!("{part}{name}")).collect())
}

/// The word that stands for a path.
pub(super) fn word(path_of: &str) -> Option<String> {
    let name = path_of.strip_prefix(LOCATION[0]).and_then(|rest| rest.split('\'').next());
    let located = name.map(|name| format!("location:{name}"));
    let others = PATHS.iter().filter_map(|(word, parts)| names(path_of, parts).map(|names| format!("{word}{names}")));
    located.into_iter().chain(others).find(|word| path(word).as_deref() == Some(path_of))
}

/// The names between `parts` in `text`, each behind a colon.
fn names(text: &str, parts: &[&str]) -> Option<String> {
    let (first, others) = parts.split_first()?;
    let mut rest = text.strip_prefix(first)?;
    let mut found = String::new();
    for part in others {
        let (name, behind) = rest.split_once(part)?;
        found.push(':');
        found.push_str(name);
        rest = behind;
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_paths_stand_for_each_other() {
        for text in [
            "meta:a:b",
            "meta:a",
            "params:a:b",
            "params:a",
            "utilization:a",
            "location:a",
            "property",
            "property:x",
            "node",
            "node:m1",
            "nodeattr",
            "nodeattr:x",
            "nodeutil",
            "nodeutil:m1",
            "status",
            "cib",
        ] {
            assert_eq!(path(text).as_deref().and_then(word).as_deref(), Some(text));
        }
        for text in ["meta", "status:x", "location", "meta::x", "node:it's"] {
            assert_eq!(path(text), None, "{text}");
        }
        assert_eq!(word("//x"), None);
        assert_eq!(word("//rsc_location[@id='cli-prefer-a' and @rsc='b']"), None);
    }
}
