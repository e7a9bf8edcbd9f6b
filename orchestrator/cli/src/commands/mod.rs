//! One module per group of commands: what the words mean together, and what is said at the end.

mod ca;
pub(crate) mod change;
pub(crate) mod cib;
mod config;
mod drill;
mod explain;
mod export;
mod fence;
mod import;
mod log;
mod node;
pub(crate) mod of_cib;
mod proxmox;
mod resource;
mod restart;
mod setup;
mod status;

use std::io::Write;

use clap::CommandFactory;

use crate::args::{Ask, Cli, Export, Import, Verb};
use crate::session::Session;
use crate::terminal::Terminal;
use crate::trouble::{Exit, Trouble};

/// Does what was asked for.
pub(crate) fn run(cli: Cli, terminal: &Terminal) -> Result<Exit, Trouble> {
    match cli.verb {
        Verb::Daemon(asked) => setup::daemon(&cli.globals, &asked),
        Verb::Init(asked) => setup::init(&cli.globals, &asked, terminal),
        Verb::Join(asked) => setup::join(&cli.globals, &asked, terminal),
        Verb::Reset(asked) => setup::reset(&cli.globals, &asked, terminal),
        Verb::Demo(asked) => crate::demo::run(&asked, terminal),
        Verb::Sim(asked) => crate::sim::run(&asked, terminal),
        Verb::Chaos(asked) => crate::chaos::run(&asked, terminal),
        Verb::Crm(asked) => crate::crm::run(&cli.globals, &asked, terminal),
        Verb::Completions { shell } => Ok(completions(shell)),
        Verb::Ask(asked) => block_on(ask(&Session::new(&cli.globals, terminal), &asked))?,
    }
}

/// What a daemon is asked for.
pub(crate) async fn ask(session: &Session<'_>, asked: &Ask) -> Result<Exit, Trouble> {
    match asked {
        Ask::Status(asked) => status::status(session, asked).await,
        Ask::Nodes => status::nodes(session).await,
        Ask::Links => explain::links(session).await,
        Ask::Log(asked) => log::log(session, asked).await,
        Ask::Why(asked) => explain::why(session, asked).await,
        Ask::Plan(asked) => match &asked.cib {
            Some(path) => of_cib::plan(session, path, asked),
            None => explain::plan(session).await,
        },
        Ask::Doctor => explain::doctor(session).await,
        Ask::Drill(asked) => drill::drill(session, asked).await,
        Ask::Token(asked) => node::token(session, asked).await,
        Ask::Ca(asked) => ca::ca(session, asked).await,
        Ask::Node(asked) => node::node(session, asked).await,
        Ask::Resource(asked) => resource::resource(session, asked).await,
        Ask::Group(asked) => resource::group(session, asked).await,
        Ask::Constraint(asked) => config::constraint(session, asked).await,
        Ask::Fence(asked) => fence::fence(session, asked).await,
        Ask::Config(asked) => config::config(session, asked).await,
        Ask::Maintenance(asked) => node::maintenance(session, asked).await,
        Ask::Unfreeze(asked) => node::unfreeze(session, asked).await,
        Ask::Import(Import::Haresources(asked)) => import::haresources(session, asked).await,
        Ask::Import(Import::Cib(asked)) => cib::import(session, asked).await,
        Ask::Import(Import::Proxmox(asked)) => proxmox::import(session, asked).await,
        Ask::Export(Export::Cib { out }) => cib::export(session, out.as_deref()).await,
    }
}

fn completions(shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "haven", &mut script);
    let _ = anstream::stdout().write_all(&script);
    Exit::Fine
}

/// The name of a CIB and its bytes, no more than can be read.
pub(crate) fn read_cib(path: &std::path::Path) -> Result<(String, Vec<u8>), Trouble> {
    import::read_bounded(path, of_cib::READ_MAX)
}

/// Runs `work` on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| Trouble::file("begin", &error))?.block_on(work))
}
