//! `ca`: the certificate authority that lets machines in, and its change.

use std::time::{Duration, Instant};

use haven_api::model::CaView;
use haven_config::words;
use serde::Serialize;

use crate::args::Ca;
use crate::session::Session;
use crate::trouble::{Exit, Trouble};

/// Time between two looks at who has a certificate of the authority.
const LOOK: Duration = Duration::from_millis(200);

/// What became of a change, for programs.
#[derive(Debug, Serialize)]
struct Rotated<'a> {
    ca: &'a str,
    index: u64,
    waiting: &'a [String],
}

/// `ca`.
pub(crate) async fn ca(session: &Session<'_>, asked: &Ca) -> Result<Exit, Trouble> {
    match asked {
        Ca::Show => {
            let view = session.client.ca().await?;
            session.terminal.answer(&view, || shown(&view));
            Ok(if view.waiting.is_empty() { Exit::Fine } else { Exit::Refused })
        }
        Ca::Rotate { sure, timeout } => {
            let within = Duration::from_millis(words::duration(timeout)?.0);
            let what = "Another CA is made. Join tokens that were made so far become void; members go on undisturbed.";
            sure.sure(session, what, "rotate")?;
            rotate(session, within).await
        }
    }
}

fn shown(view: &CaView) -> String {
    let mut text = format!("CA       {}\n", view.ca);
    if let Some(index) = view.changed {
        text += &format!("changed  by entry {index}\n");
    }
    for other in &view.others {
        text += &format!("until then believed, too: {other}\n");
    }
    if !view.waiting.is_empty() {
        text += &format!("no certificate of it yet: {}\n", view.waiting.join(", "));
    }
    text
}

/// Changes the authority and waits for the members.
async fn rotate(session: &Session<'_>, within: Duration) -> Result<Exit, Trouble> {
    let made = session.client.change_ca().await?;
    let began = Instant::now();
    let mut view = session.client.ca().await?;
    while !is_over(&view, &made.ca) && began.elapsed() < within {
        tokio::time::sleep(LOOK).await;
        view = session.client.ca().await?;
    }
    let over = is_over(&view, &made.ca);
    session.terminal.answer(&Rotated { ca: &made.ca, index: made.index.0, waiting: &view.waiting }, || {
        let first = format!("the CA is {} (entry {})\n", made.ca, made.index);
        if over {
            return format!("{first}every member has a certificate of it, and the one before counts no more\n");
        }
        let waiting = view.waiting.join(", ");
        format!(
            "{first}no certificate of it yet: {waiting}\n\
             They take it as soon as they are there; until then the one before is believed, too.\n\
             A member that does not come back: haven node remove NAME.\n"
        )
    });
    Ok(if over { Exit::Fine } else { Exit::Refused })
}

/// Whether everybody has a certificate of `ca`, and this node believes no other.
fn is_over(view: &CaView, ca: &str) -> bool {
    view.ca == ca && view.waiting.is_empty() && view.others.is_empty()
}
