//! Attributes of resources and nodes: `meta`, `param`, `utilization`, `attribute`.

use haven_config::crm::SetKind;
use haven_core::spec::is_secret;

use super::configure::usage;
use super::shell::Shell;
use crate::trouble::Trouble;

/// `WORD NAME {set ATTRIBUTE VALUE | show ATTRIBUTE | delete ATTRIBUTE}`.
pub(crate) async fn run(shell: &mut Shell<'_>, word: &str, kind: SetKind, words: &[&str]) -> Result<(), Trouble> {
    match words {
        [name, "set", attribute, value] | [name, "set", attribute, "=", value] => {
            shell
                .change(|edits| edits.object(name).map(drop).and_then(|()| edits.set(name, kind, attribute, value)))
                .await
        }
        [name, "delete", attribute] => {
            shell
                .change(|edits| {
                    edits.now = edits.now.drop_attribute(name, kind, attribute)?;
                    Ok(())
                })
                .await
        }
        [name, "show", attributes @ ..] => show(shell, kind, name, attributes).await,
        _ => Err(usage(&format!("{word} NAME {{set ATTRIBUTE VALUE | show ATTRIBUTE | delete ATTRIBUTE}}"))),
    }
}

async fn show(shell: &mut Shell<'_>, kind: SetKind, name: &str, words: &[&str]) -> Result<(), Trouble> {
    let terminal = *shell.session.terminal;
    let edits = shell.edits().await?;
    let object = edits.object(name)?;
    let shown = |attribute: &str, value: &str| {
        if is_secret(attribute) { "******".to_owned() } else { value.to_owned() }
    };
    match words {
        [] => {
            for (attribute, value) in object.attributes(kind) {
                terminal.line(&format!("{attribute}={}", shown(attribute, value)));
            }
        }
        [attribute] => {
            let value = object.attribute(kind, attribute).ok_or_else(|| {
                let what = format!("`{name}` has no {} `{attribute}` of its own", kind.word());
                Trouble::crm(what, format!("see `configure show {name}` for those that it has"))
            })?;
            let value = shown(attribute, value);
            terminal.answer(&serde_json::json!({ "name": attribute, "value": value }), || format!("{value}\n"));
        }
        _ => return Err(usage("show ATTRIBUTE")),
    }
    shell.leave().await
}
