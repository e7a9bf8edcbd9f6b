//! `haven import cib` and `haven export cib`: from Pacemaker, and back.
//!
//! Never: a password on the screen, in the log or in a file that others can read.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use haven_api::view::Config;
use haven_config::cib::export::Exported;
use haven_config::cib::import::{Accept, Import, Imported, SecretFile, SecretsTo, import as read_cib, nodes_of};
use haven_config::{Severity, Source};
use haven_core::ids::ResourceId;
use haven_core::spec::Spec;

use crate::args::{Answers, ImportCib};
use crate::export::new_file;
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

use super::import::{self, Found, Into, Said};
use super::of_cib::READ_MAX;

/// `import cib`. Only `--plan` does without a daemon.
pub(super) async fn import(session: &Session<'_>, asked: &ImportCib) -> Result<Exit, Trouble> {
    let (name, bytes) = import::read_bounded(&asked.file, READ_MAX)?;
    let source = Source::of_cib(&name, bytes);
    let folder = asked.answers.secrets.as_deref().map(folder).transpose()?;
    let config = import::present(session, &asked.editing).await?;
    let into = config.as_ref().map_or_else(|| Into::alone(nodes_of(&source)), Into::of);
    let accepted = Accepted::of(&asked.answers)?;
    let import_of = accepted.import(&source, &into, folder.as_deref());
    let imported = read_cib(&import_of);
    let committed = imported.clone().commit().map_err(|refused| Trouble::import(&refused));
    if committed.is_ok() && !asked.editing.doing.plan {
        // They must be there before anything looks for them.
        imported.secrets.iter().try_for_each(|secret| put(session, secret))?;
    }
    let found = Found {
        name: &name,
        rendered: imported.render(&import_of),
        said: imported.said.iter().map(|said| Said::of(&name, said)).collect(),
        edits: imported.preview(),
        diff: import::changes(&into.spec, imported.preview()),
        counted: imported.tally.to_string(),
    };
    import::proceed(session, &asked.editing, &found, committed, config.as_ref()).await
}

/// What a person has accepted.
struct Accepted {
    answers: BTreeSet<Accept>,
    data_loss: BTreeSet<ResourceId>,
}

impl Accepted {
    fn of(answers: &Answers) -> Result<Self, Trouble> {
        let data_loss = import::accepted(&answers.data_loss_accepted)?;
        let answers =
            [(answers.no_quorum_stop_accepted, Accept::NoQuorumStop), (answers.fencing_accepted, Accept::Fencing)];
        let answers = answers.into_iter().filter(|(given, _)| *given).map(|(_, accept)| accept).collect();
        Ok(Self { answers, data_loss })
    }

    fn import<'a>(&'a self, cib: &'a Source, into: &'a Into, folder: Option<&'a str>) -> Import<'a> {
        Import {
            cib,
            members: &into.members,
            spec: &into.spec,
            base: into.base,
            accepted: &self.answers,
            accept_data_loss: &self.data_loss,
            secrets: folder.map_or(SecretsTo::Refused, SecretsTo::Folder),
        }
    }
}

/// What would become of a CIB in the cluster that has `config`, if `spec` were configured there.
pub(crate) fn imported(
    text: &str,
    config: &Config,
    spec: &Spec,
    answers: &Answers,
    folder: Option<&str>,
) -> Result<Imported, Trouble> {
    let source = Source::of_cib("what was edited", text.as_bytes().to_vec());
    let into = Into { spec: spec.clone(), ..Into::of(config) };
    Ok(read_cib(&Accepted::of(answers)?.import(&source, &into, folder)))
}

/// The folder as an absolute path: it is looked for on every node.
pub(crate) fn folder(path: &Path) -> Result<String, Trouble> {
    let path = std::path::absolute(path).map_err(|error| Trouble::file("find --secrets", &error))?;
    let name = path.to_str().filter(|name| !name.chars().any(char::is_control));
    let wrong = || Trouble::usage("--secrets is no name that a configuration can hold", "name another folder");
    name.map(str::to_owned).ok_or_else(wrong)
}

/// Writes a password into a file of its own that nobody else can read. One that is there already with the same password
/// stays.
pub(crate) fn put(session: &Session<'_>, secret: &SecretFile) -> Result<(), Trouble> {
    let path = PathBuf::from(&secret.path);
    let failed = |error: &std::io::Error| Trouble::file(&format!("write {}", path.display()), error);
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed(&error))?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            file.write_all(secret.reveal().as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(|error| failed(&error))?;
            session.terminal.note(&format!("{} was written; it must be there on every node", path.display()));
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if std::fs::read(&path).is_ok_and(|there| there == secret.reveal().as_bytes()) {
                return Ok(());
            }
            let what = format!("cannot write {}: it is there already, with something else in it", path.display());
            Err(Trouble::usage(what, "remove it, or give another folder by --secrets"))
        }
        Err(error) => Err(failed(&error)),
    }
}

/// `export cib`.
pub(super) async fn export(session: &Session<'_>, out: Option<&Path>) -> Result<Exit, Trouble> {
    let config = session.config().await?;
    let members = config.members.iter().cloned().collect();
    let Exported { text, said } = haven_config::cib::export::export(&config.spec, &members);
    for said in &said {
        let remedy = if said.remedy.is_empty() { String::new() } else { format!("\n   remedy: {}", said.remedy) };
        session.terminal.aside(&format!("{}: {}{remedy}", said.severity.word(), said.what));
    }
    let errors = said.iter().filter(|said| said.severity == Severity::Error).count();
    if errors > 0 {
        return Err(Trouble::export(errors));
    }
    let Some(path) = out else {
        session.terminal.text(&text);
        return Ok(Exit::Fine);
    };
    let failed = |error| Trouble::file(&format!("write {}", path.display()), &error);
    new_file(path)?.write_all(text.as_bytes()).map_err(failed)?;
    let written = serde_json::json!({ "file": path });
    session.terminal.answer(&written, || format!("{}: written\n", path.display()));
    Ok(Exit::Fine)
}
