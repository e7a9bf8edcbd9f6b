//! `haven import cib` and `haven export cib`: a plan without a daemon, then into a cluster that runs and back.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use expect_test::expect;

use crate::console::Machines;

/// A cluster as people have it, with a password in it and fencing that is off.
const CIB: &str = r#"<cib validate-with="pacemaker-3.7" epoch="1" num_updates="0" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="o1" name="stonith-enabled" value="false"/>
<nvpair id="o2" name="no-quorum-policy" value="ignore"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="m1"/></nodes>
<resources>
<primitive id="fence_m1" class="stonith" type="fence_ilo4"><instance_attributes id="fence_m1-instance_attributes">
<nvpair id="f1" name="ipaddr" value="10.77.0.9"/>
<nvpair id="f2" name="login" value="ha"/>
<nvpair id="f3" name="passwd" value="hunter2"/>
<nvpair id="f4" name="pcmk_host_list" value="m1"/>
</instance_attributes></primitive>
<primitive id="disk" class="ocf" provider="heartbeat" type="Filesystem"><instance_attributes id="disk-instance_attributes">
<nvpair id="d1" name="device" value="/dev/drbd0"/>
<nvpair id="d2" name="directory" value="/d0"/>
</instance_attributes></primitive>
<primitive id="ip" class="ocf" provider="haven" type="ip"><instance_attributes id="ip-instance_attributes">
<nvpair id="i1" name="ip" value="10.77.0.200"/>
</instance_attributes></primitive>
</resources>
<constraints><rsc_colocation id="together" rsc="ip" with-rsc="disk" score="INFINITY"/></constraints>
</configuration><status/></cib>
"#;
const ANSWERS: [&str; 4] = ["--no-quorum-stop-accepted", "--fencing-accepted", "--data-loss-accepted", "disk"];

/// What a plan without a daemon says, and its exit code.
fn plan(cib: &str, more: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cib.xml"), cib).unwrap();
    let words = ["import", "cib", "cib.xml", "--plan"].iter().chain(more);
    let output = crate::run::program().args(words).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a plan writes nothing");
    (output.status.code().unwrap(), text)
}

#[test]
fn a_plan_asks_what_must_be_asked_and_names_each_place() {
    let (code, text) = plan(CIB, &[]);
    expect![[r#"
        cib.xml:3:17: error: stonith-enabled is false: a node that does not answer counts as off. Here nothing starts elsewhere before a proof, and devices switch lost nodes off
         3 | <nvpair id="o1" name="stonith-enabled" value="***"/>
           |                 ^^^^^^^^^^^^^^^^^^^^^^
           remedy: give each node a fence device, and accept it: --fencing-accepted
        cib.xml:4:17: error: with no-quorum-policy ignore, a part without quorum goes on as if nothing were lost; here it stops what it runs
         4 | <nvpair id="o2" name="no-quorum-policy" value="***"/>
           |                 ^^^^^^^^^^^^^^^^^^^^^^^
           remedy: accept it: --no-quorum-stop-accepted
        cib.xml:11:17: error: passwd of `fence_m1` is a secret and would be in the log for ever
         11 | <nvpair id="f3" name="passwd" value="***"/>
            |                 ^^^^^^^^^^^^^
           remedy: give --secrets DIR, and each goes into a file there
        cib.xml:14:12: error: `disk` uses DRBD, which this version of haven does not drive: it may start on data that the other node has changed since
         14 | <primitive id="disk" class="ocf" provider="heartbeat" type="Filesystem"><instance_attributes id="dis...
            |            ^^^^^^^^^
           remedy: accept the loss by name: --data-loss-accepted disk
        cib.xml:23:18: note: the status is not imported: haven asks every node what runs there
         23 | </configuration><status/></cib>
            |                  ^^^^^^

        changes:
        + primitive ip haven:ip
        +     params ip=10.77.0.200
        + colocation together inf: ip disk

        found:
        nodes: 1 taken
        options: 2 refused
        resources: 1 taken, 2 refused
        values: 6 taken, 1 refused
        constraints: 1 refused
        error HV-CONFIG-04: nothing was imported: 4 errors
        needed: mend what is named above and import again
    "#]].assert_eq(&text);
    assert_eq!(code, 1);
}

#[test]
fn a_plan_with_all_answers_shows_what_would_be_committed() {
    let answers = ["--secrets", "/etc/haven/fence"].iter().chain(&ANSWERS).copied().collect::<Vec<_>>();
    let (code, text) = plan(CIB, &answers);
    expect![[r#"
        cib.xml:3:17: note: stonith-enabled false: haven fences all the same, as accepted
         3 | <nvpair id="o1" name="stonith-enabled" value="***"/>
           |                 ^^^^^^^^^^^^^^^^^^^^^^
        cib.xml:4:17: note: no-quorum-policy ignore becomes stop, as accepted
         4 | <nvpair id="o2" name="no-quorum-policy" value="***"/>
           |                 ^^^^^^^^^^^^^^^^^^^^^^^
        cib.xml:6:21: warning: node m1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
         6 | <nodes><node id="1" uname="m1"/></nodes>
           |                     ^^^^^^^^^^
           remedy: add an outlet of a PDU as a further fence level
        cib.xml:11:17: note: passwd of `fence_m1` goes into /etc/haven/fence/fence_m1.passwd, which must be there on every node
         11 | <nvpair id="f3" name="passwd" value="***"/>
            |                 ^^^^^^^^^^^^^
           remedy: copy /etc/haven/fence/fence_m1.passwd to the other nodes, with mode 0600
        cib.xml:23:18: note: the status is not imported: haven asks every node what runs there
         23 | </configuration><status/></cib>
            |                  ^^^^^^
        cib.xml: note: a fence device is taken, and not tried
           remedy: run `haven fence test NODE` for each node

        changes:
        + primitive disk ocf:heartbeat:Filesystem
        +     description="loss of data accepted at import: DRBD without protection"
        +     params device=/dev/drbd0 directory=/d0
        + primitive ip haven:ip
        +     params ip=10.77.0.200
        + colocation together inf: ip disk
        + fence device fence_m1 fence_ilo4
        +     params ipaddr=10.77.0.9 login=ha
        +     secrets passwd=file:/etc/haven/fence/fence_m1.passwd
        +     switches m1
        + property no-quorum-policy=stop

        found:
        nodes: 1 taken
        options: 1 taken, 1 not needed
        resources: 3 taken
        values: 7 taken
        constraints: 1 taken

        plan: 5 edits; no daemon was asked, nothing was changed
    "#]].assert_eq(&text);
    assert!(code == 0 && !text.contains("hunter2"));
}

#[test]
fn programs_get_one_document() {
    let (code, text) = plan(CIB, &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &value["code"]), (1, &"HV-CONFIG-04".into()));
    assert_eq!((&value["errors"], &value["said"][0]["line"]), (&4.into(), &3.into()));
    assert!(!text.contains("hunter2"));
    let (code, text) = plan("<cib", &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &value["code"]), (1, &"HV-CONFIG-04".into()));
}

#[test]
fn a_cluster_takes_a_cib_and_gives_it_back() {
    let mut machines = Machines::new();
    machines.does("m1$ haven init --name prod --node m1 --advertise 10.0.0.1");
    machines.does("m1$ systemctl start haven");
    machines.does("m1$ haven maintenance on --reason import");
    std::fs::write(machines.file("m1", "cib.xml"), CIB).unwrap();
    let meant = machines.run("m1$ haven plan --cib cib.xml");
    assert!(meant.code == 0 && meant.out.contains("afterwards"), "{meant:?}");
    let refused = machines.run("m1$ haven import cib cib.xml");
    assert!(
        refused.code == 1 && refused.err.contains("error HV-CONFIG-04: nothing was imported: 4 errors"),
        "{refused:?}"
    );
    let plan = machines.run(
        "m1$ haven import cib cib.xml --no-quorum-stop-accepted --fencing-accepted --data-loss-accepted disk --secrets fence --plan",
    );
    assert!(plan.code == 0 && plan.out.contains("+ fence device fence_m1 fence_ilo4"), "{plan:?}");
    let written = machines.file("m1", "fence/fence_m1.passwd");
    assert!(!Path::new(&written).exists());
    let done = machines.run(
        "m1$ haven import cib cib.xml --no-quorum-stop-accepted --fencing-accepted --data-loss-accepted disk --secrets fence --no-wait",
    );
    assert!(done.code == 0 && done.err.contains("fence_m1.passwd was written"), "{done:?}");
    assert_eq!(std::fs::read_to_string(&written).unwrap(), "hunter2");
    assert_eq!(std::fs::metadata(&written).unwrap().permissions().mode() & 0o777, 0o600);

    let exported = machines.run("m1$ haven export cib");
    assert!(exported.code == 0 && !exported.out.contains("hunter2"), "{exported:?}");
    assert!(exported.out.contains("<rsc_colocation id=\"together\" score=\"INFINITY\""), "{exported:?}");
    assert!(exported.err.contains("the passwd of fence device fence_m1 is not written"), "{exported:?}");
    let file = machines.run("m1$ haven export cib --out back.xml");
    assert!(file.code == 0 && file.out.ends_with("back.xml: written\n"), "{file:?}");
    let back = machines.file("m1", "back.xml");
    // What a machine says is shown without the folder that all machines are in.
    let folder = Path::new(&back).ancestors().nth(2).unwrap().display().to_string();
    assert_eq!(std::fs::read_to_string(&back).unwrap().replace(&folder, ""), exported.out);
    let again = machines.run("m1$ haven import cib back.xml --no-wait");
    assert!(again.code == 0 && again.out.contains("it is so already, nothing was changed"), "{again:?}");
    let there = machines.run("m1$ haven export cib --out back.xml");
    assert!(there.code == 64 && there.err.contains("it is there already"), "{there:?}");
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_a_code() {
    let said = crate::run::haven("import cib /nonexistent --plan");
    assert_eq!(said.code, 1);
    assert!(said.err.starts_with("error HV-CLI-03: cannot read /nonexistent: "), "{said:?}");
}
