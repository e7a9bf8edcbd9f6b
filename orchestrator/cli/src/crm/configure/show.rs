//! Which objects are meant, and how they are shown.

use haven_config::crm::{Kind, Object, Secrets};
use serde::Serialize;

use super::super::edits::{Edits, unknown};
use super::super::shell::Shell;
use crate::terminal::Format;
use crate::trouble::Trouble;

/// An object for programs.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    kind: &'static str,
    name: &'a str,
    text: String,
}

/// The objects that words choose; all if there are none.
pub(super) fn chosen<'e>(edits: &'e Edits, words: &[&str]) -> Result<Vec<&'e Object>, Trouble> {
    let all = edits.now.objects();
    if words.is_empty() {
        return Ok(all.iter().collect());
    }
    let mut found: Vec<&Object> = Vec::new();
    for word in words {
        let more: Vec<&Object> = match word.split_once(':') {
            _ if *word == "changed" => all.iter().filter(|object| edits.has_changed(object)).collect(),
            Some(("type", kind)) => {
                let kind = Kind::of_word(kind).ok_or_else(|| {
                    Trouble::usage(format!("`{kind}` is no kind of object"), "name one such as primitive or location")
                })?;
                all.iter().filter(|object| object.kind() == kind).collect()
            }
            Some(("tag", tag)) => {
                let members = tagged(edits, tag)?;
                all.iter().filter(|object| members.iter().any(|member| member == object.name())).collect()
            }
            Some(("related", name)) => {
                edits.object(name)?;
                let names = edits.now.related(name);
                all.iter().filter(|object| names.contains(object.name())).collect()
            }
            Some(_) | None => {
                let named: Vec<&Object> = edits.now.named(word).collect();
                if named.is_empty() {
                    return Err(unknown(&edits.now, word));
                }
                named
            }
        };
        found.extend(more);
    }
    Ok(found)
}

/// The members of a tag.
fn tagged(edits: &Edits, tag: &str) -> Result<Vec<String>, Trouble> {
    let is = |object: &Object| object.kind() == Kind::Tag && object.name() == tag;
    if !edits.now.objects().iter().any(is) {
        return Err(unknown(&edits.now, tag));
    }
    // Behind the word and the name.
    let text = edits.now.show_some(Secrets::Hidden, is);
    Ok(text.split_whitespace().skip(2).map(str::to_owned).collect())
}

/// `show`.
pub(super) async fn show(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    let (xml, words) = match words {
        ["xml", rest @ ..] => (true, rest),
        _ => (false, words),
    };
    let terminal = *shell.session.terminal;
    let edits = shell.edits().await?;
    let chosen = chosen(edits, words)?;
    let is_chosen = |object: &Object| chosen.contains(&object);
    if xml {
        terminal.text(&edits.now.some_to_xml(Secrets::Hidden, is_chosen));
        return Ok(());
    }
    if terminal.format() == Format::Json {
        let one = |object: &&Object| {
            let text = edits.now.show_some(Secrets::Hidden, |other| std::ptr::eq(*object, other));
            (object.kind().word(), object.name().to_owned(), text)
        };
        let texts: Vec<_> = chosen.iter().map(one).collect();
        let shown: Vec<Shown<'_>> =
            texts.iter().map(|(kind, name, text)| Shown { kind, name, text: text.clone() }).collect();
        terminal.json(&shown);
        return Ok(());
    }
    terminal.text(&edits.now.show_some(Secrets::Hidden, is_chosen));
    Ok(())
}
