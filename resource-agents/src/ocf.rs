//! Open Cluster Framework agents, run as Pacemaker runs them, without Pacemaker.
//!
//! Source: OCF resource agent API 1.1; the environment that resource-agents 4.12 reads.

use std::collections::BTreeMap;

use haven_core::event::Outcome;
use haven_core::spec::AgentName;
use haven_core::units::Millis;
use haven_env::{Host, Program};

use crate::call::{Answer, Call, Verb};
use crate::script;

const ROOT: &str = "/usr/lib/ocf";
/// Where agents keep their state until the next boot; the host makes sure that it exists.
const STATE: &str = "/run/resource-agents";
/// The set of features that agents ask for before they use `crm_attribute -p`, `promotable` and the like.
const FEATURE_SET: &str = "3.16.2";
/// Given to a monitor without an interval: zero would tell the agent that it is a probe.
const INTERVAL: Millis = Millis::secs(10);
/// A parameter that is not for the agent alone: how deeply a monitor looks. It is exported under its own name.
const CHECK_LEVEL: &str = "OCF_CHECK_LEVEL";

/// Where the agent's script is.
pub(crate) fn path(agent: &AgentName) -> String {
    format!("{ROOT}/resource.d/{}/{}", agent.provider.as_deref().unwrap_or("heartbeat"), agent.kind)
}

/// Runs the agent.
pub(crate) async fn run(host: &dyn Host, call: &Call) -> Answer {
    let path = path(&call.agent);
    if !host.has_program(&path) {
        return script::not_installed(&path);
    }
    if let Some(odd) = call.params.keys().find(|name| !is_variable(name)) {
        return Answer::new(Outcome::Hopeless, &format!("parameter name `{odd}` cannot be handed to an agent"));
    }
    let action = match call.verb {
        Verb::Start => "start",
        Verb::Stop => "stop",
        Verb::Probe | Verb::Monitor => "monitor",
    };
    let mut program = script::program(host, &path, vec![action.to_owned()], call);
    program.env.extend(agent_environment(host, &call.agent, call.resource.as_str()));
    program.env.extend(call_environment(call));
    script::run(host, call, program, |code, _| (judge(call.verb, code), explain(code))).await
}

/// A program that prints the agent's meta-data.
pub(crate) fn meta_data(host: &dyn Host, agent: &AgentName, timeout: Millis) -> Program {
    let mut program = Program::new(path(agent), ["meta-data"], timeout);
    program.env.extend(agent_environment(host, agent, &agent.kind));
    program.env.insert("PATH".to_owned(), format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", host.faces()));
    program.env.insert("LC_ALL".to_owned(), "C".to_owned());
    program
}

/// Shells pass on only what could be a variable's name.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn agent_environment(host: &dyn Host, agent: &AgentName, instance: &str) -> BTreeMap<String, String> {
    let provider = agent.provider.as_deref().unwrap_or("heartbeat");
    let pairs = [
        ("OCF_ROOT", ROOT.to_owned()),
        ("OCF_RA_VERSION_MAJOR", "1".to_owned()),
        ("OCF_RA_VERSION_MINOR", "1".to_owned()),
        ("OCF_RESOURCE_INSTANCE", instance.to_owned()),
        ("OCF_RESOURCE_PROVIDER", provider.to_owned()),
        ("OCF_RESOURCE_TYPE", agent.kind.clone()),
        ("OCF_EXIT_REASON_PREFIX", crate::detail::EXIT_REASON.to_owned()),
        ("HA_RSCTMP", STATE.to_owned()),
        ("HA_SBIN_DIR", host.faces()),
        ("HA_LOGFACILITY", "daemon".to_owned()),
        ("HA_debug", "0".to_owned()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn call_environment(call: &Call) -> BTreeMap<String, String> {
    let interval = match call.verb {
        Verb::Monitor if call.interval == Millis::ZERO => INTERVAL,
        Verb::Monitor => call.interval,
        Verb::Start | Verb::Stop | Verb::Probe => Millis::ZERO,
    };
    let action = if call.verb.asks() { "monitor" } else { call.verb.word() };
    let meta = [
        ("timeout", call.timeout.0.to_string()),
        ("interval", interval.0.to_string()),
        ("name", action.to_owned()),
        ("on_node", call.node.to_string()),
    ];
    let mut env: BTreeMap<String, String> =
        meta.into_iter().map(|(name, value)| (format!("OCF_RESKEY_CRM_meta_{name}"), value)).collect();
    env.insert("OCF_RESKEY_crm_feature_set".to_owned(), FEATURE_SET.to_owned());
    for (name, value) in &call.params {
        let name = if name == CHECK_LEVEL { name.clone() } else { format!("OCF_RESKEY_{name}") };
        env.insert(name, value.clone());
    }
    env
}

/// What an exit code of an OCF agent says. A stop that answers "not running" failed: stopping what is stopped is 0.
fn judge(verb: Verb, code: i32) -> Outcome {
    match (verb, code) {
        (_, 2..=6) => Outcome::Hopeless,
        // 190 and 191: running, but degraded. 8 and 191: promoted.
        (Verb::Start, 0 | 8 | 190 | 191) | (Verb::Stop, 0) => Outcome::Done,
        (Verb::Probe | Verb::Monitor, 0 | 8 | 190 | 191) => Outcome::FoundRunning,
        (Verb::Probe | Verb::Monitor, 7) => Outcome::Done,
        (Verb::Start | Verb::Stop | Verb::Probe | Verb::Monitor, _) => Outcome::Failed,
    }
}

fn explain(code: i32) -> Option<String> {
    match code {
        190 | 191 => Some("it runs, but degraded".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeHost, call, exited};

    #[test]
    fn exit_codes_mean_what_the_ocf_says() {
        use Outcome::{Done, Failed, FoundRunning, Hopeless};
        for (verb, code, expected) in [
            (Verb::Start, 0, Done),
            (Verb::Start, 1, Failed),
            (Verb::Start, 2, Hopeless),
            (Verb::Start, 5, Hopeless),
            (Verb::Start, 7, Failed),
            (Verb::Stop, 0, Done),
            (Verb::Stop, 1, Failed),
            (Verb::Stop, 7, Failed),
            (Verb::Probe, 0, FoundRunning),
            (Verb::Probe, 7, Done),
            (Verb::Probe, 5, Hopeless),
            (Verb::Monitor, 8, FoundRunning),
            (Verb::Monitor, 9, Failed),
            (Verb::Monitor, 190, FoundRunning),
            (Verb::Monitor, 7, Done),
            (Verb::Monitor, 127, Failed),
        ] {
            assert_eq!(judge(verb, code), expected, "{verb:?} {code}");
        }
    }

    #[test]
    fn an_agent_gets_the_environment_that_pacemaker_would_give() {
        let host = FakeHost::new().with_program("/usr/lib/ocf/resource.d/heartbeat/Dummy", |_| exited(0));
        let mut call = call("ocf:heartbeat:Dummy", Verb::Monitor, &[("state", "/run/x"), ("OCF_CHECK_LEVEL", "10")]);
        call.interval = Millis::secs(15);
        let answer = host.block_on(crate::run(&host, &call));
        assert_eq!(answer, Answer::running());
        let ran = host.ran();
        let env = &ran[0].env;
        for (name, value) in [
            ("OCF_ROOT", "/usr/lib/ocf"),
            ("OCF_RESKEY_state", "/run/x"),
            ("OCF_CHECK_LEVEL", "10"),
            ("OCF_RESKEY_CRM_meta_interval", "15000"),
            ("OCF_RESKEY_CRM_meta_timeout", "20000"),
            ("OCF_RESKEY_CRM_meta_on_node", "m1"),
            ("OCF_RESOURCE_INSTANCE", "r1"),
            ("OCF_RESOURCE_TYPE", "Dummy"),
            ("HA_SBIN_DIR", haven_env::FACES),
        ] {
            assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(env["PATH"].starts_with(haven_env::FACES));
        assert_eq!(ran[0].args, ["monitor"]);
    }

    #[test]
    fn a_probe_is_a_monitor_with_interval_zero_and_a_monitor_never_is() {
        for (verb, interval) in [(Verb::Probe, "0"), (Verb::Monitor, "10000")] {
            let env = call_environment(&call("ocf:heartbeat:Dummy", verb, &[]));
            assert_eq!(env["OCF_RESKEY_CRM_meta_interval"], interval);
        }
    }

    #[test]
    fn a_missing_agent_is_hopeless() {
        let host = FakeHost::new();
        let answer = host.block_on(crate::run(&host, &call("ocf:heartbeat:Nope", Verb::Start, &[])));
        assert_eq!(answer.outcome, Outcome::Hopeless);
        assert_eq!(answer.detail, "/usr/lib/ocf/resource.d/heartbeat/Nope is not installed here");
    }
}
