//! `haven import haresources --plan` on the files that people have, without a daemon.

use std::path::PathBuf;

use expect_test::{Expect, expect};

use crate::console::Machines;

struct Answer {
    code: i32,
    text: String,
}

fn plan(haresources: &str, ha_cf: Option<&str>, more: &[&str]) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("haresources"), haresources).unwrap();
    let mut words = vec!["import", "haresources", "haresources", "--plan"];
    if let Some(text) = ha_cf {
        std::fs::write(folder.path().join("ha.cf"), text).unwrap();
        words.extend(["--ha-cf", "ha.cf"]);
    }
    words.extend(more);
    let output = crate::run::program().args(words).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    let host = PathBuf::from("/proc/sys/kernel/hostname");
    let host = std::fs::read_to_string(host).unwrap().trim().to_ascii_lowercase();
    Answer { code: output.status.code().unwrap(), text: text.replace(&host, "HERE") }
}

fn check(haresources: &str, code: i32, expected: Expect) {
    let answer = plan(haresources, None, &[]);
    expected.assert_eq(&answer.text);
    assert_eq!(answer.code, code);
}

/// Whether Filesystem is installed depends on the machine; what a tutorial's machine lacks here is named anywhere.
#[test]
fn the_line_of_the_tutorial_asks_for_the_data_and_names_the_agents_that_are_missing_here() {
    let answer = plan("m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz\n", None, &[]);
    for line in [
        "haresources:1:17: error: `drbddisk` is missing on HERE: there is no /etc/ha.d/resource.d/drbddisk, no \
         /etc/init.d/drbddisk, no drbddisk.service of systemd",
        "haresources:1:60: error: `vz` is missing on HERE: there is no /etc/ha.d/resource.d/vz, no /etc/init.d/vz, \
         no vz.service of systemd",
        "haresources:1:17: error: `drbddisk` makes DRBD primary, and this version does not drive DRBD",
        "remedy: accept the loss by name: --data-loss-accepted drbddisk",
        "+ group g_drbddisk drbddisk fs_d0 vz",
        "+     params device=/dev/drbd0 directory=/d0 fstype=ext3",
        "+ location loc_g_drbddisk g_drbddisk 1000: m1.mydomain.com",
        "error HV-CONFIG-04: nothing was imported",
    ] {
        assert!(answer.text.contains(line), "{line}\nis not in\n{}", answer.text);
    }
    assert_eq!(answer.code, 1);
}

#[test]
fn an_address_alone_needs_nothing_but_haven() {
    check(
        "m1 10.77.0.200/24/eth0\n",
        0,
        expect![[r#"
            haresources: warning: agents were looked for on HERE only, not on m1
               remedy: run `haven doctor` there
            haresources: note: heartbeat never looked at what it had started; haven asks every resource again and again how it is, and restarts or moves one that fails
               remedy: see that the `status` of your own scripts tells the truth
            haresources: note: no `ha.cf` is given: new groups go back to their node when it returns, which is heartbeat's default, and others do as they did

            changes:
            + primitive ip_10.77.0.200 haven:ip
            +     params cidr_netmask=24 ip=10.77.0.200 nic=eth0
            +     meta resource-stickiness=1
            +     op start timeout=20s
            +     op stop timeout=20s
            +     op monitor interval=10s timeout=20s
            + location loc_ip_10.77.0.200 ip_10.77.0.200 1000: m1

            plan: 2 edits; no daemon was asked, nothing was changed
        "#]],
    );
}

/// Every row of the table in docs/guide/import-haresources.md.
#[test]
fn every_trap_of_the_file_is_named() {
    let traps = [
        ("m1 10.0.0.1#x vz", "warning", "`#` begins a comment inside a word, too"),
        (
            "m1 10.0.0.1 \\ # note\nm2 10.0.0.2",
            "error",
            "`\\` is not the last character, so the line does not continue",
        ),
        ("m1 10.0.0.1 \\\n10.0.0.2 # note", "error", "this line continues the one above, and there `#` is no comment"),
        ("m1 10.0.0.1 \\ ", "error", "`\\` is not the last character, so the line does not continue"),
        ("m1 10.0.0.1 \\\n", "error", "the file ends here, and `\\` has no line to continue on"),
        ("m1 10.0.0\\\n.1", "warning", "this is joined to the last word of the line above"),
        ("m1 10.0.0.1 MailTo::a@b::\"It moved\"", "error", "there are no quotes in `haresources`"),
        (
            "m1 LinuxSCSI:0:0:11",
            "error",
            "heartbeat splits at `::` only, so this is a script called `LinuxSCSI:0:0:11`",
        ),
        ("m1 IPv6addr::fe80::1/64", "error", "heartbeat splits every word at `::`, which tears this IPv6 address"),
        ("m1 Filesystem::/dev/a::/d::::noatime", "error", "there is an empty argument, and heartbeat's shell drops it"),
        ("m1 10.0.0.1x", "error", "`10.0.0.1x` is no IP address, though heartbeat gives it to IPaddr"),
        ("m1 10.0.0.1/24/10.0.0.255/eth0", "error", "behind the mask, `10.0.0.255` begins with a digit"),
        ("m1 10.0.0.1\nm2 10.0.0.1", "error", "`10.0.0.1` is also the first resource of line 1"),
        ("m1 10.0.0.1\nm2 10.010.1 ", "note", "in the key `10.0.0.1` heartbeat takes a dot for any character"),
        ("m1", "warning", "`m1` has no resources, so this line does nothing"),
        ("m1 10.0.0.1\r\n", "warning", "the lines end in CR LF"),
        ("m1 10.0.0.1 10.0.0.1", "error", "address 10.0.0.1 is on line 1 already"),
        ("keepalive 2", "error", "`keepalive` begins a line of `ha.cf`, not of `haresources`"),
    ];
    for (text, severity, what) in traps {
        let answer = plan(text, None, &[]);
        assert!(answer.text.contains(&format!(": {severity}: {what}")), "{text:?}:\n{}", answer.text);
        let refused = answer.text.contains("error HV-CONFIG-04");
        assert_eq!((answer.code, refused), if refused { (1, true) } else { (0, false) }, "{text:?}:\n{}", answer.text);
        assert!(severity != "error" || refused, "{text:?}");
    }
}

#[test]
fn timings_ping_nodes_and_failback_of_ha_cf_become_settings() {
    let ha_cf = "node m1 m2\nkeepalive 1\ndeadtime 10\nping 10.0.0.254\nauto_failback off\nbcast eth0\n";
    let answer = plan("m1 10.77.0.200/24/eth0\n", Some(ha_cf), &[]);
    expect![[r#"
        haresources: warning: agents were looked for on HERE only, not on m1, m2
           remedy: run `haven doctor` on each of them
        haresources: note: heartbeat never looked at what it had started; haven asks every resource again and again how it is, and restarts or moves one that fails
           remedy: see that the `status` of your own scripts tells the truth
        ha.cf:1:1: note: node: m1, m2 are members of this cluster
         1 | node m1 m2
           | ^^^^
        ha.cf:2:1: note: keepalive: heartbeats are sent 15 times per dead-after; there is nothing to set
         2 | keepalive 1
           | ^^^^^^^^^
        ha.cf:3:10: note: deadtime 10 becomes dead-after=10s
         3 | deadtime 10
           |          ^^
           remedy: to start elsewhere sooner, leave it out (haven's default is 3s); `haven doctor` measures what is safe here
        ha.cf:4:1: note: ping: kept in ping-nodes, but nothing watches them in this version
         4 | ping 10.0.0.254
           | ^^^^
        ha.cf:5:1: note: auto_failback off: groups stay where they are when their node returns
         5 | auto_failback off
           | ^^^^^^^^^^^^^
        ha.cf:6:1: note: bcast: haven uses links of its own: one UDP port on every address that the nodes were given
         6 | bcast eth0
           | ^^^^^
        ha.cf: warning: nothing can switch a node off: what runs on a node that is lost starts elsewhere only after a proof that it is off
           remedy: add a device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`

        changes:
        + primitive ip_10.77.0.200 haven:ip
        +     params cidr_netmask=24 ip=10.77.0.200 nic=eth0
        +     meta resource-stickiness=10000
        +     op start timeout=20s
        +     op stop timeout=20s
        +     op monitor interval=10s timeout=20s
        + location loc_ip_10.77.0.200 ip_10.77.0.200 1000: m1
        + property dead-after=10s
        + property ping-nodes=10.0.0.254

        plan: 4 edits; no daemon was asked, nothing was changed
    "#]].assert_eq(&answer.text);
    assert_eq!(answer.code, 0);
}

#[test]
fn a_loss_of_data_is_accepted_by_name_only() {
    let answer = plan("m1 drbddisk::r0\n", None, &["--data-loss-accepted", "r 0"]);
    assert_eq!(answer.code, 64);
}

#[test]
fn programs_get_the_same_in_json() {
    let answer = plan("m1 10.77.0.200/24/eth0\n", None, &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(value["errors"], 0);
    assert_eq!(value["edits"].as_array().unwrap().len(), 2);
    assert!(value["diff"][0].as_str().unwrap().starts_with("+ primitive"), "{value}");
}

/// `from_str` takes one document and nothing behind it.
#[test]
fn programs_get_one_document_when_the_import_is_refused_too() {
    let answer = plan("m1 10.0.0.1x\n", Some("deadtime soon\n"), &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(value["code"], "HV-CONFIG-04");
    assert_eq!(value["message"], "nothing was imported: 2 errors");
    assert_eq!(value["remedy"], "mend what is named above and import again");
    assert_eq!(value["errors"], 2);
    assert_eq!(value["said"][0]["what"], "`10.0.0.1x` is no IP address, though heartbeat gives it to IPaddr");
    assert_eq!(answer.code, 1);
}

#[test]
fn a_daemon_that_is_asked_makes_it_one_document_too() {
    let mut machines = Machines::new();
    machines.does("m1$ haven init --name prod --node m1 --advertise 10.0.0.1");
    machines.does("m1$ systemctl start haven");
    machines.does("m1$ haven maintenance on --reason import");
    std::fs::write(machines.file("m1", "haresources"), "m1 10.77.0.200/24/lo\n").unwrap();
    for more in [" --plan", ""] {
        let said = machines.run(&format!("m1$ haven import haresources haresources{more} --json"));
        let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert!(value.is_object() && said.code == 0, "{said:?}");
        assert!(said.err.contains("haresources: note: no `ha.cf` is given"), "{said:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_a_code() {
    let said = crate::run::haven("import haresources /nonexistent --plan");
    assert_eq!(said.code, 1);
    assert!(said.err.starts_with("error HV-CLI-03: cannot read /nonexistent: "), "{said:?}");
}
