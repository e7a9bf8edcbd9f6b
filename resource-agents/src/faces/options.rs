//! Options as these programs take them: `-n X`, `-nX`, `--name X`, `--name=X`, and flags together as `-lp`.

use super::Fault;

/// Whether an option has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Value,
    /// The next word is its value unless it begins with a dash.
    Perhaps,
}

/// One option: its letters, its long names, and whether it has a value. The first long name is what it is called.
pub(super) type Known = (&'static str, &'static [&'static str], Takes);

/// An option that was given, by its first long name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) value: Option<String>,
}

/// Reads `args`; words that are no options are dropped, as these programs do. Errors: an unknown option, or one
/// without its value.
pub(super) fn read(args: &[String], known: &[Known]) -> Result<Vec<Given>, Fault> {
    let mut given = Vec::new();
    let mut words = args.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let (_, names, takes) = find(known, word, |(_, names, _)| names.contains(&name))?;
            let value = attached.or_else(|| following(takes, &mut words));
            push(&mut given, names, takes, value, word)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            let mut rest = letters.chars();
            while let Some(letter) = rest.next() {
                let (_, names, takes) = find(known, word, |(letters, _, _)| letters.contains(letter))?;
                let attached = rest.as_str();
                let value = match takes {
                    Takes::Nothing => None,
                    Takes::Value | Takes::Perhaps if attached.is_empty() => following(takes, &mut words),
                    Takes::Value | Takes::Perhaps => Some(attached.to_owned()),
                };
                let ends = *takes != Takes::Nothing;
                push(&mut given, names, takes, value, word)?;
                if ends {
                    break;
                }
            }
        }
    }
    Ok(given)
}

fn find<'k>(known: &'k [Known], word: &str, is: impl Fn(&Known) -> bool) -> Result<&'k Known, Fault> {
    known.iter().find(|option| is(option)).ok_or_else(|| Fault::Usage(format!("unknown option {word}")))
}

fn following<'a>(takes: &Takes, words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> Option<String> {
    match takes {
        Takes::Nothing => None,
        Takes::Value => words.next().map(str::to_owned),
        Takes::Perhaps => words.next_if(|word| !word.starts_with('-')).map(str::to_owned),
    }
}

fn push(
    given: &mut Vec<Given>,
    names: &'static [&'static str],
    takes: &Takes,
    value: Option<String>,
    word: &str,
) -> Result<(), Fault> {
    if *takes == Takes::Value && value.is_none() {
        return Err(Fault::Usage(format!("option {word} needs a value")));
    }
    let name = names.first().copied().unwrap_or_default();
    given.push(Given { name, value });
    Ok(())
}

/// The value of the last `name`.
pub(super) fn value<'a>(given: &'a [Given], name: &str) -> Option<&'a str> {
    given.iter().rev().find(|option| option.name == name)?.value.as_deref()
}

/// Whether `name` was given.
pub(super) fn has(given: &[Given], name: &str) -> bool {
    given.iter().any(|option| option.name == name)
}
