//! The level `ra`: the agents of this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use haven_agents::{Inventory, MetaData, MetaError, Parameter, fence, inventory, meta_data};
use haven_config::crm::{Configuration, Finding, Kind, Object, SetKind};
use haven_config::{Severity, nearest};
use haven_core::spec::AgentName;

use super::configure::usage;
use super::shell::Shell;
use super::words::Agents;
use crate::look::LookHost;
use crate::trouble::Trouble;

/// The class of fence programs.
const STONITH: &str = "stonith";
/// All classes.
pub(crate) const CLASSES: [&str; 6] = ["haven", "heartbeat", "lsb", "ocf", STONITH, "systemd"];

/// Does a command of the level.
pub(crate) async fn run(shell: &mut Shell<'_>, verb: Agents, words: &[&str]) -> Result<(), Trouble> {
    let terminal = *shell.session.terminal;
    let lines = match (verb, words) {
        (Agents::Classes, []) => classes(&inventory(&LookHost).await),
        (Agents::Providers, [kind] | [kind, "ocf"]) => providers(&inventory(&LookHost).await, kind),
        (Agents::List, [class]) => list(&inventory(&LookHost).await, class, None)?,
        (Agents::List, [class, provider]) => list(&inventory(&LookHost).await, class, Some(provider))?,
        (Agents::Info, [name]) => {
            let meta = of(name).await?;
            terminal.text(&info(name, &meta));
            return Ok(());
        }
        (Agents::Validate, [name, words @ ..]) => {
            let meta = of(name).await?;
            let faults = faults(&meta, words);
            faults.iter().for_each(|fault| terminal.line(fault));
            if faults.is_empty() {
                return Ok(());
            }
            let what = format!("the parameters would not do for {name}");
            return Err(Trouble::crm(what, "mend what is named above"));
        }
        (Agents::Classes, _) => return Err(usage("classes")),
        (Agents::Providers, _) => return Err(usage("providers TYPE [CLASS]")),
        (Agents::List, _) => return Err(usage("list CLASS [PROVIDER]")),
        (Agents::Info, _) => return Err(usage("info [CLASS:[PROVIDER:]]TYPE")),
        (Agents::Validate, _) => return Err(usage("validate [CLASS:[PROVIDER:]]TYPE [NAME=VALUE...]")),
    };
    if lines.is_empty() {
        terminal.note("there is none on this machine");
    }
    terminal.answer(&lines, || lines.iter().map(|line| format!("{line}\n")).collect());
    Ok(())
}

fn classes(found: &Inventory) -> Vec<String> {
    let of = |class: &&str| match *class {
        "ocf" => {
            let providers: Vec<&str> = found.ocf.keys().map(String::as_str).collect();
            format!("ocf / {}", providers.join(" "))
        }
        other => other.to_owned(),
    };
    CLASSES.iter().map(of).collect()
}

fn providers(found: &Inventory, kind: &str) -> Vec<String> {
    found.ocf.iter().filter(|(_, kinds)| kinds.contains(kind)).map(|(provider, _)| provider.clone()).collect()
}

/// The agents of a class.
pub(crate) fn list(found: &Inventory, class: &str, provider: Option<&str>) -> Result<Vec<String>, Trouble> {
    let own = |names: &BTreeSet<String>| names.iter().cloned().collect();
    Ok(match class {
        "ocf" => {
            let providers = found.ocf.iter().filter(|(name, _)| provider.is_none_or(|provider| provider == *name));
            providers.flat_map(|(_, kinds)| kinds.iter().cloned()).collect::<BTreeSet<_>>().into_iter().collect()
        }
        "lsb" => own(&found.lsb),
        "heartbeat" => own(&found.heartbeat),
        STONITH => own(&found.fence),
        "haven" => own(&found.haven),
        "systemd" | "service" => found.units.iter().map(|unit| unit.trim_end_matches(".service").to_owned()).collect(),
        other => {
            let near = nearest(other, CLASSES).map_or_else(|| CLASSES.join(", "), str::to_owned);
            return Err(Trouble::usage(
                format!("there is no class `{other}` of agents"),
                format!("name one of: {near}"),
            ));
        }
    })
}

/// All agents, as they are written in a configuration.
pub(crate) fn written(found: &Inventory) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (provider, kinds) in &found.ocf {
        all.extend(kinds.iter().map(|kind| format!("ocf:{provider}:{kind}")));
        if provider == "heartbeat" {
            all.extend(kinds.iter().cloned());
        }
    }
    all.extend(found.haven.iter().map(|kind| format!("ocf:haven:{kind}")));
    all.extend(found.fence.iter().map(|program| format!("{STONITH}:{program}")));
    all.extend(found.units.iter().map(|unit| format!("systemd:{}", unit.trim_end_matches(".service"))));
    all.extend(found.lsb.iter().map(|script| format!("lsb:{script}")));
    all
}

/// What an agent says of itself.
pub(crate) async fn of(name: &str) -> Result<MetaData, Trouble> {
    let failed = |error: MetaError| Trouble::crm(error.to_string(), "see `ra list CLASS` for what is installed here");
    let found = inventory(&LookHost).await;
    if let Some(program) = name.strip_prefix("stonith:") {
        return fence::meta_data(&LookHost, program).await.map_err(failed);
    }
    // Those that are built in are written as agents of a provider.
    let kind = name.strip_prefix("ocf:haven:").filter(|kind| found.haven.contains(*kind));
    let written = kind.map_or_else(|| name.to_owned(), |kind| format!("haven:{kind}"));
    let agent = AgentName::parse(&written).ok_or_else(|| {
        Trouble::usage(format!("`{name}` is no name of an agent"), "write one such as ocf:heartbeat:IPaddr2")
    })?;
    meta_data(&LookHost, &agent).await.map_err(failed)
}

/// What the agents of this machine have against the primitives that `looked_at` takes. They may run on another machine, with
/// other agents, so nothing of it is an error.
pub(crate) async fn findings(now: &Configuration, looked_at: impl Fn(&Object) -> bool) -> Vec<Finding> {
    let primitives = now.objects().iter().filter(|object| object.kind() == Kind::Primitive && looked_at(object));
    let with_agents: Vec<(&Object, String)> = primitives.filter_map(|object| Some((object, object.agent()?))).collect();
    if with_agents.is_empty() {
        return Vec::new();
    }
    let installed: BTreeSet<String> = written(&inventory(&LookHost).await).into_iter().collect();
    let mut known: BTreeMap<&str, Option<MetaData>> = BTreeMap::new();
    let mut found = Vec::new();
    for (object, agent) in &with_agents {
        let warning = |what: String, remedy: &str| Finding {
            severity: Severity::Warning,
            object: object.name().to_owned(),
            what,
            remedy: remedy.to_owned(),
        };
        if !installed.contains(agent) {
            let what = format!("its agent {agent} is not on this machine");
            found.push(warning(what, "mend its name, or install it on each node that may run it"));
            continue;
        }
        if !known.contains_key(agent.as_str()) {
            // What does not answer says nothing against anybody.
            known.insert(agent, of(agent).await.ok());
        }
        let Some(meta) = known.get(agent.as_str()).and_then(Option::as_ref) else { continue };
        let given: Vec<&str> = object.attributes(SetKind::Params).into_iter().map(|(name, _)| name).collect();
        let faults = faults(meta, &given);
        found.extend(faults.into_iter().map(|what| warning(what, &format!("see `ra info {agent}`"))));
    }
    found
}

fn info(name: &str, meta: &MetaData) -> String {
    let mut text =
        format!("{name}: {}\n", if meta.description.is_empty() { "says nothing" } else { &meta.description });
    if !meta.parameters.is_empty() {
        text.push_str("\nparameters (* is needed):\n");
    }
    for Parameter { name, required, default, kind, description } in &meta.parameters {
        let mark = if *required { "*" } else { "" };
        let default = default.as_ref().map(|default| format!(", [{default}]")).unwrap_or_default();
        let _ = writeln!(text, "  {name}{mark} ({kind}{default}): {description}");
    }
    if !meta.actions.is_empty() {
        text.push_str("\noperations that it advises:\n");
    }
    for action in &meta.actions {
        let _ = write!(text, "  {}", action.name);
        let spans = [("timeout", action.timeout), ("interval", action.interval)];
        for (word, span) in spans.into_iter().filter_map(|(word, span)| Some((word, span?))) {
            let _ = write!(text, " {word}={span}");
        }
        let role = action.role.as_ref().map(|role| format!(" role={role}")).unwrap_or_default();
        let depth = action.depth.map(|depth| format!(" depth={depth}")).unwrap_or_default();
        let _ = writeln!(text, "{role}{depth}");
    }
    text
}

/// Parameters that are needed and not given, and those that the agent does not know.
fn faults(meta: &MetaData, words: &[&str]) -> Vec<String> {
    let given: Vec<&str> = words.iter().map(|word| word.split('=').next().unwrap_or(word)).collect();
    let known = || meta.parameters.iter().map(|parameter| parameter.name.as_str());
    let needed = meta.parameters.iter().filter(|p| p.required && p.default.is_none());
    let missing = needed.filter(|p| !given.contains(&p.name.as_str()));
    let missing = missing.map(|p| format!("{} is needed: {}", p.name, p.description));
    let unknown = given.iter().filter(|name| meta.parameters.is_empty() || !known().any(|known| known == **name));
    let unknown = unknown.filter(|_| !meta.parameters.is_empty()).map(|name| match nearest(name, known()) {
        Some(near) => format!("{name} is not known; it may have been meant as {near}"),
        None => format!("{name} is not known"),
    });
    missing.chain(unknown).collect()
}
