//! The words themselves: help, wrong usage, other names.

use expect_test::expect;

use crate::run::{haven, named};

/// The help of the top level. Blank lines of it are indented, which no snapshot keeps.
fn help() -> String {
    let said = haven("--help");
    assert_eq!(said.code, 0);
    said.out.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn the_help_of_the_top_level_names_every_command_and_the_exit_codes() {
    let shown = help();
    expect![[r#"
        haven: services go on when machines fail.

        Usage: haven [OPTIONS] <COMMAND>

        Commands:
          status       The state of everything on one page
          nodes        List the members
          links        Who hears whom, link by link
          log          What happened
          why          Why a resource or a node is as it is
          plan         What will be done next
          doctor       Look for what will not work when it is needed
          token        Make tokens by which machines join
          ca           Show and replace the certificate authority that lets machines in
          node         Send members to rest, take them back, remove them
          resource     Add, start, stop, move and remove resources
          group        Make groups of resources
          constraint   Say where resources run, and in which order
          fence        Switch a node off; add and test the devices that do it
          config       Show and set the configuration, and go back to an earlier one
          drill        Switch a node off to see what happens, and measure the outage
          maintenance  Leave everything as it is for a while
          unfreeze     End a freeze after something that cannot be was seen
          import       Take over the configuration of another cluster manager
          export       Write the configuration for another cluster manager
          daemon       Run the node of this machine until it is told to end
          init         Found a cluster with this machine as its first node
          join         Enter a cluster with a token that `haven token create` printed there
          reset        Make this machine no member any more; data of resources are not touched
          crm          The words of the crm shell: a command, a script, or a shell
          demo         A cluster of three nodes on this computer, and a failover to watch; needs no root
          sim          Run seeds and scenarios in the simulator: the same node in a pretended world, under
                       checkers
          chaos        Faults against real daemons in network namespaces, under checkers; needs root
          completions  Print the completions of a shell

        Options:
              --state <DIR>
                  State folder of the node

                  [env: HAVEN_STATE]
                  [default: /var/lib/haven]

              --run <DIR>
                  Runtime folder of the node, with the daemon's socket

                  [env: HAVEN_RUN]
                  [default: /run/haven]

              --json
                  Answer in JSON

              --colour <WHEN>
                  When to use colour

                  Possible values:
                  - auto:   On a terminal, unless NO_COLOR is set
                  - always: Always
                  - never:  Never

                  [default: auto]

          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Exit codes: 0 fine, 1 degraded or refused, 2 no quorum or no daemon, 64 wrong usage.
    "#]]
    .assert_eq(&shown);
}

#[test]
fn wrong_usage_ends_with_64_and_names_the_nearest_word() {
    let said = haven("complitions bash");
    assert_eq!(said.code, 64, "{said:?}");
    assert!(said.err.contains("completions"), "{}", said.err);
    assert_eq!(haven("").code, 64);
    assert_eq!(haven("import haresources").code, 64);
    assert_eq!(haven("--colour sometimes completions bash").code, 64);
}

/// Every command that asks a daemon says what to do when there is none, and ends with 2.
#[test]
fn without_a_daemon_every_command_says_so() {
    for line in [
        "status",
        "status --watch",
        "nodes",
        "links",
        "log",
        "log --follow",
        "why web",
        "plan",
        "doctor",
        "drill m1 --yes",
        "token create --witness --for 10m",
        "ca show",
        "ca rotate --yes --timeout 5s",
        "node standby m1",
        "node online m1",
        "node drain m1 --plan",
        "node remove m1 --yes",
        "node stop",
        "node pause --for 1m",
        "maintenance on --reason disks",
        "maintenance off",
        "unfreeze 7 --reason tested --yes",
        "fence m1 --yes",
        "fence add m1 ilo4 --addr 10.0.0.1 --user ha --secret file:/x",
        "fence remove fence_m1",
        "fence list",
        "fence test",
        "fence test --all",
        "fence test m1 --cycle --yes",
        "fence confirm m1 --yes",
        "fence history",
        "resource add x Dummy --op monitor interval=10s --meta priority=1 --group g --prefer m1",
        "resource remove x",
        "resource start x",
        "resource stop x --no-wait",
        "resource restart x",
        "resource move x m2 --for 1h",
        "resource clear x",
        "resource cleanup x --node m1",
        "resource list",
        "group add g x y",
        "group remove g",
        "constraint add location x m1 --score -inf",
        "constraint add colocation x y --id c",
        "constraint add order x y:start --kind optional",
        "constraint remove c",
        "constraint list",
        "config show --at 7",
        "config diff 3 7",
        "config history",
        "config rollback 7",
        "config set dead-after=2s --plan",
    ] {
        let said = haven(line);
        assert_eq!(said.code, 2, "{line}: {said:?}");
        assert!(said.err.starts_with("error HV-API-01: cannot ask the haven daemon"), "{line}: {said:?}");
        assert!(said.err.contains("needed: "), "{line}: {said:?}");
    }
}

#[test]
fn programs_get_errors_in_json_too() {
    let said = haven("status --json");
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &value["code"]), (2, &serde_json::json!("HV-API-01")));
    assert!(value["remedy"].as_str().unwrap().contains("--run"), "{value}");
}

#[test]
fn programs_get_wrong_usage_in_json_too() {
    let told = |line: &str| {
        let said = haven(line);
        let value: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_default();
        assert_eq!((said.code, &value["code"]), (64, &serde_json::json!("HV-CLI-02")), "{line}: {said:?}");
        format!("{}\n  {}\n", value["message"].as_str().unwrap(), value["remedy"].as_str().unwrap())
    };
    let lines = ["resource add --json", "--json stauts", "log --at 7 --from 3 --json", "nodes --json --colour never x"];
    expect![[r#"
        the following required arguments were not provided: <NAME> <AGENT>
          type what `haven COMMAND --help` says
        unrecognized subcommand 'stauts'
          type `status` if that is meant
        the argument '--at <INDEX>' cannot be used with '--from <INDEX>'
          type what `haven COMMAND --help` says
        unexpected argument 'x' found
          type what `haven COMMAND --help` says
    "#]]
    .assert_eq(&lines.map(told).concat());
    // Behind `--` it is a word as any other.
    let said = haven("nodes -- --json");
    assert!(said.code == 64 && said.out.is_empty() && !said.err.is_empty(), "{said:?}");
    assert!(haven("status --json --help").out.starts_with("The state of everything"));
}

#[test]
fn words_that_contradict_each_other_are_refused_before_anything_is_asked() {
    for line in [
        "resource stop x --plan --no-wait",
        "log --follow --to 7",
        "log --at 7 --from 3",
        "status --watch --at 7",
        "fence",
        "fence m1 add m1 ilo4",
        "fence test m1 --all",
        "maintenance on",
        "group add g",
        "constraint add order x y --kind serialize",
        "drill m1 --probe smoke:signals --yes",
        "token create --for soon",
    ] {
        let said = haven(line);
        assert_eq!(said.code, 64, "{line}: {said:?}");
    }
}

#[test]
fn the_settings_are_listed_without_a_daemon() {
    let said = haven("config settings");
    assert_eq!(said.code, 0);
    for (name, ..) in haven_core::spec::SETTINGS {
        assert!(said.out.contains(name), "{name}");
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let said = haven(&format!("completions {shell}"));
        assert_eq!(said.code, 0);
        assert!(said.out.contains("haresources"), "{shell}");
    }
}

#[test]
fn under_the_name_of_the_crm_shell_its_words_are_read() {
    let said = named("/usr/sbin/crm", &["configure", "help", "show"]);
    assert_eq!(said.code, 0);
    assert!(said.out.starts_with("Usage: haven crm configure show "), "{said:?}");
    assert_eq!(named("crm", &["configrue", "show"]).code, 64);
}

#[test]
fn the_launcher_between_daemon_and_programs_takes_no_orders_from_people() {
    let said = named("haven-launch", &["rm"]);
    assert_eq!(said.code, 120);
    expect![[r#"
        haven-launch: it is haven's own helper and takes its orders from the daemon
    "#]]
    .assert_eq(&said.err);
}
