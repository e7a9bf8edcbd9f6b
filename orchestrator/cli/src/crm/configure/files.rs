//! Files that are read and written, and the editor of a person.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use haven_config::crm::{Configuration, Load, Object, Secrets};
use haven_config::{FILE_MAX, Source};

use super::super::agents;
use super::super::shell::{Asking, Force, Shell};
use super::{show, usage};
use crate::commands::read_cib;
use crate::plural::count;
use crate::trouble::Trouble;

/// `load [xml] {replace | update | push} FILE`.
pub(super) async fn load(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    const USAGE: &str = "load [xml] {replace | update | push} FILE";
    let (xml, words) = match words {
        ["xml", rest @ ..] => (true, rest),
        _ => (false, words),
    };
    let (how, file) = match words {
        ["replace", file] => (Load::Replace, *file),
        ["update", file] => (Load::Update, *file),
        ["push", file] => (Load::Push, *file),
        _ => return Err(usage(USAGE)),
    };
    if file.contains("://") {
        let what = format!("cannot load {file}: haven does not fetch files from elsewhere");
        return Err(Trouble::usage(what, "fetch it first, and name the file"));
    }
    let (name, bytes) = read(file)?;
    let (terminal, force) = (*shell.session.terminal, shell.force());
    let edits = shell.edits().await?;
    let before = edits.now.clone();
    let done = if xml {
        edits.load_xml(&Source::of_cib(&name, bytes), how, &terminal)
    } else {
        edits.load(&Source::of_crm(&name, &bytes), how, &terminal)
    };
    let done = done.and_then(|()| not_emptied(&before, &edits.now, force));
    if done.is_err() {
        edits.now = before;
    }
    done
}

/// Errors: of all resources that were there none is left, and nobody has said that this is meant.
pub(super) fn not_emptied(before: &Configuration, after: &Configuration, force: Force) -> Result<(), Trouble> {
    let resources = |of: &Configuration| of.objects().iter().filter(|object| object.kind().is_resource()).count();
    let lost = resources(before);
    if force == Force::Always || lost == 0 || resources(after) > 0 {
        return Ok(());
    }
    let what = format!("nothing was changed: {} would go, and none would be left", count(lost, "resource"));
    Err(Trouble::crm(what, "add -F if that is meant"))
}

/// A file; `-` is standard input.
fn read(file: &str) -> Result<(String, Vec<u8>), Trouble> {
    if file != "-" {
        return read_cib(Path::new(file));
    }
    let most = u64::try_from(FILE_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = std::io::stdin().take(most).read_to_end(&mut bytes);
    read.map_err(|error| Trouble::file("read standard input", &error))?;
    Ok(("standard input".to_owned(), bytes))
}

/// `save [xml] FILE [NAME...]`. Passwords are in it, so nobody else may read it.
pub(super) async fn save(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    let (xml, words) = match words {
        ["xml", rest @ ..] => (true, rest),
        _ => (false, words),
    };
    let [file, names @ ..] = words else { return Err(usage("save [xml] FILE [NAME...]")) };
    let (terminal, force) = (*shell.session.terminal, shell.asked.force);
    let edits = shell.edits().await?;
    let chosen = show::chosen(edits, names)?;
    let is_chosen = |object: &Object| chosen.contains(&object);
    let text = |secrets| {
        if xml { edits.now.some_to_xml(secrets, is_chosen) } else { edits.now.show_some(secrets, is_chosen) }
    };
    if *file == "-" {
        terminal.text(&text(Secrets::Hidden));
        return Ok(());
    }
    let failed = |error| {
        let taken = std::io::Error::kind(&error) == std::io::ErrorKind::AlreadyExists;
        let mut trouble = Trouble::file(&format!("write {file}"), &error);
        if taken {
            "name a file that is not there, or add -F to replace this one".clone_into(&mut trouble.remedy);
        }
        trouble
    };
    let mut open = OpenOptions::new();
    open.write(true).mode(0o600);
    if force {
        open.create(true).truncate(true);
    } else {
        open.create_new(true);
    }
    let mut opened = open.open(file).map_err(failed)?;
    opened.write_all(text(Secrets::Kept).as_bytes()).and_then(|()| opened.sync_all()).map_err(failed)
}

/// `edit [NAME...]`: in the editor of the person.
pub(super) async fn edit(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    if words.first() == Some(&"xml") {
        return Err(Trouble::crm_lacks(
            "XML is not edited here",
            "use `save xml FILE`, an editor, and `load xml replace FILE`",
        ));
    }
    let (terminal, asking) = (*shell.session.terminal, shell.asking);
    let edits = shell.edits().await?;
    let names: Vec<Object> = show::chosen(edits, words)?.into_iter().cloned().collect();
    let is_chosen = |object: &Object| names.contains(object);
    let before = edits.now.show_some(Secrets::Kept, is_chosen);
    let failed = |error| Trouble::file("write a file to edit", &error);
    // Only its owner may read it.
    let mut file = tempfile::Builder::new().prefix("crm-").suffix(".crm").tempfile().map_err(failed)?;
    file.write_all(before.as_bytes()).and_then(|()| file.flush()).map_err(failed)?;
    loop {
        editor(file.path())?;
        let bytes = std::fs::read(file.path()).map_err(|error| Trouble::file("read what was edited", &error))?;
        if bytes == before.as_bytes() {
            return Ok(());
        }
        let source = Source::of_crm("edited", &bytes);
        match edits.edited(&source, is_chosen, &terminal) {
            Err(trouble) if asking == Asking::Person && std::io::stdin().is_terminal() => {
                terminal.trouble(&trouble);
                if !terminal.typed("Nothing of it was taken.", "edit") {
                    return Ok(());
                }
            }
            done => return done,
        }
    }
}

/// Runs the editor that the person has chosen, and waits for it.
fn editor(path: &Path) -> Result<(), Trouble> {
    let chosen = ["VISUAL", "EDITOR"].into_iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
    let editor = chosen.unwrap_or_else(|| "vi".into());
    // It may have words of its own, so a shell cuts it.
    let mut line = editor.clone();
    line.push(" \"$1\"");
    let status = Command::new("sh").arg("-c").arg(line).arg("sh").arg(path).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let what = format!("nothing was edited: {} ended with {status}", editor.to_string_lossy());
            Err(Trouble::crm(what, "set EDITOR to an editor that is installed"))
        }
        Err(error) => Err(Trouble::file(&format!("run {}", editor.to_string_lossy()), &error)),
    }
}

/// `default-timeouts RESOURCE...`.
pub(super) async fn default_timeouts(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    if words.is_empty() {
        return Err(usage("default-timeouts RESOURCE..."));
    }
    let terminal = *shell.session.terminal;
    let edits = shell.edits().await?;
    for name in words {
        let Some(agent) = edits.object(name)?.agent() else {
            let what = format!("`{name}` names no agent of its own");
            return Err(Trouble::crm(what, "name a primitive or a template with an agent"));
        };
        let meta = agents::of(&agent).await?;
        let of = |action: &str| Some((action.to_owned(), meta.timeout(action)?.to_string()));
        let names: BTreeSet<&str> = meta.actions.iter().map(|action| action.name.as_str()).collect();
        let advice: Vec<(String, String)> = names.into_iter().filter_map(of).collect();
        if advice.is_empty() {
            terminal.note(&format!("{agent} advises no timeouts"));
        }
        edits.now = edits.now.set_timeouts(name, &advice)?;
    }
    Ok(())
}
