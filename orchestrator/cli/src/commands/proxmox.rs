//! `haven import proxmox`: the folder of Proxmox VE's HA manager into one commit.

use std::collections::BTreeSet;
use std::path::Path;

use haven_config::Source;
use haven_config::proxmox::{Files, Import, Nodes, OTHER_FILES, guest_id, import as read_files, nodes_of};
use haven_core::ids::ResourceId;

use crate::args::ImportProxmox;
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

use super::import::{self, Found, Into, Said};

/// Longest file that is read, a byte more than the parser accepts: it says what is wrong with it.
const READ_MAX: usize = haven_config::FILE_MAX + 1;

/// `import proxmox`. Only `--plan` does without a daemon.
pub(super) async fn import(session: &Session<'_>, asked: &ImportProxmox) -> Result<Exit, Trouble> {
    if asked.folder.is_file() {
        let what = format!("{} is no folder", asked.folder.display());
        return Err(Trouble::usage(what, "name the folder with resources.cfg in it, such as /etc/pve/ha"));
    }
    let resources = read(&asked.folder, "resources.cfg")?;
    let groups = read_if_there(&asked.folder, "groups.cfg")?;
    let rules = read_if_there(&asked.folder, "rules.cfg")?;
    let there = |name: &&str| asked.folder.join(name).exists();
    let others: BTreeSet<&'static str> = OTHER_FILES.iter().map(|(name, _)| *name).filter(there).collect();
    let files = Files { resources: &resources, groups: groups.as_ref(), rules: rules.as_ref(), others: &others };
    let defined = defined(&asked.guest_defined)?;
    let config = import::present(session, &asked.editing).await?;
    let into = config.as_ref().map_or_else(|| Into::alone(nodes_of(&files)), Into::of);
    let imported = read_files(&Import {
        files,
        members: &into.members,
        nodes: if config.is_some() { Nodes::Members(into.members.len()) } else { Nodes::Named },
        spec: &into.spec,
        base: into.base,
        defined: &defined,
    });
    let committed = imported.clone().commit().map_err(|refused| Trouble::import(&refused));
    let name = |source: Option<&Source>| source.map(Source::name).unwrap_or_default().to_owned();
    let names = [resources.name().to_owned(), name(groups.as_ref()), name(rules.as_ref())];
    let all = names.iter().zip([&imported.resources, &imported.groups, &imported.rules]);
    let folder = asked.folder.display().to_string();
    let found = Found {
        name: &folder,
        rendered: imported.render(&files),
        said: all.flat_map(|(name, said)| said.iter().map(|said| Said::of(name, said))).collect(),
        edits: imported.preview(),
        diff: import::changes(&into.spec, imported.preview()),
        counted: imported.counted.clone(),
    };
    import::proceed(session, &asked.editing, &found, committed, config.as_ref()).await
}

/// The guests that a person has prepared, as Proxmox or as haven calls them.
fn defined(names: &[String]) -> Result<BTreeSet<ResourceId>, Trouble> {
    let wrong = |name: &String| {
        Trouble::usage(format!("--guest-defined: `{name}` is no guest"), "write `vm:NUMBER` or `ct:NUMBER`")
    };
    names.iter().map(|name| guest_id(name).ok_or_else(|| wrong(name))).collect()
}

fn read(folder: &Path, name: &str) -> Result<Source, Trouble> {
    let (name, bytes) = import::read_bounded(&folder.join(name), READ_MAX)?;
    Ok(Source::of_proxmox(&name, &bytes))
}

/// The same for a file that need not be there.
fn read_if_there(folder: &Path, name: &str) -> Result<Option<Source>, Trouble> {
    if !folder.join(name).exists() {
        return Ok(None);
    }
    read(folder, name).map(Some)
}
