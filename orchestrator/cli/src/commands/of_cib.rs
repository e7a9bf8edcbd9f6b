//! `haven plan --cib`: what haven would do with a Pacemaker configuration, in the state that its status section describes.
//!
//! Never: a daemon; the file says all.

mod imagine;
mod why;

use std::path::Path;

use haven_config::Source;
use haven_core::scheduler::engine::change::Losses;
use haven_core::scheduler::engine::scene::Scene;
use haven_core::scheduler::engine::{self, Release};

use crate::args::Plan;
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

use super::import;

/// Longest file that is read, a byte more than the reader accepts: it says what is wrong with it.
pub(super) const READ_MAX: usize = haven_config::CIB_MAX + 1;

/// `plan --cib FILE`.
pub(super) fn plan(session: &Session<'_>, path: &Path, asked: &Plan) -> Result<Exit, Trouble> {
    let (name, bytes) = import::read_bounded(path, READ_MAX)?;
    let mut scene = scene(session, &Source::of_cib(&name, bytes))?;
    if let Some(now) = &asked.now {
        scene.now = engine::moment(now).ok_or_else(|| {
            Trouble::usage(format!("`{now}` is no date"), "name one as 2026-11-30 10:15:00Z, or in seconds since 1970")
        })?;
    }
    scene.release = asked.release.as_deref().and_then(Release::named);
    if let Some(resource) = &asked.why {
        return why::why(session, &scene, resource);
    }
    if let Some([resource, node]) = asked.why_not.as_deref() {
        return why::why_not(session, &scene, (resource, node));
    }
    if let Some(text) = &asked.what_if {
        return imagine::imagine(session, &scene, text);
    }
    if asked.survive {
        let losses = if asked.pairs { Losses::Pairs } else { Losses::Single };
        return Ok(imagine::lose(session, &scene, losses));
    }
    Ok(tell(session, &scene))
}

/// What a CIB says, and beside it what is to be said about it.
pub(crate) fn scene(session: &Session<'_>, source: &Source) -> Result<Scene, Trouble> {
    let (scene, found) = haven_config::cib::read(source);
    let said = haven_config::render(source, &found);
    if !said.is_empty() {
        session.terminal.aside(said.trim_end());
    }
    scene.ok_or_else(|| Trouble::cib(source.name()))
}

/// Tells what would be done about it.
pub(crate) fn tell(session: &Session<'_>, scene: &Scene) -> Exit {
    let outcome = engine::outcome(scene);
    session.terminal.answer(&outcome, || haven_config::cib::plan_in_words(&outcome));
    Exit::Fine
}
