//! What haven would do with the configurations of `docs/examples`, from the moment at which nothing runs to the one at which a
//! node is lost, and that their pages say so.
//!
//! A page shows what `haven plan --cib` prints, and leaves out lines by `...`. The files that it names are those moments. What
//! is planned at each, short of the operations that only look and tell, is in `plans/NAME.txt`.

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::expect_file;
use haven_config::{Source, cib, render};
use haven_core::scheduler::engine::{self, Outcome};

use super::cluster::Cluster;
use super::examples::folder;

/// An example with its moments.
struct Example {
    name: &'static str,
    cluster: Cluster,
    /// What is planned, by moment.
    plans: BTreeMap<&'static str, Outcome>,
    /// The same in words and in its order.
    told: String,
}

impl Example {
    /// The example as it is when all nodes have just come.
    fn of(name: &'static str) -> Self {
        let file = format!("{name}.crm");
        let text = std::fs::read_to_string(folder().join(&file)).unwrap();
        Self { name, cluster: Cluster::of(&file, &text), plans: BTreeMap::new(), told: String::new() }
    }

    /// Makes the plan for the present moment.
    #[track_caller]
    fn plan(&mut self, moment: &'static str) {
        let source = Source::of_cib(moment, self.cluster.cib().into_bytes());
        let (scene, said) = cib::read(&source);
        assert!(said.is_empty(), "{}", render(&source, &said));
        let outcome = engine::outcome(&scene.unwrap());
        let _ = writeln!(self.told, "{moment}\n{}", in_short(&cib::plan_in_words(&outcome)));
        self.plans.insert(moment, outcome);
    }

    /// Makes the plan for the present moment, and carries it out.
    #[track_caller]
    fn go(&mut self, moment: &'static str) {
        self.plan(moment);
        self.cluster.carry_out(&self.plans[moment].actions);
    }

    /// Compares the plans with those that are known, and with the page.
    #[track_caller]
    fn is_as_told(&self) {
        expect_file![format!("plans/{}.txt", self.name)].assert_eq(&self.told);
        self.page();
    }

    /// Whether the page of the example shows what is printed at its moments.
    #[track_caller]
    fn page(&self) {
        let path = folder().join("../guide").join(format!("example-{}.md", self.name));
        let text = std::fs::read_to_string(&path).unwrap();
        let consoles = text.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
        let mut count = 0;
        for (words, shown) in consoles.filter_map(|console| console.split_once('\n')) {
            let moment = words.strip_prefix("m1$ haven plan --cib ").unwrap_or_else(|| panic!("{words} is no plan"));
            let printed = cib::plan_in_words(&self.plans[moment]);
            assert!(is_like(shown, &printed), "{}: {words} prints\n{printed}", path.display());
            count += 1;
        }
        assert!(count > 1, "{} shows no plan", path.display());
    }
}

/// Whether `printed` is `shown`, in which a line `...` stands for any lines.
fn is_like(shown: &str, printed: &str) -> bool {
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
    let mut parts = shown.split(|line| *line == "...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let parts: Vec<&[&str]> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(at) = (0..=rest.len()).find(|at| rest[*at..].starts_with(part)) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// A plan without what only looks and tells, and without steps in which there is nothing else.
fn in_short(text: &str) -> String {
    let (before, after) = text.split_once("\nafterwards\n").unwrap();
    let mut out = String::new();
    for part in before.split("\n\n") {
        let looks = ["  probe ", "  monitor ", "  notify-", "  cancel "];
        let looks = |line: &&str| looks.iter().any(|verb| line.starts_with(verb));
        let lines: Vec<&str> = part.lines().filter(|line| !looks(line)).collect();
        let is_step = lines.first().is_some_and(|line| line.starts_with("step "));
        if is_step && lines.len() > 1 {
            let actions: Vec<&str> = lines.iter().skip(1).map(|line| line.trim()).collect();
            out += &format!("then {}\n", actions.join(", "));
        } else if !is_step {
            out += &lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        }
    }
    format!("{out}afterwards\n{after}")
}

#[test]
fn the_web_server_goes_to_the_other_node_when_its_own_is_off() {
    let mut example = Example::of("web-server");
    example.go("stopped.xml");
    example.go("running.xml");
    example.cluster.lose("web1");
    example.plan("lost.xml");
    example.is_as_told();
}

#[test]
fn the_exports_are_there_before_their_address() {
    let mut example = Example::of("nfs");
    example.go("stopped.xml");
    example.go("running.xml");
    example.cluster.lose("nas1");
    example.plan("lost.xml");
    example.is_as_told();
}

#[test]
fn the_database_runs_where_its_disk_is_promoted() {
    let mut example = Example::of("drbd-database");
    example.go("stopped.xml");
    example.cluster.set("db1", "master-db-drbd", "10000");
    example.cluster.set("db2", "master-db-drbd", "10000");
    example.go("disks.xml");
    example.go("running.xml");
    example.cluster.lose("db1");
    example.plan("lost.xml");
    example.is_as_told();
}

#[test]
fn both_targets_are_on_one_node_when_the_other_is_off() {
    let mut example = Example::of("iscsi-target");
    example.go("stopped.xml");
    for node in ["san1", "san2"] {
        example.cluster.set(node, "master-drbd-a", "10000");
        example.cluster.set(node, "master-drbd-b", "10000");
    }
    example.go("disks.xml");
    example.go("running.xml");
    example.cluster.lose("san1");
    example.plan("lost.xml");
    example.is_as_told();
}

#[test]
fn the_guest_that_matters_least_waits_when_memory_is_short() {
    let mut example = Example::of("shared-lvm-guests");
    example.go("stopped.xml");
    example.go("running.xml");
    example.cluster.lose("host1");
    example.plan("lost.xml");
    example.is_as_told();
}

#[test]
fn the_groups_are_apart_and_together_on_the_last_node() {
    let mut example = Example::of("two-groups-apart");
    example.go("stopped.xml");
    example.go("running.xml");
    example.cluster.lose("app1");
    example.plan("lost.xml");
    example.cluster.lose("app2");
    example.plan("last.xml");
    example.is_as_told();
}

#[test]
fn the_router_runs_where_its_bridge_and_its_uplink_are() {
    let mut example = Example::of("router-guest");
    example.go("stopped.xml");
    example.cluster.set("edge1", "pingd", "80");
    example.cluster.set("edge2", "pingd", "80");
    example.go("answering.xml");
    example.go("running.xml");
    example.cluster.set("edge1", "pingd", "40");
    example.plan("one answer less.xml");
    example.cluster.set("edge1", "pingd", "0");
    example.plan("deaf.xml");
    example.cluster.lose("edge1");
    example.plan("lost.xml");
    example.is_as_told();
}
