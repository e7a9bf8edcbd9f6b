//! `fence`: devices, tests, and switching a node off.

use haven_api::model::{DeviceAnswer, FenceTestAsk, FenceTestMode, PowerAnswered};
use haven_config::words::{NewDevice, add_device, remove_device};
use haven_core::control::Command;
use haven_core::ids::NodeId;
use haven_core::state::ClusterState;
use haven_core::units::Millis;

use crate::args::{AddDevice, Fence, FenceVerb, Sure, Trial};
use crate::session::Session;
use crate::table::Table;
use crate::terminal::Format;
use crate::trouble::{Exit, Trouble};

use super::{change, log, status};

/// Names that fence programs have for the address of their device.
const ADDRESS: [&str; 3] = ["ip", "ipaddr", "address"];

/// `fence`.
pub(crate) async fn fence(session: &Session<'_>, asked: &Fence) -> Result<Exit, Trouble> {
    match &asked.verb {
        None => off(session, asked).await,
        Some(FenceVerb::Add(new)) => add(session, new).await,
        Some(FenceVerb::Remove { device, editing }) => {
            change::edit(session, editing, &format!("remove fence device {device}"), |config| {
                remove_device(&config.spec, device)
            })
            .await
        }
        Some(FenceVerb::List) => status::devices(session).await,
        Some(FenceVerb::Test { node, all: _, cycle, sure }) => {
            let mode = if *cycle { FenceTestMode::Cycle } else { FenceTestMode::Read };
            test(session, node.as_deref(), mode, sure).await
        }
        Some(FenceVerb::Confirm { node, sure, trial }) => confirm(session, node, sure, trial).await,
        Some(FenceVerb::History) => log::fences(session).await,
    }
}

async fn off(session: &Session<'_>, asked: &Fence) -> Result<Exit, Trouble> {
    let node = session.member(asked.node.as_deref().unwrap_or_default()).await?;
    if !asked.doing.plan {
        let what = format!("{node} is switched off at once; whatever runs there dies, and is started elsewhere.");
        asked.sure.sure(session, &what, node.as_str())?;
    }
    let command = Command::Fence { node: node.clone(), reason: asked.reason.clone() };
    change::command(session, &command, &asked.doing, &format!("fence {node}")).await
}

async fn add(session: &Session<'_>, new: &AddDevice) -> Result<Exit, Trouble> {
    let device = NewDevice {
        node: &new.node,
        agent: &new.agent,
        name: new.name.as_deref(),
        address: new.addr.as_deref(),
        user: new.user.as_deref(),
        secret: new.secret.as_deref(),
        outlets: &new.outlet,
        level: new.level,
        timeout: new.call_timeout.as_deref(),
        words: &new.words,
    };
    let what = format!("fence device for {}", new.node);
    let exit = change::edit(session, &new.editing, &what, |config| add_device(&config.spec, &device)).await?;
    if session.terminal.format() == Format::Text && !new.editing.doing.plan {
        session.terminal.line(&format!("next: haven fence test {}", new.node));
    }
    Ok(exit)
}

async fn test(session: &Session<'_>, name: Option<&str>, mode: FenceTestMode, sure: &Sure) -> Result<Exit, Trouble> {
    let nodes = match name {
        Some(name) => vec![session.member(name).await?],
        None => {
            let status = session.status().await?;
            let with_device = status.nodes.iter().filter(|row| !row.fence.devices.is_empty());
            with_device.filter_map(|row| NodeId::new(&row.node).ok()).collect()
        }
    };
    let mut all: Vec<(NodeId, Vec<DeviceAnswer>)> = Vec::new();
    for node in nodes {
        if mode == FenceTestMode::Cycle {
            let what = format!("{node} is switched off and on again, without a shutdown.");
            sure.sure(session, &what, node.as_str())?;
        }
        let answers = session.client.fence_test(&FenceTestAsk { node: node.clone(), mode }).await?;
        all.push((node, answers));
    }
    session.terminal.answer(&all, || tests(&all));
    let failed = |answer: &DeviceAnswer| matches!(answer.answer, PowerAnswered::Failed { .. });
    Ok(if all.iter().flat_map(|(_, answers)| answers).any(failed) { Exit::Refused } else { Exit::Fine })
}

fn tests(all: &[(NodeId, Vec<DeviceAnswer>)]) -> String {
    if all.iter().all(|(_, answers)| answers.is_empty()) {
        return "no fence devices; add one with `haven fence add`\n".to_owned();
    }
    let mut table = Table::new(&["NODE", "DEVICE", "ANSWER", "TOOK", "OFF TIME", "STALENESS"]);
    for (node, answer) in all.iter().flat_map(|(node, answers)| answers.iter().map(move |answer| (node, answer))) {
        let said = match &answer.answer {
            PowerAnswered::Power { state } => format!("{state:?}"),
            PowerAnswered::Failed { why } => format!("FAILED: {why}"),
        };
        let span = |span: Option<Millis>| span.map_or_else(|| "-".to_owned(), |span| span.to_string());
        let (off, stale) = (span(answer.off_time), span(answer.staleness));
        table.row([node.to_string(), answer.device.to_string(), said, answer.elapsed.to_string(), off, stale]);
    }
    table.text()
}

async fn confirm(session: &Session<'_>, name: &str, sure: &Sure, trial: &Trial) -> Result<Exit, Trouble> {
    let node = session.member(name).await?;
    if trial.plan {
        // Its devices are asked when it is done, not before.
        return change::try_out(session, &Command::FenceConfirm { node, power: Vec::new(), silent: Vec::new() }).await;
    }
    let state = session.client.state(None).await?;
    let (marks, looked_at) = (marks(&state, &node), state.members.get(&node).map(|member| member.since.index));
    let what = format!(
        "{node} is the machine {marks}.\nYou say that you have seen it off, and that it stays off until its power was \
         cut. If it runs, two machines write to the same data."
    );
    sure.sure(session, &what, node.as_str())?;
    let accepted = session.client.fence_confirm(&node, looked_at).await?;
    session.terminal.answer(&accepted, || format!("{node} counts as off (entry {})\n", accepted.index));
    Ok(Exit::Fine)
}

/// What tells the machine of `node` from the others in its rack [S-13].
fn marks(state: &ClusterState, node: &NodeId) -> String {
    let mut marks = Vec::new();
    if let Some(member) = state.members.get(node) {
        let uuid = member.product_uuid.as_ref().map(|uuid| format!("with product uuid {uuid}"));
        marks.extend(member.serial.as_ref().map(|serial| format!("with serial number {serial}")));
        marks.extend(uuid);
        let addresses: Vec<&str> = member.endpoints.iter().map(|endpoint| endpoint.0.as_str()).collect();
        marks.push(format!("at {}", addresses.join(" and ")));
    }
    for id in state.spec.fence_levels(node).iter().flat_map(|level| &level.devices) {
        let Some(device) = state.spec.devices.get(id) else { continue };
        let address = ADDRESS.iter().find_map(|name| device.params.get(*name));
        let address = address.map_or_else(String::new, |address| format!(" ({address})"));
        marks.push(match device.hosts.outlet(node) {
            Some(outlets) if !outlets.is_empty() => format!("on outlet {} of {id}{address}", outlets.join(" and ")),
            Some(_) | None => format!("switched by {id}{address}"),
        });
    }
    marks.join(", ")
}
