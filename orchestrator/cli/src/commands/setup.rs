//! This machine as a member: `daemon`, `init`, `join`, `reset`.

use std::io::Read;

use haven_core::event::MemberKind;
use haven_core::ids::{BootId, NodeId};
use haven_core::spec::Profile;
use haven_daemon::folder::{Card, CardLink, Folders, MachineOptions, OnDeath};
use haven_daemon::setup::{self, Advertise, SetupError};
use haven_daemon::{LogFormat, Ownership, Settings};

use crate::args::{self, Globals};
use crate::terminal::{Format, Terminal};
use crate::trouble::{Exit, Trouble};

use super::block_on;

/// Longest token that is read, in bytes: several times what one has.
const TOKEN_MAX: u64 = 8192;

fn folders(globals: &Globals) -> Folders {
    Folders { state: globals.state.clone(), run: globals.run.clone() }
}

/// `daemon`: in this thread, until it ends.
pub(crate) fn daemon(globals: &Globals, asked: &args::Daemon) -> Result<Exit, Trouble> {
    let mut settings = Settings::new(folders(globals));
    settings.log = match asked.log {
        args::LogStyle::Human => LogFormat::Human,
        args::LogStyle::Json => LogFormat::Json,
    };
    if let Some(boot) = asked.boot_id.as_ref().filter(|_| asked.demo) {
        let boot = BootId::try_from(boot.clone());
        let boot = boot.map_err(|error| Trouble::usage(format!("--boot-id: {error}"), "give a UUID"))?;
        settings.ownership = Ownership::Demo { boot };
    }
    match haven_daemon::run(settings) {
        Ok(ended) => Ok(Exit::Daemon(ended.exit_code())),
        Err(error) => Err(Trouble::daemon(&error)),
    }
}

/// Name, links and options of this machine.
fn machine(asked: &args::Machine) -> Result<(NodeId, Vec<CardLink>, MachineOptions), Trouble> {
    let node = NodeId::new(&asked.node);
    let node = node.map_err(|error| Trouble::usage(format!("--node: {error}"), "give another name"))?;
    let advertised: Result<Vec<Advertise>, SetupError> = asked.advertise.iter().map(|text| text.parse()).collect();
    let links = advertised.and_then(|found| setup::addresses(&found, &asked.listen));
    let links = links.map_err(|error| Trouble::setup(&error))?;
    let watchdog = if asked.watchdog == "none" { String::new() } else { asked.watchdog.clone() };
    let on_death = match asked.on_death {
        args::OnDeath::ResetMachine => OnDeath::ResetMachine,
        args::OnDeath::KillNode => OnDeath::KillNode,
    };
    Ok((node, links, MachineOptions { watchdog, on_death, ..MachineOptions::default() }))
}

/// `init`.
pub(crate) fn init(globals: &Globals, asked: &args::Init, terminal: &Terminal) -> Result<Exit, Trouble> {
    let (node, links, machine) = machine(&asked.machine)?;
    let profile = Profile::parse(&asked.profile);
    let unknown =
        || Trouble::usage(format!("--profile: `{}` is none", asked.profile), "give default, lan, fast, vm or wan");
    let init = setup::Init { name: asked.name.clone(), node, links, profile: profile.ok_or_else(unknown)?, machine };
    let card = block_on(setup::init(&folders(globals), init))?.map_err(|error| Trouble::setup(&error))?;
    tell(&card, terminal);
    Ok(Exit::Fine)
}

/// `join`.
pub(crate) fn join(globals: &Globals, asked: &args::Join, terminal: &Terminal) -> Result<Exit, Trouble> {
    let (node, links, machine) = machine(&asked.machine)?;
    let token = if asked.token == "-" { read_token()? } else { asked.token.clone() };
    let kind = asked.witness.then_some(MemberKind::Witness);
    let join = setup::Join { token, node, links, machine, kind };
    let card = block_on(setup::join(&folders(globals), join))?.map_err(|error| Trouble::setup(&error))?;
    tell(&card, terminal);
    Ok(Exit::Fine)
}

/// The token on standard input.
fn read_token() -> Result<String, Trouble> {
    let mut token = String::new();
    let read = std::io::stdin().take(TOKEN_MAX).read_to_string(&mut token);
    read.map_err(|error| Trouble::file("read the token", &error))?;
    Ok(token)
}

fn tell(card: &Card, terminal: &Terminal) {
    match terminal.format() {
        Format::Json => terminal.json(&serde_json::json!({
            "cluster": card.cluster, "name": card.cluster_name, "node": card.node, "member": card.member,
        })),
        Format::Text => {
            terminal.line(&format!("{} is {} of cluster {}", card.node, card.member, card.cluster_name));
            terminal.line("next: start its daemon with `systemctl enable --now haven`, or `haven daemon` to watch it");
        }
    }
}

/// `reset`.
pub(crate) fn reset(globals: &Globals, asked: &args::Reset, terminal: &Terminal) -> Result<Exit, Trouble> {
    let folders = folders(globals);
    if !asked.yes {
        let what = format!("reset removes what makes this machine a member, in {}", folders.state.display());
        return Err(Trouble::usage(what, "add --yes to do it"));
    }
    let removed = setup::reset(&folders).map_err(|error| Trouble::setup(&error))?;
    match terminal.format() {
        Format::Json => terminal.json(&serde_json::json!({ "removed": removed })),
        Format::Text if removed.is_empty() => terminal.line("there was nothing to remove"),
        Format::Text => {
            removed.iter().for_each(|path| terminal.line(&format!("removed {}", path.display())));
            terminal.line("next: tell the others with `haven node remove`");
        }
    }
    Ok(Exit::Fine)
}
