//! `haven crm` on a CIB in a file: commands, scripts, and what is refused.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use expect_test::{Expect, expect};

use crate::run::{Said, program, said};

/// A CIB with two nodes, a status, and odd blanks in it.
pub(crate) const CIB: &str = r#"<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="5" num_updates="7" crm_feature_set="3.16.1" have-quorum="1">
  <configuration>
    <crm_config><cluster_property_set id="cib-bootstrap-options">
      <nvpair name="stonith-enabled" value="false" id="o1"/></cluster_property_set></crm_config>
    <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
    <resources>
      <primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/>
      <primitive id="db" class="ocf" provider="heartbeat" type="Dummy"><instance_attributes id="db-instance_attributes">
        <nvpair id="p1" name="passwd" value="hunter2"/></instance_attributes></primitive>
    </resources>
    <constraints/>
  </configuration>
  <status>
    <node_state id="1"   uname='n1' in_ccm="true" crmd="online" join="member" expected="member"/>
    <node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/>
  </status>
</cib>
"#;

/// A folder with a CIB in it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.write("cib.xml", CIB);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `haven crm` with the words of `line` on the CIB; a word in `'` may have blanks.
    pub(crate) fn crm(&self, line: &str) -> Said {
        self.typed(line, "")
    }

    /// The same with lines on standard input.
    pub(crate) fn typed(&self, line: &str, input: &str) -> Said {
        let words = line.split('\'').enumerate().flat_map(|(n, part)| {
            if n % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
        });
        let mut command = program();
        command.current_dir(self.folder.path()).env("CIB_file", "cib.xml").arg("crm").args(words);
        if input.is_empty() {
            return said(&mut command);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a line that must go well; what it printed.
    #[track_caller]
    pub(crate) fn does(&self, line: &str) -> String {
        let said = self.crm(line);
        assert_eq!(said.code, 0, "{line}: {said:?}");
        said.out
    }

    /// The same of a line that changes nothing.
    #[track_caller]
    pub(crate) fn refuses(&self, line: &str, code: i32, want: &Expect) {
        self.check(line, code, want);
        assert_eq!(self.read("cib.xml"), CIB, "{line}");
    }

    #[track_caller]
    fn check(&self, line: &str, code: i32, want: &Expect) {
        let said = self.crm(line);
        assert_eq!(said.code, code, "{line}: {said:?}");
        want.assert_eq(&format!("{}{}", said.out, said.err));
    }
}

#[test]
fn a_command_is_committed_at_once_and_nothing_beside_the_configuration_changes() {
    let place = Place::new();
    std::fs::set_permissions(place.path("cib.xml"), std::fs::Permissions::from_mode(0o640)).unwrap();
    place.does("configure primitive ip IPaddr2 params ip=10.0.0.7 op monitor interval=10s");
    place.does("configure group g ip web");
    place.does("configure property no-quorum-policy=stop 'x=a b'");
    place.check(
        "configure show",
        0,
        &expect![[r#"
            node 1: n1
            node 2: n2
            primitive db Dummy \
            	params passwd="******"
            primitive ip IPaddr2 \
            	params ip=10.0.0.7 \
            	op monitor interval=10s
            primitive web Dummy
            group g ip web
            property cib-bootstrap-options: \
            	stonith-enabled=false \
            	no-quorum-policy=stop \
            	x="a b"
        "#]],
    );
    let text = place.read("cib.xml");
    assert!(text.contains("epoch=\"8\" num_updates=\"0\"") && text.contains("hunter2"), "{text}");
    assert!(text.ends_with(CIB.split_once("</configuration>").unwrap().1), "{text}");
    let mode = std::fs::metadata(place.path("cib.xml")).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, std::fs::read_dir(place.path("")).unwrap().count()), (0o640, 1));
}

#[test]
fn objects_are_chosen_by_name_kind_tag_and_relation() {
    let place = Place::new();
    place.does("configure tag t web");
    place.does("configure location l web 5: n1");
    let names = |line: &str| {
        let shown = place.does(line);
        shown.lines().filter(|line| !line.starts_with('\t')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names("configure show web l"), ["primitive web Dummy", "location l web 5: n1"]);
    assert_eq!(names("configure show type:node"), ["node 1: n1", "node 2: n2"]);
    assert_eq!(names("conf sh tag:t"), ["primitive web Dummy"]);
    assert_eq!(names("configure show related:web"), ["primitive web Dummy", "tag t web", "location l web 5: n1"]);
    assert_eq!(names("configure show changed"), [""; 0]);
    let xml = place.does("configure show xml db");
    assert!(xml.contains("<primitive id=\"db\"") && !xml.contains("web") && !xml.contains("hunter2"), "{xml}");
    let json: serde_json::Value = serde_json::from_str(&place.does("--json configure show l")).unwrap();
    assert_eq!(json, serde_json::json!([{ "kind": "location", "name": "l", "text": "location l web 5: n1\n" }]));
    assert_eq!(place.does("configure get-property stonith-enabled"), "false\n");
}

#[test]
fn a_script_goes_through_levels_and_commits_when_it_is_told_or_leaves() {
    let place = Place::new();
    place.write(
        "site.crm",
        "# what the site runs\nconfigure\n# the address\nprimitive ip IPaddr2 \\\n\tparams ip=10.0.0.7\nup\n\nconfigure group g ip \\\n web\n\
         configure\ndelete db\ncommit\nmodgroup g remove web\nrename web www\nend\nquit\nnothing of this is read\n",
    );
    assert_eq!(place.does("-f site.crm"), "");
    assert_eq!(
        place.does("configure show type:primitive g"),
        "primitive ip IPaddr2 \\\n\tparams ip=10.0.0.7\nprimitive www Dummy\ngroup g ip\n"
    );
    let said = place.typed("", "configure\nshow g\nmodgroup g add www before ip\n");
    assert_eq!((said.code, said.out.as_str()), (0, "group g ip\n"), "{said:?}");
    let said = place.typed("configure", "show g\ncd /\nls\n");
    assert!(said.code == 0 && said.out.starts_with("group g www ip\nconfigure\n"), "{said:?}");
}

#[test]
fn a_script_that_fails_names_the_line_and_keeps_nothing_that_was_not_committed() {
    let place = Place::new();
    place.write("bad.crm", "configure\nprimitive a Dummy\ncommit\nprimitive b Dummy\n  primitve c Dummy\ncommit\n");
    place.check(
        "-f bad.crm",
        64,
        &expect![[r#"
        error HV-CLI-02: bad.crm:5:3: `primitve` is no word of `configure`
          what was edited before it and not committed is forgotten
        needed: write `primitive` if that is meant
    "#]],
    );
    let shown = place.does("configure show");
    assert!(shown.contains("primitive a ") && !shown.contains("primitive b "), "{shown}");
    place.write(
        "bad.crm",
        "configure primitive b Dummy\n\nconfigure \\\n  primitive c ocf:heartbeat: \\\n op monitor\n",
    );
    place.check(
        "-f bad.crm",
        1,
        &expect![[r#"
        bad.crm:4:15: error: `ocf:heartbeat:` is no agent
         4 |   primitive c ocf:heartbeat: \
           |               ^^^^^^^^^^^^^^
           remedy: write `TYPE`, `CLASS:TYPE`, `ocf:PROVIDER:TYPE`, or `@TEMPLATE`
        error HV-CRM-01: bad.crm:3:1: the configuration cannot be taken: 1 error
        needed: mend what is named above
    "#]],
    );
    place.write("bad.crm", "configure\ndelete a\nshow \"x\n");
    place.check(
        "-f bad.crm",
        1,
        &expect![[r#"
        bad.crm:3:6: error: this quote is not closed
         3 | show "x
           |      ^
           remedy: close it on the same line; write `\"` for a quote within quotes
        error HV-CRM-01: bad.crm cannot be taken: 1 error
        needed: mend what is named above
    "#]],
    );
    assert!(place.does("configure show").contains("primitive a "));
}

#[test]
fn files_are_loaded_and_saved_and_secrets_stay_where_they_may_be() {
    let place = Place::new();
    place.does("configure save all.crm");
    let saved = place.read("all.crm");
    assert!(saved.contains("passwd=hunter2"), "{saved}");
    let mode = std::fs::metadata(place.path("all.crm")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = place.crm("configure save all.crm");
    assert!(again.code == 1 && again.err.contains("add -F to replace"), "{again:?}");
    place.does("-F configure save xml all.crm web");
    assert!(
        place.read("all.crm").contains("<primitive id=\"web\"") && !place.does("configure save -").contains("hunter2")
    );
    let before = place.read("cib.xml");
    place.write("all.crm", &saved);
    let shown = place.does("configure show");
    place.does("configure load replace all.crm");
    assert_eq!(place.does("configure show"), shown);
    place.write("more.crm", "primitive more Dummy\n");
    place.does("configure load update more.crm");
    assert!(place.does("configure show").contains("primitive more Dummy\n"));
    place.does("configure load push more.crm");
    assert_eq!(place.does("configure show"), "primitive more Dummy\n");
    place.write("old.xml", &before);
    place.does("configure load xml replace old.xml");
    assert_eq!(place.does("configure show"), shown);
    place.write("bad.crm", "primitive ok Dummy\nprimitive b Dummy parms x=1 op\nprimtive c Dummy\n");
    place.check(
        "configure load update bad.crm",
        1,
        &expect![[r#"
        bad.crm:2:29: error: the name of the operation is missing behind `op`
         2 | primitive b Dummy parms x=1 op
           |                             ^^
           remedy: write it, or end the line before with `\`
        bad.crm:3:1: error: `primtive` begins no object; it may have been meant as `primitive`
         3 | primtive c Dummy
           | ^^^^^^^^
           remedy: begin each line with a word such as primitive, or join lines with `\`
        error HV-CRM-01: bad.crm cannot be taken: 2 errors
        needed: mend what is named above
    "#]],
    );
    assert!(!place.does("configure show").contains("primitive ok"));
    place.does("-F configure erase");
    assert_eq!(place.does("configure show"), "node 1: n1\nnode 2: n2\n");
    place.does("configure erase nodes");
    assert_eq!(place.does("configure show"), "");
}

#[test]
fn what_would_happen_is_shown_before_it_is_so() {
    let place = Place::new();
    let before = place.read("cib.xml");
    place.check(
        "--plan configure delete db",
        0,
        &expect![[r#"
        changes:
        - primitive db Dummy \
        - 	params passwd="******"

        start web on n1

        step 1
          probe web n1
          probe web n2

        step 2
          start web n1

        afterwards
          web  Started on n1
    "#]],
    );
    let said = place.typed("", "configure\nset db.passwd other\nsimulate\nrefresh\n");
    assert!(said.code == 0 && said.out.contains("+ \tparams passwd=\"******\""), "{said:?}");
    assert_eq!(place.read("cib.xml"), before);
}

#[test]
fn errors_hinder_a_commit_unless_they_were_there_or_it_is_forced() {
    let place = Place::new();
    place.check(
        "configure location l wbe 5: n1",
        1,
        &expect![[r#"
        error: l: there is no resource, template or tag `wbe`
           remedy: mend the name, or add what it is about
        error HV-CRM-01: nothing was committed: the configuration would have 1 error
        needed: mend what is named above
    "#]],
    );
    place.does("-F configure location l wbe 5: n1");
    place.does("configure primitive ip Dummy");
    let said = place.crm("verify");
    assert!(said.code == 1 && said.err.contains("error: l: there is no resource"), "{said:?}");
    let said = place.typed("", "configure\nlocation l2 wbe 5: n1\ncommit force\n");
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_person_edits_in_an_editor() {
    let place = Place::new();
    let edit = |editor: &str, names: &str| {
        let mut command = program();
        command.current_dir(place.path("")).env("CIB_file", "cib.xml").env("EDITOR", editor).env_remove("VISUAL");
        said(command.args(["crm", "configure", "edit"]).args(names.split_whitespace()))
    };
    let done = edit("sed -i s/hunter2/other/", "db");
    assert_eq!(done.code, 0, "{done:?}");
    assert!(place.read("cib.xml").contains("value=\"other\""));
    place.does("configure property x=y");
    let done = edit("sed -i /stonith/d", "cib-bootstrap-options");
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!place.read("cib.xml").contains("stonith-enabled"));
    let bad = edit("sed -i s/primitive/primitve/", "db web");
    assert!(bad.code == 1 && bad.err.contains("edited:1:1: error: `primitve` begins no object"), "{bad:?}");
    let gone = edit("sed -i /web/d", "");
    assert!(gone.code == 0 && !place.does("configure show").contains("web"), "{gone:?}");
    assert_eq!(edit("false", "").code, 1);
}

#[test]
fn without_a_cib_that_can_be_read_nothing_is_done() {
    let place = Place::new();
    place.write("cib.xml", "<cib");
    assert_eq!(place.crm("configure show").code, 1);
    std::fs::remove_file(place.path("cib.xml")).unwrap();
    let said = place.crm("configure primitive a Dummy");
    assert!(said.code == 1 && said.err.starts_with("error HV-CLI-03: cannot read cib.xml: "), "{said:?}");
    assert!(!place.path("cib.xml").exists());
}

#[test]
fn words_are_explained() {
    let place = Place::new();
    let said = place.crm("configure help modgroup");
    assert!(said.code == 0 && said.out.starts_with("Usage: haven crm configure modgroup GROUP {add "), "{said:?}");
    assert_eq!(place.crm("configure modgroup --help").out, said.out);
    assert!(place.does("help configure").contains("  fencing_topology  Which devices fence whom"));
    assert!(place.does("configure --help").contains("Usage: haven crm configure COMMAND"));
}

#[test]
fn in_a_file_resources_and_nodes_are_edited_and_what_runs_is_not_asked() {
    let place = Place::new();
    for line in [
        "resource stop web",
        "resource meta web set priority 5",
        "resource unmanage db",
        "resource ban web n1",
        "resource move db n2 force",
        "node standby n1",
        "node attribute n2 set rack b2",
    ] {
        place.does(line);
    }
    place.check(
        "configure show",
        0,
        &expect![[r#"
        node 1: n1 \
        	attributes standby=on
        node 2: n2 \
        	attributes rack=b2
        primitive db Dummy \
        	params passwd="******" \
        	meta is-managed=false
        primitive web Dummy \
        	meta target-role=Stopped priority=5
        location cli-ban-web-on-n1 web role=Started -inf: n1
        location cli-prefer-db db role=Started inf: n2
        property cib-bootstrap-options: \
        	stonith-enabled=false
    "#]],
    );
    assert_eq!(place.does("resource meta web show target-role"), "Stopped\n");
    assert_eq!(place.does("resource param db show passwd"), "******\n");
    assert_eq!(place.does("resource constraints web"), "location cli-ban-web-on-n1 web role=Started -inf: n1\n");
    place.does("resource clear web");
    assert_eq!(place.does("resource constraints web"), "");
}

#[test]
fn the_agents_of_this_machine_are_listed_and_describe_themselves() {
    let place = Place::new();
    assert!(place.does("ra classes").contains("stonith\n"));
    assert!(place.does("ra list haven").contains("ip\n"));
    let info = place.does("ra info ocf:haven:ip");
    assert!(info.contains("  ip* (string): ") && info.contains("  start timeout=20s\n"), "{info}");
    let said = place.crm("ra validate ocf:haven:ip ipp=10.0.0.1");
    assert!(said.code == 1 && said.out.contains("ipp is not known; it may have been meant as ip"), "{said:?}");
    assert_eq!(place.crm("ra list nonsense").code, 64);
    assert_eq!(place.crm("ra info ocf:heartbeat:NotThere").code, 1);
}

#[test]
fn of_commits_at_the_same_time_each_is_whole_or_refused() {
    let place = Place::new();
    let said: Vec<(usize, Said)> = std::thread::scope(|scope| {
        let place = &place;
        let run = |n: usize| scope.spawn(move || (n, place.crm(&format!("configure primitive k{n} Dummy"))));
        let running: Vec<_> = (0..8).map(run).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let text = place.read("cib.xml");
    assert!(said.iter().any(|(_, said)| said.code == 0));
    for (n, said) in said {
        let there = text.contains(&format!("id=\"k{n}\""));
        assert_eq!(said.code == 0, there, "k{n}: {}", said.err);
        assert!(there || said.err.contains("somebody else has changed it"), "{}", said.err);
    }
}

#[test]
fn what_nobody_could_plan_with_is_not_committed() {
    let place = Place::new();
    let said = place.crm("configure node 1: n9");
    assert_ne!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("two nodes with the id"), "{}", said.err);
    assert_eq!(place.read("cib.xml"), CIB);
}

#[test]
fn a_secret_in_a_wrong_place_is_not_said() {
    let said = Place::new().crm("configure location l web password=SECRET");
    assert_ne!(said.code, 0);
    assert!(!said.err.contains("SECRET"), "{}", said.err);
}

#[test]
fn what_an_agent_does_not_know_is_said_and_committed() {
    let place = Place::new();
    let said = place.crm("configure primitive x NoSuchAgent op monitr interval=10s");
    assert_eq!(said.code, 0, "{}", said.err);
    for want in ["its agent ocf:heartbeat:NoSuchAgent is not on this machine", "may have been meant as `monitor`"] {
        assert!(said.err.contains(want), "{}", said.err);
    }
    let said = place.crm("configure primitive y ocf:haven:ip params ipp=10.0.0.7");
    for want in ["ip is needed", "ipp is not known"] {
        assert!(said.err.contains(want), "{}", said.err);
    }
}

#[test]
fn all_resources_go_only_if_that_is_said() {
    let place = Place::new();
    place.write("empty.crm", "");
    for line in ["configure load replace empty.crm", "configure erase"] {
        let said = place.crm(line);
        assert!(said.code == 1 && said.err.contains("2 resources would go"), "{line}: {}", said.err);
        assert_eq!(place.read("cib.xml"), CIB, "{line}");
    }
    place.does("-F configure erase");
    assert!(!place.read("cib.xml").contains("<primitive"));
}

#[test]
fn a_file_of_objects_is_told_how_it_is_loaded() {
    let place = Place::new();
    place.write("site.crm", "node 7: n7\nprimitive z Dummy\n");
    let said = place.crm("-f site.crm");
    assert!(said.code != 0 && said.err.contains("configure load update FILE"), "{}", said.err);
    assert_eq!(place.read("cib.xml"), CIB);
}

#[test]
fn a_secret_without_its_mark_is_refused_and_not_said() {
    let place = Place::new();
    let said = place.crm("configure primitive s stonith:fence_ipmilan params ip=10.0.0.9 passwd SECRET");
    assert!(said.code != 0 && said.err.contains("the secret `passwd` has no value"), "{}", said.err);
    assert!(!said.err.contains("SECRET"), "{}", said.err);
    assert_eq!(place.read("cib.xml"), CIB);
}
