//! The levels, and the way through them, line by line.
//!
//! Never: an edit that is kept when a line of a script has failed.

use haven_config::crm::{Configuration, lines};
use haven_config::{Source, has_errors};

use super::cib_file::CibFile;
use super::edits::{Edits, Origin, refused};
use super::help;
use super::input::Input;
use super::words::{Cluster, Configure, Level, Verb};
use super::{agents, configure, history, node, resource};
use crate::args::{Ask, Crm, Editing, Status};
use crate::commands;
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

/// Whether more lines are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// They are.
    On,
    /// The shell has been left.
    Over,
}

/// Who can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// A person at a terminal.
    Person,
    /// Nobody: what was edited is committed when its level is left.
    Nobody,
}

/// Whether what has errors is committed, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// It is not.
    Never,
    /// It is.
    Always,
}

/// The shell.
#[derive(Debug)]
pub(crate) struct Shell<'a> {
    pub(crate) session: Session<'a>,
    pub(crate) asked: &'a Crm,
    pub(crate) level: Level,
    pub(crate) edits: Option<Edits>,
    pub(crate) asking: Asking,
    /// What a plan has been shown of.
    pub(crate) planned: Option<Configuration>,
    /// The worst that has come of a command that was done.
    pub(crate) exit: Exit,
}

impl<'a> Shell<'a> {
    pub(crate) fn new(session: Session<'a>, asked: &'a Crm, asking: Asking) -> Self {
        Self { session, asked, level: Level::Root, edits: None, asking, planned: None, exit: Exit::Fine }
    }

    /// Whether errors are no hindrance to a commit.
    pub(crate) fn force(&self) -> Force {
        if self.asked.force { Force::Always } else { Force::Never }
    }

    /// Does all lines of a source, and commits what is left. Errors: of the first line that fails; what was not committed
    /// before it is forgotten.
    pub(crate) async fn source(&mut self, source: &Source) -> Result<(), Trouble> {
        let (found, said) = lines(source);
        if has_errors(&said) {
            refused(source, &said, source.name(), self.session.terminal)?;
        }
        for line in &found {
            let input = Input { source, line };
            match self.line(input).await {
                Ok(Flow::On) => {}
                Ok(Flow::Over) => return Ok(()),
                Err(trouble) => return Err(self.forget(input, trouble)),
            }
        }
        self.leave().await
    }

    /// A line has failed.
    fn forget(&mut self, input: Input<'_>, mut trouble: Trouble) -> Trouble {
        trouble.message = format!("{}{}", input.at(), trouble.message);
        let object = |word: &&str| {
            matches!(Level::Configure.find(word).map(|found| found.verb), Ok(Verb::Configure(Configure::Object(_))))
        };
        if self.level == Level::Root && !input.at().is_empty() && input.words(0).first().is_some_and(object) {
            trouble
                .detail
                .push("a file of objects is no script: `haven crm configure load update FILE` takes it in".to_owned());
        }
        let lost = self.edits.take().is_some_and(|edits| edits.are_any());
        if lost && self.asking == Asking::Nobody && !input.at().is_empty() {
            trouble.detail.push("what was edited before it and not committed is forgotten".to_owned());
        }
        trouble
    }

    /// Does one line.
    pub(crate) async fn line(&mut self, input: Input<'_>) -> Result<Flow, Trouble> {
        let mut level = self.level;
        let words = input.words(0);
        for (at, word) in words.iter().enumerate() {
            if *word == "--help" {
                self.session.terminal.text(&help::of_level(level));
                return Ok(Flow::On);
            }
            let entry = level.find(word)?;
            let rest = words.get(at + 1..).unwrap_or_default();
            if rest.contains(&"--help") && !matches!(entry.verb, Verb::Enter(_)) {
                self.session.terminal.text(&help::usage(level, entry));
                return Ok(Flow::On);
            }
            let Verb::Enter(next) = entry.verb else {
                let done = self.act(entry.verb, Way { level, at, word: entry.word, input, rest }).await;
                // Elsewhere nothing is left of it, so that the next command sees what is so.
                if self.level != Level::Configure {
                    self.edits = None;
                }
                return done;
            };
            if rest.is_empty() {
                self.leave().await?;
                self.level = next;
                return Ok(Flow::On);
            }
            level = next;
        }
        Ok(Flow::On)
    }

    async fn act(&mut self, verb: Verb, way: Way<'_>) -> Result<Flow, Trouble> {
        match verb {
            Verb::Quit => {
                self.leave().await?;
                return Ok(Flow::Over);
            }
            Verb::Up => {
                self.leave().await?;
                self.level = Level::Root;
            }
            Verb::Cd => self.go(way.rest).await?,
            Verb::List => self.session.terminal.text(&help::list(way.level)),
            Verb::Help => self.session.terminal.text(&help::help(way.level, way.rest)?),
            Verb::Lacks(remedy) => {
                let at = if way.level == Level::Root { String::new() } else { format!("{} ", way.level.word()) };
                return Err(Trouble::crm_lacks(
                    format!("`{at}{}` is a word of crmsh that haven does not have", way.word),
                    remedy,
                ));
            }
            Verb::Verify => configure::verify(self).await?,
            Verb::Status | Verb::Cluster(Cluster::Status) => self.status(way.rest).await?,
            Verb::Cluster(Cluster::Health) => {
                self.in_cluster("`cluster health`")?;
                self.native(Ask::Doctor).await?;
            }
            Verb::Configure(verb) => {
                configure::run(self, verb, way).await?;
                // Outside of its level a command stands alone, as on the command line.
                if self.level != Level::Configure {
                    self.leave().await?;
                }
            }
            Verb::Resource(verb) => resource::run(self, verb, way.rest).await?,
            Verb::Node(verb) => node::run(self, verb, way.rest).await?,
            Verb::Agents(verb) => agents::run(self, verb, way.rest).await?,
            Verb::History(verb) => history::run(self, verb, way.rest).await?,
            Verb::Enter(_) => {}
        }
        Ok(Flow::On)
    }

    /// `status`. What it is to show beside the rest is on the page anyway.
    async fn status(&mut self, words: &[&str]) -> Result<(), Trouble> {
        if let Some(form) = words.iter().find(|word| matches!(**word, "xml" | "html")) {
            return Err(Trouble::crm_lacks(format!("the status is not shown as {form}"), "use --json"));
        }
        self.in_cluster("`status`")?;
        self.native(Ask::Status(Status { watch: false, at: None })).await
    }

    /// Does what a native command does, in its way.
    pub(crate) async fn native(&mut self, ask: Ask) -> Result<(), Trouble> {
        let exit = commands::ask(&self.session, &ask).await?;
        self.ended(exit);
        Ok(())
    }

    /// How a native command edits the configuration.
    pub(crate) fn editing(&self) -> Editing {
        Editing { doing: self.asked.doing.clone(), base: None, comment: None }
    }

    /// Errors: what is worked on is a file, and no cluster.
    pub(crate) fn in_cluster(&self, what: &str) -> Result<(), Trouble> {
        let Some(path) = &self.asked.cib else { return Ok(()) };
        let what = format!("{what} asks a running cluster, and {} is a file", path.display());
        let remedy =
            format!("leave out --cib and CIB_file, or see `haven plan --cib {}` for its status", path.display());
        Err(Trouble::crm(what, remedy))
    }

    /// Makes one change of the configuration and has it committed.
    pub(crate) async fn change(&mut self, edit: impl FnOnce(&mut Edits) -> Result<(), Trouble>) -> Result<(), Trouble> {
        let done = match self.edits().await.and_then(edit) {
            Ok(()) => configure::commit(self, self.force()).await,
            Err(trouble) => Err(trouble),
        };
        self.edits = None;
        done
    }

    /// `cd`: a level by its path; without one, the top.
    async fn go(&mut self, words: &[&str]) -> Result<(), Trouble> {
        let mut level = self.level;
        let path = words.first().copied().unwrap_or("/");
        if path.starts_with('/') {
            level = Level::Root;
        }
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if part == ".." {
                level = Level::Root;
                continue;
            }
            // Levels are beside each other, and no word of one leads to another.
            let Verb::Enter(next) = Level::Root.find(part)?.verb else {
                return Err(Trouble::usage(format!("`{part}` is no level"), "see `ls` at the top"));
            };
            level = next;
        }
        if level != self.level {
            self.leave().await?;
            self.level = level;
        }
        Ok(())
    }

    /// The configuration, read if it is not there yet.
    pub(crate) async fn edits(&mut self) -> Result<&mut Edits, Trouble> {
        let edits = match self.edits.take() {
            Some(edits) => edits,
            None => self.read().await?,
        };
        Ok(self.edits.insert(edits))
    }

    /// What is so.
    pub(crate) async fn read(&self) -> Result<Edits, Trouble> {
        match &self.asked.cib {
            Some(path) => {
                let (file, base) = CibFile::read(path, self.session.terminal)?;
                Ok(Edits::new(Origin::File(file), base))
            }
            None => configure::read(&self.session).await,
        }
    }

    /// What was edited is committed, or forgotten if a person says so.
    pub(crate) async fn leave(&mut self) -> Result<(), Trouble> {
        let Some(edits) = &self.edits else { return Ok(()) };
        if edits.are_any() && self.planned.as_ref() != Some(&edits.now) && self.is_wanted()? {
            configure::commit(self, self.force()).await?;
        }
        self.edits = None;
        Ok(())
    }

    /// Whether what was edited is to be committed. Errors: the person stays.
    fn is_wanted(&self) -> Result<bool, Trouble> {
        // A command that stands alone is meant to be done.
        if self.asking == Asking::Nobody || self.level != Level::Configure || self.asked.force {
            return Ok(true);
        }
        match self.session.terminal.answered("What was edited is not committed. Commit it (yes, no, stay)? ").as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err(Trouble::crm("the level was not left", "use `commit`, or `refresh` to forget what was edited")),
        }
    }

    /// Keeps what has come of a command.
    pub(crate) fn ended(&mut self, exit: Exit) {
        if exit != Exit::Fine {
            self.exit = exit;
        }
    }
}

/// How a command was reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'w> {
    /// Its level.
    pub(crate) level: Level,
    /// Which word of the line it is.
    pub(crate) at: usize,
    /// The word itself, written out.
    pub(crate) word: &'static str,
    /// The line.
    pub(crate) input: Input<'w>,
    /// What follows.
    pub(crate) rest: &'w [&'w str],
}
