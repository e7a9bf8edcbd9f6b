//! The level `resource`.
//!
//! In a cluster each command is the native one. In a file it edits the configuration as crmsh does.

use haven_config::Source;
use haven_config::crm::{Kind, Load, Object, Secrets, SetKind};

use super::attribute;
use super::configure::usage;
use super::shell::Shell;
use super::words::Resource;
use crate::args::{AddConstraint, Ask, Constraint, Resource as Native};
use crate::terminal::Format;
use crate::trouble::Trouble;

/// Does a command of the level.
pub(crate) async fn run(shell: &mut Shell<'_>, verb: Resource, words: &[&str]) -> Result<(), Trouble> {
    match verb {
        Resource::Status if words.is_empty() => {
            shell.in_cluster("`resource status`")?;
            shell.native(Ask::Resource(Native::List)).await
        }
        Resource::Status | Resource::Locate => locate(shell, words).await,
        Resource::Start => each(shell, words, "start RESOURCE...", Switch::Start).await,
        Resource::Stop => each(shell, words, "stop RESOURCE...", Switch::Stop).await,
        Resource::Restart => each(shell, words, "restart RESOURCE...", Switch::Restart).await,
        Resource::Promote => {
            let what = "nothing is promoted or demoted by hand: this version of haven runs no promotable clones";
            Err(Trouble::crm_lacks(what, "see docs/architecture.md for what is not built"))
        }
        Resource::Manage => set_meta(shell, words, "manage RESOURCE...", ("is-managed", "true")).await,
        Resource::Unmanage => set_meta(shell, words, "unmanage RESOURCE...", ("is-managed", "false")).await,
        Resource::Maintenance => match words {
            [name] | [name, "on" | "true" | "yes"] => set_meta(shell, &[*name], "", ("maintenance", "true")).await,
            [name, "off" | "false" | "no"] => set_meta(shell, &[*name], "", ("maintenance", "false")).await,
            _ => Err(usage("maintenance RESOURCE [on | off]")),
        },
        Resource::Move => go(shell, Going::of(words, "move RESOURCE [NODE] [TIME] [force]")?).await,
        Resource::Ban => ban(shell, Going::of(words, "ban RESOURCE [NODE] [TIME] [force]")?).await,
        Resource::Clear => clear(shell, words).await,
        Resource::Cleanup => cleanup(shell, words).await,
        Resource::FailCount => fail_count(shell, words).await,
        Resource::Constraints => constraints(shell, words).await,
        Resource::Meta => attribute::run(shell, "meta", SetKind::Meta, words).await,
        Resource::Param => attribute::run(shell, "param", SetKind::Params, words).await,
        Resource::Utilization => attribute::run(shell, "utilization", SetKind::Utilization, words).await,
        Resource::Operations => super::history::about(shell, words).await,
        Resource::Scores => scores(shell, words).await,
    }
}

/// What becomes of a resource.
#[derive(Debug, Clone, Copy)]
enum Switch {
    Start,
    Stop,
    Restart,
}

async fn each(shell: &mut Shell<'_>, words: &[&str], needs: &str, switch: Switch) -> Result<(), Trouble> {
    if words.is_empty() {
        return Err(usage(needs));
    }
    if shell.asked.cib.is_some() {
        let role = match switch {
            Switch::Start => "Started",
            Switch::Stop => "Stopped",
            Switch::Restart => return shell.in_cluster("`resource restart`"),
        };
        return set_meta(shell, words, needs, ("target-role", role)).await;
    }
    for name in words {
        let (resource, editing) = ((*name).to_owned(), shell.editing());
        let native = match switch {
            Switch::Start => Native::Start { resource, editing },
            Switch::Stop => Native::Stop { resource, editing },
            Switch::Restart => Native::Restart { resource, editing },
        };
        shell.native(Ask::Resource(native)).await?;
    }
    Ok(())
}

async fn set_meta(shell: &mut Shell<'_>, names: &[&str], needs: &str, to: (&str, &str)) -> Result<(), Trouble> {
    if names.is_empty() {
        return Err(usage(needs));
    }
    shell
        .change(|edits| {
            for name in names {
                is_resource(edits.object(name)?)?;
                edits.set(name, SetKind::Meta, to.0, to.1)?;
            }
            Ok(())
        })
        .await
}

fn is_resource(object: &Object) -> Result<(), Trouble> {
    if object.kind().is_resource() {
        return Ok(());
    }
    let what = format!("`{}` is a {}, and no resource", object.name(), object.kind());
    Err(Trouble::crm(what, "name a resource"))
}

/// A resource that is to go, as it was typed.
#[derive(Debug)]
struct Going<'w> {
    resource: &'w str,
    node: Option<&'w str>,
    span: Option<String>,
}

impl<'w> Going<'w> {
    fn of(words: &[&'w str], needs: &str) -> Result<Self, Trouble> {
        let words: Vec<&str> =
            words.iter().copied().filter(|word| !matches!(*word, "force" | "--force" | "-f")).collect();
        let (resource, rest) = words.split_first().ok_or_else(|| usage(needs))?;
        let (mut node, mut span) = (None, None);
        for word in rest {
            match lifetime(word) {
                Some(found) if span.is_none() => span = Some(found),
                None if node.is_none() => node = Some(*word),
                Some(_) | None => return Err(usage(needs)),
            }
        }
        Ok(Self { resource, node, span })
    }
}

/// A length of time as in `PT5M`, in seconds.
fn lifetime(word: &str) -> Option<String> {
    let (days, time) = word.strip_prefix('P')?.split_once('T').unwrap_or((word.strip_prefix('P')?, ""));
    let mut seconds: u64 = 0;
    for (mut part, units) in
        [(days, [('D', 86_400), ('W', 604_800), ('-', 0)]), (time, [('H', 3600), ('M', 60), ('S', 1)])]
    {
        while !part.is_empty() {
            let at = part.find(|c: char| !c.is_ascii_digit())?;
            let number: u64 = part.get(..at)?.parse().ok()?;
            let unit = part.get(at..)?.chars().next()?;
            let (_, factor) = units.into_iter().find(|(known, _)| *known == unit)?;
            seconds = seconds.checked_add(number.checked_mul(factor)?)?;
            part = part.get(at + 1..)?;
        }
    }
    (seconds > 0).then(|| format!("{seconds}s"))
}

async fn go(shell: &mut Shell<'_>, going: Going<'_>) -> Result<(), Trouble> {
    let Going { resource, node, span } = going;
    if shell.asked.cib.is_none() {
        let (resource, node) = (resource.to_owned(), node.map(str::to_owned));
        let editing = shell.editing();
        return shell.native(Ask::Resource(Native::Move { resource, node, span, editing })).await;
    }
    let Some(node) = node.filter(|_| span.is_none()) else {
        return shell.in_cluster("a move for a time, or to no node that is named,");
    };
    locate_by(shell, resource, node, &format!("cli-prefer-{resource}"), "inf").await
}

async fn ban(shell: &mut Shell<'_>, going: Going<'_>) -> Result<(), Trouble> {
    let Going { resource, node, span } = going;
    let Some(node) = node.filter(|_| span.is_none()) else {
        shell.in_cluster("a ban for a time, or from no node that is named,")?;
        if node.is_some() {
            let what = "a ban from a node that is named ends by `resource clear`, not after a time";
            return Err(Trouble::crm_lacks(what, "leave the time out, or the node"));
        }
        return go(shell, Going { resource, node: None, span }).await;
    };
    let id = format!("cli-ban-{resource}-on-{node}");
    if shell.asked.cib.is_some() {
        return locate_by(shell, resource, node, &id, "-inf").await;
    }
    let (resource, node, score) = (resource.to_owned(), node.to_owned(), "-inf".to_owned());
    let new = AddConstraint::Location { resource, node, score, id: Some(id), editing: shell.editing() };
    shell.native(Ask::Constraint(Constraint::Add(new))).await
}

/// Makes the location that crmsh would make, in a file.
async fn locate_by(shell: &mut Shell<'_>, resource: &str, node: &str, id: &str, score: &str) -> Result<(), Trouble> {
    let terminal = *shell.session.terminal;
    let line = format!("location {id} {resource} role=Started {score}: {node}");
    shell
        .change(|edits| {
            is_resource(edits.object(resource)?)?;
            if edits.object(node)?.kind() != Kind::Node {
                return Err(Trouble::crm(format!("`{node}` is no node"), "name a node"));
            }
            edits.load(&Source::of_crm("location", line.as_bytes()), Load::Update, &terminal)
        })
        .await
}

async fn clear(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    let ([name, ..], true) = (words, words.len() <= 3) else { return Err(usage("clear RESOURCE [NODE]")) };
    if shell.asked.cib.is_none() {
        let (resource, editing) = ((*name).to_owned(), shell.editing());
        return shell.native(Ask::Resource(Native::Clear { resource, editing })).await;
    }
    let node = words.get(1).filter(|word| **word != "force");
    let (prefer, ban) = (format!("cli-prefer-{name}"), format!("cli-ban-{name}-on-"));
    shell
        .change(|edits| {
            is_resource(edits.object(name)?)?;
            let of = |id: &str| match node {
                Some(node) => id.strip_prefix(&ban) == Some(*node) || id == prefer,
                None => id.starts_with(&ban) || id == prefer,
            };
            let names: Vec<String> =
                edits.now.objects().iter().map(Object::name).filter(|id| of(id)).map(str::to_owned).collect();
            if names.is_empty() {
                return Err(Trouble::crm(format!("`{name}` was not moved by hand"), "see `resource constraints`"));
            }
            edits.delete(&names.iter().map(String::as_str).collect::<Vec<_>>()).map(drop)
        })
        .await
}

async fn cleanup(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    shell.in_cluster("`resource cleanup`")?;
    let words: Vec<&str> = words.iter().copied().filter(|word| *word != "force").collect();
    let (names, node) = match words.as_slice() {
        [] => {
            let config = shell.session.config().await?;
            (config.spec.top_level().iter().map(|resource| resource.id.to_string()).collect(), None)
        }
        [name] => (vec![(*name).to_owned()], None),
        [name, node] => (vec![(*name).to_owned()], Some((*node).to_owned())),
        _ => return Err(usage("cleanup [RESOURCE] [NODE] [force]")),
    };
    for resource in names {
        let (node, doing) = (node.clone(), shell.asked.doing.clone());
        shell.native(Ask::Resource(Native::Cleanup { resource, node, doing })).await?;
    }
    Ok(())
}

async fn fail_count(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    shell.in_cluster("`resource failcount`")?;
    match words {
        [name, "delete", node] => cleanup(shell, &[*name, *node]).await,
        [name, "show", ..] => shell.native(why(name)).await,
        [_, "set", ..] => {
            let what = "failures are counted, and not set";
            Err(Trouble::crm_lacks(what, "forgive them by `resource cleanup`"))
        }
        _ => Err(usage("failcount RESOURCE {show | delete} NODE")),
    }
}

fn why(name: &str) -> Ask {
    Ask::Why(crate::args::Why { name: name.to_owned(), at: None })
}

async fn constraints(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    let [name] = words else { return Err(usage("constraints RESOURCE")) };
    let terminal = *shell.session.terminal;
    let edits = shell.edits().await?;
    edits.object(name)?;
    let related = edits.now.related(name);
    let is = |object: &Object| {
        let kind = object.kind();
        let constraint = matches!(kind, Kind::Location | Kind::Colocation | Kind::Order | Kind::Ticket);
        constraint && related.contains(object.name())
    };
    terminal.text(&edits.now.show_some(Secrets::Hidden, is));
    shell.leave().await
}

async fn locate(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    shell.in_cluster("`resource locate`")?;
    let status = shell.session.status().await?;
    let names = || status.resources.iter().map(|row| row.resource.as_str());
    let mut lines = Vec::new();
    let wanted: Vec<&str> = if words.is_empty() { names().collect() } else { words.to_vec() };
    for name in wanted {
        let row = status.resources.iter().find(|row| row.resource == name);
        let row =
            row.ok_or_else(|| Trouble::from(haven_config::words::WordFault::unknown("resource", name, names())))?;
        let at = if row.on.is_empty() { "NOT running".to_owned() } else { format!("running on: {}", row.on) };
        lines.push((name.to_owned(), at));
    }
    if shell.session.terminal.format() == Format::Json {
        shell.session.terminal.json(&lines);
        return Ok(());
    }
    for (name, at) in lines {
        shell.session.terminal.line(&format!("resource {name} is {at}"));
    }
    Ok(())
}

async fn scores(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    let [name] = words else { return Err(usage("scores RESOURCE")) };
    if shell.asked.cib.is_some() {
        let what = format!("the scores of `{name}` in a file are shown by another command");
        return Err(Trouble::crm_lacks(what, format!("use `haven plan --cib FILE --why {name}`")));
    }
    shell.native(why(name)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_told_from_nodes() {
        for (word, want) in [
            ("PT5M", Some("300s")),
            ("P1DT1H1S", Some("90001s")),
            ("P1W", Some("604800s")),
            ("PT", None),
            ("P", None),
            ("PT5", None),
            ("Pluto", None),
            ("n1", None),
        ] {
            assert_eq!(lifetime(word).as_deref(), want, "{word}");
        }
    }

    #[test]
    fn a_move_has_a_node_a_time_both_or_none() {
        let going = |words: &[&str]| {
            Going::of(words, "move").map(|going| (going.node.map(str::to_owned), going.span)).map_err(|t| t.message)
        };
        assert_eq!(going(&["a", "n1", "PT1M", "force"]), Ok((Some("n1".to_owned()), Some("60s".to_owned()))));
        assert_eq!(going(&["a"]), Ok((None, None)));
        assert!(going(&[]).is_err() && going(&["a", "n1", "n2"]).is_err());
    }
}
