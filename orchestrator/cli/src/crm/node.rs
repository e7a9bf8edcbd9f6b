//! The level `node`.

use haven_config::crm::{Kind, Object, Secrets, SetKind};

use super::attribute;
use super::configure::usage;
use super::edits::unknown;
use super::shell::Shell;
use super::words::Node;
use crate::args::{Ask, Fence, FenceVerb, Node as Native, Sure, Trial};
use crate::trouble::Trouble;

/// Does a command of the level.
pub(crate) async fn run(shell: &mut Shell<'_>, verb: Node, words: &[&str]) -> Result<(), Trouble> {
    let doing = shell.asked.doing.clone();
    let sure = Sure { yes: shell.asked.force };
    match verb {
        Node::Status => {
            shell.in_cluster("`node status`")?;
            shell.native(Ask::Nodes).await
        }
        Node::Show => show(shell, words).await,
        Node::Standby if shell.asked.cib.is_some() => set(shell, words, ("standby", "on"), "standby NODE").await,
        Node::Online if shell.asked.cib.is_some() => set(shell, words, ("standby", "off"), "online NODE").await,
        Node::Standby => {
            let node = here_or(shell, words, "standby [NODE]").await?;
            shell.native(Ask::Node(Native::Standby { node, doing })).await
        }
        Node::Online => {
            let node = here_or(shell, words, "online [NODE]").await?;
            shell.native(Ask::Node(Native::Online { node, doing })).await
        }
        Node::Maintenance => set(shell, words, ("maintenance", "on"), "maintenance [NODE]").await,
        Node::Ready => set(shell, words, ("maintenance", "off"), "ready [NODE]").await,
        Node::Fence => {
            let [node] = words else { return Err(usage("fence NODE")) };
            shell.in_cluster("`node fence`")?;
            let (node, reason) = (Some((*node).to_owned()), "by hand, with crm".to_owned());
            shell.native(Ask::Fence(Fence { node, reason, sure, doing, verb: None })).await
        }
        Node::Delete => {
            let [node] = words else { return Err(usage("delete NODE")) };
            shell.in_cluster("`node delete`")?;
            shell.native(Ask::Node(Native::Remove { node: (*node).to_owned(), sure, doing })).await
        }
        Node::Attribute => attribute::run(shell, "attribute", SetKind::Params, words).await,
        Node::Utilization => attribute::run(shell, "utilization", SetKind::Utilization, words).await,
        Node::ClearState => {
            let [node] = words else { return Err(usage("clearstate NODE")) };
            shell.in_cluster("`node clearstate`")?;
            let (node, trial) = ((*node).to_owned(), Trial { plan: doing.plan });
            let verb = Some(FenceVerb::Confirm { node, sure: Sure { yes: sure.yes }, trial });
            shell.native(Ask::Fence(Fence { node: None, reason: String::new(), sure, doing, verb })).await
        }
    }
}

/// The node that is named, or the one that answers.
async fn here_or(shell: &Shell<'_>, words: &[&str], needs: &str) -> Result<String, Trouble> {
    match words {
        [] => Ok(shell.session.status().await?.answered_by.unwrap_or_default()),
        [node] => Ok((*node).to_owned()),
        [_, ..] => Err(usage(needs)),
    }
}

/// Gives an attribute of a node a value.
async fn set(shell: &mut Shell<'_>, words: &[&str], to: (&str, &str), needs: &str) -> Result<(), Trouble> {
    let node = match words {
        [node] => (*node).to_owned(),
        _ if shell.asked.cib.is_some() => return Err(usage(needs)),
        _ => here_or(shell, words, needs).await?,
    };
    shell
        .change(|edits| {
            if edits.object(&node)?.kind() != Kind::Node {
                return Err(Trouble::crm(format!("`{node}` is no node"), "name a node"));
            }
            edits.set(&node, SetKind::Params, to.0, to.1)
        })
        .await
}

async fn show(shell: &mut Shell<'_>, words: &[&str]) -> Result<(), Trouble> {
    let terminal = *shell.session.terminal;
    let edits = shell.edits().await?;
    let is = |object: &Object| object.kind() == Kind::Node && (words.is_empty() || words.contains(&object.name()));
    for word in words {
        if !edits.now.objects().iter().any(|object| object.name() == *word && is(object)) {
            return Err(unknown(&edits.now, word));
        }
    }
    terminal.text(&edits.now.show_some(Secrets::Hidden, is));
    shell.leave().await
}
