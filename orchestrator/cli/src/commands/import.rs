//! `haven import`: another cluster manager's files into one commit.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use haven_api::ClientError;
use haven_api::view::Config;
use haven_config::heartbeat::{Import, Imported, Installed, Inventory, import};
use haven_config::{DiffLine, Severity, Source, diff, ha_cf, haresources};
use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Profile, Spec, SpecEdit, Timing};
use serde::Serialize;

use crate::args::ImportHaresources;
use crate::look::LookHost;
use crate::plural::count;
use crate::session::Session;
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

use super::change;

/// Longest file that is read, a byte more than the parsers accept: they say what is wrong with it.
const READ_MAX: usize = haven_config::FILE_MAX + 1;

/// What the import is made into.
struct Into {
    members: BTreeSet<NodeId>,
    spec: Spec,
    base: Timing,
}

/// One thing that is said about a file, for programs.
#[derive(Debug, Serialize)]
struct Said<'a> {
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
    said: Vec<Said<'a>>,
    edits: &'a [SpecEdit],
    diff: Vec<String>,
}

/// `import haresources`. Only `--plan` does without a daemon.
pub(crate) async fn haresources(session: &Session<'_>, asked: &ImportHaresources) -> Result<Exit, Trouble> {
    let file = read(&asked.file)?;
    let ha_cf = asked.ha_cf.as_deref().map(read).transpose()?;
    let accepted = accepted(&asked.data_loss_accepted)?;
    let config = match session.client.config(None).await {
        Ok(config) => Some(config),
        Err(ClientError::NotRunning { .. }) if asked.editing.doing.plan => None,
        Err(error) => return Err(error.into()),
    };
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
    let format = session.terminal.format();
    match (format, &committed, &config) {
        (Format::Text, ..) => show(&import_of, &imported, session.terminal),
        // The change has an answer of its own, and programs get one document.
        (Format::Json, Ok(_), Some(_)) => session.terminal.aside(imported.render(&import_of).trim_end()),
        (Format::Json, Ok(_), None) | (Format::Json, Err(_), _) => {
            session.terminal.json(&Document::of(&import_of, &imported, committed.as_ref().err()));
        }
    }
    let edits = match (committed, format) {
        (Ok(edits), _) => edits,
        (Err(trouble), Format::Text) => return Err(trouble),
        // It is in the document.
        (Err(trouble), Format::Json) => return Ok(trouble.exit),
    };
    match config {
        Some(config) => {
            let what = format!("import {}", file.name());
            change::commit(session, &asked.editing, &what, &config, edits).await
        }
        None => {
            if format == Format::Text {
                let edits = count(edits.len(), "edit");
                session.terminal.line(&format!("\nplan: {edits}; no daemon was asked, nothing was changed"));
            }
            Ok(Exit::Fine)
        }
    }
}

/// What the configuration would become, line by line. With errors it lacks what they are about.
fn changes(import_of: &Import, imported: &Imported) -> Vec<String> {
    let spec = import_of.spec.edited(imported.preview(), 1).unwrap_or_else(|_| import_of.spec.clone());
    diff(import_of.spec, &spec).iter().map(DiffLine::to_string).collect()
}

fn show(import_of: &Import, imported: &Imported, terminal: &Terminal) {
    let lines = changes(import_of, imported);
    terminal.text(&imported.render(import_of));
    terminal.line(if lines.is_empty() { "\nno change of the configuration" } else { "\nchanges:" });
    lines.iter().for_each(|line| terminal.line(line));
}

impl<'a> Document<'a> {
    fn of(import_of: &Import<'a>, imported: &'a Imported, refused: Option<&'a Trouble>) -> Self {
        let (main, other) = (import_of.haresources.name(), import_of.ha_cf.map_or("ha.cf", Source::name));
        let said = imported.haresources.iter().map(|said| (main, said));
        let said = said.chain(imported.ha_cf.iter().map(|said| (other, said)));
        let said: Vec<Said> = said
            .map(|(file, d)| Said {
                file,
                line: d.line(),
                column: d.column(),
                severity: d.severity.word(),
                what: &d.what,
                remedy: &d.remedy,
            })
            .collect();
        let errors = said.iter().filter(|said| said.severity == Severity::Error.word()).count();
        Self { refused, errors, said, edits: imported.preview(), diff: changes(import_of, imported) }
    }
}

impl Into {
    fn of(config: &Config) -> Self {
        let members = config.members.iter().cloned().collect();
        Self { members, spec: config.spec.clone(), base: config.base }
    }
}

/// Without a cluster: the nodes that the files name, and an empty configuration.
fn alone(file: &Source, ha_cf: Option<&Source>) -> Into {
    let lines = haresources::parse(file).0.lines;
    let mut names: Vec<String> = lines.into_iter().map(|line| line.node.text.to_ascii_lowercase()).collect();
    if let Some(source) = ha_cf {
        names.extend(ha_cf::parse(source).0.nodes().into_iter().map(|node| node.text.to_ascii_lowercase()));
    }
    let members = names.iter().filter_map(|name| NodeId::new(name).ok()).collect();
    Into { members, spec: Spec::default(), base: Timing::of(Profile::Default) }
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

fn accepted(names: &[String]) -> Result<BTreeSet<ResourceId>, Trouble> {
    let wrong = |error| Trouble::usage(format!("--data-loss-accepted: {error}"), "name a resource of the plan");
    names.iter().map(|name| ResourceId::new(name).map_err(wrong)).collect()
}

fn read(path: &Path) -> Result<Source, Trouble> {
    let name = path.display().to_string();
    let bytes = read_bounded(path).map_err(|error| Trouble::file(&format!("read {name}"), &error))?;
    Ok(Source::of_bytes(&name, &bytes))
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let most = u64::try_from(READ_MAX).unwrap_or(u64::MAX);
    fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
