//! The level `configure`.

mod cluster;
mod commit;
mod files;
mod show;

use haven_config::crm::{Kind, Load, MemberPlace, SetKind};

use super::edits::{Edits, unknown};
use super::shell::{Force, Shell, Way};
use super::words::Configure;
use crate::trouble::Trouble;

pub(crate) use cluster::read;
pub(crate) use commit::{commit, verify};

/// Does a command of the level.
pub(crate) async fn run(shell: &mut Shell<'_>, verb: Configure, way: Way<'_>) -> Result<(), Trouble> {
    let (words, terminal) = (way.rest, *shell.session.terminal);
    match verb {
        Configure::Object(_) | Configure::Monitor => {
            shell.edits().await?.add(&way.input.part(way.at, way.word), way.input.source, &terminal)
        }
        Configure::Show => show::show(shell, words).await,
        Configure::Edit => files::edit(shell, words).await,
        Configure::Load => files::load(shell, words).await,
        Configure::Save => files::save(shell, words).await,
        Configure::Verify => verify(shell).await,
        Configure::Commit => {
            let force = match words {
                [] => shell.force(),
                ["force"] => Force::Always,
                _ => return Err(usage("commit [force]")),
            };
            commit(shell, force).await
        }
        Configure::Delete => delete(shell, words).await,
        Configure::Rename => {
            let [old, new] = words else { return Err(usage("rename NAME NEW")) };
            let edits = shell.edits().await?;
            edits.now = edits.now.rename(old, new)?;
            Ok(())
        }
        Configure::ModGroup => modgroup(shell.edits().await?, words),
        Configure::Erase => {
            let how = match words {
                [] => Load::Replace,
                ["nodes"] => Load::Push,
                _ => return Err(usage("erase [nodes]")),
            };
            let force = shell.force();
            let edits = shell.edits().await?;
            let before = edits.now.clone();
            edits.erase(how);
            files::not_emptied(&before, &edits.now, force).inspect_err(|_| edits.now = before)
        }
        Configure::Refresh => {
            shell.edits = None;
            shell.edits().await.map(drop)
        }
        Configure::Upgrade => {
            terminal.note("there is nothing to upgrade: haven reads every version of a configuration");
            Ok(())
        }
        Configure::Simulate => commit::simulate(shell).await,
        Configure::DefaultTimeouts => files::default_timeouts(shell, words).await,
        Configure::GetProperty => get_property(shell, words).await,
        Configure::Set => set(shell.edits().await?, words),
    }
}

/// The words of a command were not those that it needs.
pub(crate) fn usage(words: &str) -> Trouble {
    let name = words.split(' ').next().unwrap_or_default();
    Trouble::usage(format!("`{name}` needs other words"), format!("write `{words}`"))
}

async fn delete(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    let names: Vec<&str> = words.iter().copied().filter(|word| !matches!(*word, "--force" | "-f")).collect();
    if names.is_empty() {
        return Err(usage("delete [--force] NAME..."));
    }
    let terminal = *shell.session.terminal;
    for also in shell.edits().await?.delete(&names)? {
        terminal.note(&also);
    }
    Ok(())
}

fn modgroup(edits: &mut Edits, words: &[&str]) -> Result<(), Trouble> {
    let changed = match words {
        [group, "add", member] => edits.now.add_member(group, member, MemberPlace::Last),
        [group, "add", member, "before", other] => edits.now.add_member(group, member, MemberPlace::Before(other)),
        [group, "add", member, "after", other] => edits.now.add_member(group, member, MemberPlace::After(other)),
        [group, "remove", member] => edits.now.remove_member(group, member),
        _ => return Err(usage("modgroup GROUP {add RESOURCE [{before | after} RESOURCE] | remove RESOURCE}")),
    };
    edits.now = changed?;
    Ok(())
}

async fn get_property(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    let [name] = words else { return Err(usage("get-property NAME")) };
    let terminal = *shell.session.terminal;
    let edits = shell.edits().await?;
    let options = edits.now.objects().iter().filter(|object| object.kind() == Kind::Property);
    let value = options.filter_map(|options| options.attribute(SetKind::Params, name)).next();
    let Some(value) = value else {
        let what = format!("the option `{name}` is not set");
        return Err(Trouble::crm(what, "see `show type:property` for those that are"));
    };
    terminal.answer(&serde_json::json!({ "name": name, "value": value }), || format!("{value}\n"));
    Ok(())
}

/// `set NAME.ATTRIBUTE VALUE`: where the attribute is already, else among the parameters.
fn set(edits: &mut Edits, words: &[&str]) -> Result<(), Trouble> {
    const USAGE: &str = "set NAME.ATTRIBUTE VALUE";
    let [path, value] = words else { return Err(usage(USAGE)) };
    let (mut name, mut attribute) = path.rsplit_once('.').ok_or_else(|| usage(USAGE))?;
    // Names may have points in them, and attributes, too.
    while edits.now.named(name).next().is_none() {
        let Some((shorter, _)) = name.rsplit_once('.') else { return Err(unknown(&edits.now, name)) };
        attribute = path.get(shorter.len() + 1..).unwrap_or_default();
        name = shorter;
    }
    let object = edits.object(name)?;
    let kinds = [SetKind::Params, SetKind::Meta, SetKind::Utilization];
    let kind = kinds.into_iter().find(|kind| object.attribute(*kind, attribute).is_some());
    let Some(kind) = kind else {
        let what = format!("`{name}` has no attribute `{attribute}`");
        return Err(Trouble::crm(
            what,
            format!("use `resource meta {name} set`, `resource param {name} set` or `edit {name}`"),
        ));
    };
    edits.set(name, kind, attribute, value)
}
