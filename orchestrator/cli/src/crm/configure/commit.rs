//! What is wrong with the edits, what they would do, and their commit.

use haven_config::crm::{Configuration, Finding, Secrets};
use haven_config::{Severity, Source};

use super::super::agents;
use super::super::edits::{Edits, Origin};
use super::super::shell::{Force, Shell};
use super::cluster;
use crate::commands::of_cib;
use crate::plural::count;
use crate::terminal::{Format, Terminal};
use crate::trouble::Trouble;

/// `verify`: tells everything. Errors: there is an error among it.
pub(crate) async fn verify(shell: &mut Shell<'_>) -> Result<(), Trouble> {
    let terminal = *shell.session.terminal;
    let now = &shell.edits().await?.now;
    let mut findings = now.verify();
    findings.extend(agents::findings(now, |_| true).await);
    tell(&findings, &terminal);
    errors(&findings, "the configuration has")
}

fn tell(findings: &[Finding], terminal: &Terminal) {
    for Finding { severity, object, what, remedy } in findings {
        terminal.aside(&format!("{}: {object}: {what}", severity.word()));
        terminal.aside(&format!("   remedy: {remedy}"));
    }
}

fn errors(findings: &[Finding], what: &str) -> Result<(), Trouble> {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors == 0 {
        return Ok(());
    }
    Err(Trouble::crm(format!("{what} {}", count(errors, "error")), "mend what is named above"))
}

/// Makes the edits so, or shows what they would do.
pub(crate) async fn commit(shell: &mut Shell<'_>, force: Force) -> Result<(), Trouble> {
    let terminal = *shell.session.terminal;
    let edits = shell.edits().await?;
    if !edits.are_any() {
        return Ok(());
    }
    let mut findings = edits.findings();
    findings.extend(agents::findings(&edits.now, |object| !edits.base.objects().contains(object)).await);
    tell(&findings, &terminal);
    if force == Force::Never {
        errors(&findings, "nothing was committed: the configuration would have")?;
        if let Origin::File(file) = &edits.origin
            && let Some(why) = file.unplannable(&edits.now)?
        {
            let what = format!("nothing was committed: nobody could plan with this configuration: {why}");
            return Err(Trouble::crm(what, "mend what is named above, or commit with `-F`"));
        }
    }
    if shell.asked.doing.plan {
        simulate(shell).await?;
        shell.planned = shell.edits.as_ref().map(|edits| edits.now.clone());
        return Ok(());
    }
    let Some(edits) = &shell.edits else { return Ok(()) };
    match &edits.origin {
        Origin::File(file) => {
            file.write(&edits.now)?;
            let path = file.path().to_owned();
            if terminal.format() == Format::Json {
                let changed = changes(edits);
                terminal.json(&serde_json::json!({ "file": path, "changed": changed }));
            }
        }
        Origin::Cluster(config) => {
            let how = (&shell.asked.answers, &shell.editing());
            let exit = cluster::commit(&shell.session, how, edits, config).await?;
            shell.ended(exit);
        }
    }
    shell.edits = None;
    Ok(())
}

/// What the edits change, object by object.
fn changes(edits: &Edits) -> Vec<String> {
    let lines = |configuration: &Configuration, other: &Configuration, mark: &str| {
        let new = configuration.objects().iter().filter(|object| !other.objects().contains(object));
        let text = new.map(|object| configuration.show_some(Secrets::Hidden, |it| std::ptr::eq(it, object)));
        text.flat_map(|text| text.lines().map(|line| format!("{mark} {line}")).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let gone = lines(&edits.base, &edits.now, "-");
    gone.into_iter().chain(lines(&edits.now, &edits.base, "+")).collect()
}

/// `simulate`: what the edits change, and what would be done about them.
pub(super) async fn simulate(shell: &mut Shell<'_>) -> Result<(), Trouble> {
    let edits = shell.edits().await?.clone();
    let terminal = *shell.session.terminal;
    let in_file = matches!(edits.origin, Origin::File(_));
    if in_file && terminal.format() == Format::Text {
        let changes = changes(&edits);
        terminal.line(if changes.is_empty() { "no change of the configuration" } else { "changes:" });
        changes.iter().for_each(|line| terminal.line(line));
        terminal.line("");
    }
    match &edits.origin {
        Origin::File(file) => {
            let text = file.with(&edits.now)?;
            let source = Source::of_cib(&file.path().display().to_string(), text.into_bytes());
            let scene = of_cib::scene(&shell.session, &source)?;
            of_cib::tell(&shell.session, &scene);
        }
        Origin::Cluster(config) => {
            let mut editing = shell.editing();
            editing.doing.plan = true;
            let exit = cluster::commit(&shell.session, (&shell.asked.answers, &editing), &edits, config).await?;
            shell.ended(exit);
        }
    }
    Ok(())
}
