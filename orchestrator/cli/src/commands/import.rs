//! `haven import`: another cluster manager's files into one commit. What is common to all of them, and haresources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use haven_api::ClientError;
use haven_api::view::Config;
use haven_config::heartbeat::{Import, Installed, Inventory, import};
use haven_config::{Diagnostic, DiffLine, Severity, Source, diff, ha_cf, haresources};
use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Profile, Spec, SpecEdit, Timing};
use serde::Serialize;

use crate::args::{Editing, ImportHaresources};
use crate::look::LookHost;
use crate::plural::count;
use crate::session::Session;
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

use super::change;

/// Longest file that is read, a byte more than the parsers accept: they say what is wrong with it.
const READ_MAX: usize = haven_config::FILE_MAX + 1;

/// What the import is made into.
pub(super) struct Into {
    /// The nodes.
    pub(super) members: BTreeSet<NodeId>,
    /// What is configured.
    pub(super) spec: Spec,
    /// The timings chosen when the cluster was made.
    pub(super) base: Timing,
}

/// One thing that is said about a file, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Said<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    severity: &'static str,
    what: &'a str,
    remedy: &'a str,
}

/// All that an import says, for programs.
#[derive(Debug, Serialize)]
struct Document<'a> {
    /// Code, message and remedy if nothing was imported.
    #[serde(flatten)]
    refused: Option<&'a Trouble>,
    errors: usize,
    said: &'a [Said<'a>],
    edits: &'a [SpecEdit],
    diff: &'a [String],
}

/// `import haresources`. Only `--plan` does without a daemon.
pub(crate) async fn haresources(session: &Session<'_>, asked: &ImportHaresources) -> Result<Exit, Trouble> {
    let file = read(&asked.file)?;
    let ha_cf = asked.ha_cf.as_deref().map(read).transpose()?;
    let accepted = accepted(&asked.data_loss_accepted)?;
    let config = present(session, &asked.editing).await?;
    let into = config.as_ref().map_or_else(|| alone(&file, ha_cf.as_ref()), Into::of);
    // A member's name need not be its host's.
    let here = match &config {
        Some(_) => session.status().await?.answered_by,
        None => None,
    };
    let inventory = inventory(here.as_deref()).await;
    let import_of = Import {
        haresources: &file,
        ha_cf: ha_cf.as_ref(),
        members: &into.members,
        inventory: &inventory,
        spec: &into.spec,
        base: into.base,
        accept_data_loss: &accepted,
    };
    let imported = import(&import_of);
    let committed = imported.clone().commit().map_err(|refused| Trouble::import(&refused));
    let (main, other) = (file.name(), ha_cf.as_ref().map_or("ha.cf", Source::name));
    let said = imported.haresources.iter().map(|said| Said::of(main, said));
    let found = Found {
        name: main,
        rendered: imported.render(&import_of),
        said: said.chain(imported.ha_cf.iter().map(|said| Said::of(other, said))).collect(),
        edits: imported.preview(),
        diff: changes(&into.spec, imported.preview()),
        counted: String::new(),
    };
    proceed(session, &asked.editing, &found, committed, config.as_ref()).await
}

/// What came of reading files, of whichever kind.
pub(super) struct Found<'a> {
    /// The file.
    pub(super) name: &'a str,
    /// All that is said, for people.
    pub(super) rendered: String,
    /// The same for programs.
    pub(super) said: Vec<Said<'a>>,
    /// The edits, as far as there are any.
    pub(super) edits: &'a [SpecEdit],
    /// What the configuration would become, line by line.
    pub(super) diff: Vec<String>,
    /// How much of what was found, for people.
    pub(super) counted: String,
}

/// Shows what was found, and has it committed unless it is refused or only a plan.
pub(super) async fn proceed(
    session: &Session<'_>,
    editing: &Editing,
    found: &Found<'_>,
    committed: Result<Vec<SpecEdit>, Trouble>,
    config: Option<&Config>,
) -> Result<Exit, Trouble> {
    let format = session.terminal.format();
    match (format, &committed, config) {
        (Format::Text, ..) => show(found, session.terminal),
        // The change has an answer of its own, and programs get one document.
        (Format::Json, Ok(_), Some(_)) => session.terminal.aside(found.rendered.trim_end()),
        (Format::Json, Ok(_), None) | (Format::Json, Err(_), _) => {
            session.terminal.json(&Document::of(found, committed.as_ref().err()));
        }
    }
    let edits = match (committed, format) {
        (Ok(edits), _) => edits,
        (Err(trouble), Format::Text) => return Err(trouble),
        // It is in the document.
        (Err(trouble), Format::Json) => return Ok(trouble.exit),
    };
    match config {
        Some(config) => change::commit(session, editing, &format!("import {}", found.name), config, edits).await,
        None => {
            if format == Format::Text {
                let edits = count(edits.len(), "edit");
                session.terminal.line(&format!("\nplan: {edits}; no daemon was asked, nothing was changed"));
            }
            Ok(Exit::Fine)
        }
    }
}

/// What is configured, or nothing if only a plan is wanted and no daemon runs.
pub(super) async fn present(session: &Session<'_>, editing: &Editing) -> Result<Option<Config>, Trouble> {
    match session.client.config(None).await {
        Ok(config) => Ok(Some(config)),
        Err(ClientError::NotRunning { .. }) if editing.doing.plan => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the configuration would become, line by line. With errors it lacks what they are about.
pub(super) fn changes(before: &Spec, edits: &[SpecEdit]) -> Vec<String> {
    let after = before.edited(edits, 1).unwrap_or_else(|_| before.clone());
    diff(before, &after).iter().map(DiffLine::to_string).collect()
}

fn show(found: &Found, terminal: &Terminal) {
    terminal.text(&found.rendered);
    terminal.line(if found.diff.is_empty() { "\nno change of the configuration" } else { "\nchanges:" });
    found.diff.iter().for_each(|line| terminal.line(line));
    if !found.counted.is_empty() {
        terminal.text(&format!("\nfound:\n{}", found.counted));
    }
}

impl<'a> Said<'a> {
    pub(super) fn of(file: &'a str, said: &'a Diagnostic) -> Self {
        let Diagnostic { severity, what, remedy, place: _ } = said;
        Self { file, line: said.line(), column: said.column(), severity: severity.word(), what, remedy }
    }
}

impl<'a> Document<'a> {
    fn of(found: &'a Found<'a>, refused: Option<&'a Trouble>) -> Self {
        let Found { said, edits, diff, .. } = found;
        let errors = said.iter().filter(|said| said.severity == Severity::Error.word()).count();
        Self { refused, errors, said, edits, diff }
    }
}

impl Into {
    pub(super) fn of(config: &Config) -> Self {
        let members = config.members.iter().cloned().collect();
        Self { members, spec: config.spec.clone(), base: config.base }
    }

    /// Without a cluster: these nodes, and an empty configuration.
    pub(super) fn alone(members: BTreeSet<NodeId>) -> Self {
        Self { members, spec: Spec::default(), base: Timing::of(Profile::Default) }
    }
}

/// Without a cluster: the nodes that the files name, and an empty configuration.
fn alone(file: &Source, ha_cf: Option<&Source>) -> Into {
    let lines = haresources::parse(file).0.lines;
    let mut names: Vec<String> = lines.into_iter().map(|line| line.node.text.to_ascii_lowercase()).collect();
    if let Some(source) = ha_cf {
        names.extend(ha_cf::parse(source).0.nodes().into_iter().map(|node| node.text.to_ascii_lowercase()));
    }
    Into::alone(names.iter().filter_map(|name| NodeId::new(name).ok()).collect())
}

/// What this machine has, under its name as a member, or else as a host.
async fn inventory(here: Option<&str>) -> Inventory {
    let found = haven_agents::inventory(&LookHost).await;
    let host = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
    let here = NodeId::new(here.unwrap_or(&host)).or_else(|_| NodeId::new("here"));
    let ocf = found.ocf.iter().flat_map(|(provider, kinds)| kinds.iter().map(move |kind| format!("{provider}:{kind}")));
    let installed =
        Installed { ocf: ocf.collect(), resource_d: found.heartbeat, init_d: found.lsb, units: found.units };
    Inventory { nodes: here.into_iter().map(|here| (here, installed.clone())).collect() }
}

pub(super) fn accepted(names: &[String]) -> Result<BTreeSet<ResourceId>, Trouble> {
    let wrong = |error| Trouble::usage(format!("--data-loss-accepted: {error}"), "name a resource of the plan");
    names.iter().map(|name| ResourceId::new(name).map_err(wrong)).collect()
}

fn read(path: &Path) -> Result<Source, Trouble> {
    let (name, bytes) = read_bounded(path, READ_MAX)?;
    Ok(Source::of_bytes(&name, &bytes))
}

/// The name of a file, and at most so many of its bytes.
pub(super) fn read_bounded(path: &Path, most: usize) -> Result<(String, Vec<u8>), Trouble> {
    use std::io::Read;
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let read = fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| Trouble::file(&format!("read {name}"), &error))?;
    Ok((name, bytes))
}
