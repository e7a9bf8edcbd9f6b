//! The words themselves: help, wrong usage, other names.

use expect_test::expect;

use crate::run::{haven, named};

#[test]
fn the_help_of_the_top_level_names_every_command_and_the_exit_codes() {
    let said = haven("--help");
    assert_eq!(said.code, 0);
    expect![[r#"
        haven: services go on when machines fail.

        Usage: haven [OPTIONS] <COMMAND>

        Commands:
          import       Take over the configuration of another cluster manager
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
    .assert_eq(&said.out);
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

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let said = haven(&format!("completions {shell}"));
        assert_eq!(said.code, 0);
        assert!(said.out.contains("haresources"), "{shell}");
    }
}

#[test]
fn the_dialect_of_crmsh_is_refused_instead_of_guessed() {
    let said = named("/usr/sbin/crm", &["configure", "show"]);
    assert_eq!(said.code, 64);
    expect![[r#"
        crm: this haven does not speak the dialect of crmsh
        needed: use `haven resource`, `haven constraint` and `haven node`, see `haven --help`
    "#]]
    .assert_eq(&said.err);
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
