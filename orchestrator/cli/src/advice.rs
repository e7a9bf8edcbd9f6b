//! What an agent says of itself, against what was typed.
//!
//! Never: a refusal. The agent on this machine may be older than the one where the resource will run, so what does not
//! fit is a warning.

use haven_agents::{MetaData, meta_data};
use haven_config::nearest;
use haven_core::spec::{AgentName, Operation, SpecEdit};
use haven_core::units::Millis;

use crate::look::LookHost;

/// What the agent says; empty when it is not here or says nothing.
pub(crate) async fn ask(agent: &str) -> MetaData {
    match AgentName::parse(agent) {
        Some(agent) => meta_data(&LookHost, &agent).await.unwrap_or_default(),
        None => MetaData::default(),
    }
}

/// The timeouts of start and stop, and the first monitor that is meant to be repeated.
pub(crate) fn operations(meta: &MetaData) -> Vec<Operation> {
    let advised = meta.actions.iter().filter(|action| action.role.is_none());
    let operations = advised.map(|action| Operation {
        name: action.name.clone(),
        interval: if action.name == "monitor" { action.interval.unwrap_or_default() } else { Millis::ZERO },
        timeout: action.timeout,
        ..Operation::default()
    });
    operations.collect()
}

/// What the agent would miss, and what it does not know, in the resource that is added.
pub(crate) fn warnings(meta: &MetaData, edits: &[SpecEdit]) -> Vec<String> {
    let Some(SpecEdit::PutResource(resource)) = edits.first() else { return Vec::new() };
    if meta.parameters.is_empty() {
        return Vec::new();
    }
    let given: Vec<&str> = resource.params.iter().flat_map(|set| set.values.keys().map(String::as_str)).collect();
    let known = || meta.parameters.iter().map(|parameter| parameter.name.as_str());
    let missing = meta.parameters.iter().filter(|p| p.required && p.default.is_none());
    let missing = missing.filter(|p| !given.contains(&p.name.as_str()));
    let missing = missing.map(|p| format!("{} needs parameter {}: {}", resource.id, p.name, p.description));
    let unknown = given.iter().filter(|name| !known().any(|known| known == **name));
    let unknown = unknown.map(|name| match nearest(name, known()) {
        Some(near) => format!("{} does not know parameter {name}; did you mean {near}?", meta.name),
        None => format!("{} does not know parameter {name}", meta.name),
    });
    missing.chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use haven_agents::parse_meta_data;
    use haven_config::words::{AddResource, add_resource};
    use haven_core::spec::Spec;

    use super::*;

    const FILESYSTEM: &str = r#"<resource-agent name="Filesystem"><parameters>
        <parameter name="device" required="1"><shortdesc>block device</shortdesc><content type="string"/></parameter>
        <parameter name="directory" required="1"><shortdesc>mount point</shortdesc><content type="string"/></parameter>
        <parameter name="run_fsck" required="1"><shortdesc>check</shortdesc><content default="auto"/></parameter>
        </parameters><actions><action name="start" timeout="60s"/><action name="monitor" interval="20s" timeout="40s"/>
        <action name="monitor" depth="10" timeout="5s"/></actions></resource-agent>"#;

    #[test]
    fn what_an_agent_would_miss_and_what_it_does_not_know_is_said() {
        let meta = parse_meta_data("Filesystem", FILESYSTEM.as_bytes()).unwrap();
        let words = ["device=/dev/a".to_owned(), "directry=/d0".to_owned(), "colour=red".to_owned()];
        let asked = AddResource { name: "fs", agent: "Filesystem", words: &words, ..AddResource::default() };
        let edits = add_resource(&Spec::default(), &asked).unwrap();
        assert_eq!(
            warnings(&meta, &edits),
            [
                "fs needs parameter directory: mount point",
                "Filesystem does not know parameter colour",
                "Filesystem does not know parameter directry; did you mean directory?",
            ]
        );
        assert_eq!(warnings(&MetaData::default(), &edits), [""; 0]);
    }

    #[test]
    fn the_advice_becomes_operations() {
        let meta = parse_meta_data("Filesystem", FILESYSTEM.as_bytes()).unwrap();
        let shown: Vec<String> =
            operations(&meta).iter().map(|op| format!("{} {} {:?}", op.name, op.interval, op.timeout)).collect();
        assert_eq!(shown[0], "start 0s Some(Millis(60000))");
        assert_eq!(shown[1], "monitor 20s Some(Millis(40000))");
    }
}
