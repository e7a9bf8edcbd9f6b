//! What is asked of a cluster: JSON for programs, plans that change nothing, followers, the configuration's history.

use std::io::{BufRead, BufReader};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::console::Machines;

/// Questions, each of which is answered in JSON on demand.
const QUESTIONS: [&str; 20] = [
    "m1$ haven status",
    "m2$ haven status --at 3",
    "m1$ haven nodes",
    "m1$ haven links",
    "m1$ haven log --from 1 --to 5",
    "m1$ haven log --at 9",
    "m1$ haven why web",
    "m1$ haven why m1 --at 9",
    "m3$ haven why m2",
    "m1$ haven plan",
    "m1$ haven doctor",
    "m1$ haven resource list",
    "m1$ haven constraint list",
    "m1$ haven fence list",
    "m1$ haven fence history",
    "m1$ haven fence test --all",
    "m1$ haven config show --at 7",
    "m1$ haven config diff 1 7",
    "m1$ haven config history",
    "m1$ haven config settings",
];

/// Changes, each of which can be tried out.
const CHANGES: [&str; 23] = [
    "m1$ haven resource add db ocf:haven:Guest port=7802 --op monitor interval=5s --meta priority=1 --group g --plan",
    "m1$ haven resource remove web --plan",
    "m1$ haven resource stop web --plan",
    "m1$ haven resource start web --plan",
    "m1$ haven resource restart web --plan",
    "m1$ haven resource move web m3 --for 1h --plan",
    "m1$ haven resource cleanup web --node m2 --plan",
    "m1$ haven group add g web --plan",
    "m1$ haven constraint add location web m3 --score 5 --id here --plan",
    "m1$ haven constraint remove loc_web --plan",
    "m1$ haven config set operation-timeout=30s --plan",
    "m1$ haven config rollback 1 --plan",
    "m1$ haven fence add m1 apc --addr 10.9.9.9 --outlet 4 --level 2 --name pdu --call-timeout 20s --plan",
    "m1$ haven fence remove fence_m1 --plan",
    "m1$ haven fence m2 --plan",
    "m1$ haven node standby m2 --plan",
    "m1$ haven node online m2 --plan",
    "m1$ haven node drain m2 --plan",
    "m2$ haven node pause --for 1m --plan",
    "m2$ haven node stop --plan",
    "m1$ haven maintenance on --for 10m --reason disks --plan",
    "m1$ haven maintenance off --plan",
    "m1$ haven drill m2 --plan",
];

fn revision(machines: &Machines) -> u64 {
    machines.json("m1$ haven config show")["revision"].as_u64().unwrap()
}

#[test]
fn a_cluster_answers_programs_and_people_and_a_plan_changes_nothing() {
    let mut machines = Machines::cluster();
    for line in QUESTIONS {
        let said = machines.run(&format!("{line} --json"));
        let answer: Result<Value, _> = serde_json::from_str(&said.out);
        assert!(answer.is_ok() && said.code <= 1, "{line}: {said:?}");
        let text = machines.run(line);
        assert!(text.code <= 1 && !text.out.is_empty(), "{line}: {text:?}");
        let wide = |line: &str| line.chars().count() > 80;
        // Tables of names and settings are as wide as what is in them.
        let may_be_wide = ["settings", "list", "nodes", "test", "show"].iter().any(|word| line.contains(word));
        assert!(may_be_wide || !text.out.lines().any(wide), "{line} is wider than 80 columns: {}", text.out);
    }
    let before = (revision(&machines), machines.json("m1$ haven resource list")[0]["on"].clone());
    for line in CHANGES {
        let said = machines.run(&format!("{line} --json"));
        let answer: Result<Value, _> = serde_json::from_str(&said.out);
        assert!(said.code == 0 && answer.is_ok(), "{line}: {said:?}");
        let text = machines.run(line);
        let said_so = ["nothing was changed", "nothing is left to do"].iter().any(|words| text.out.contains(words));
        assert!(text.code == 0 && said_so, "{line}: {text:?}");
    }
    assert_eq!((revision(&machines), machines.json("m1$ haven resource list")[0]["on"].clone()), before);
    followers(&mut machines);
    export(&mut machines);
    configuration(&mut machines);
    import(&mut machines);
}

/// `log --follow` and `status --watch` tell what happens until they are interrupted, and end with 0.
fn followers(machines: &mut Machines) {
    let mut log = machines.begin("m3$ haven log --follow");
    let mut json = machines.begin("m2$ haven log --follow --json");
    let mut watch = machines.begin("m3$ haven status --watch");
    let mut pages = machines.begin("m2$ haven status --watch --json");
    machines.does("m1$ haven resource move web m3");
    let told = |child: &mut std::process::Child, words: &str| {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut lines = lines.inspect(|line| assert!(line.chars().count() < 4000));
        assert!(lines.any(|line| line.contains(words)), "no {words}");
        kill_process(Pid::from_child(child), Signal::INT).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    };
    told(&mut log, "start web on m3 done");
    told(&mut json, "start web on m3 done");
    told(&mut watch, "start web on m3 done");
    let lines: Vec<String> =
        BufReader::new(pages.stdout.take().unwrap()).lines().map_while(Result::ok).take(2).collect();
    kill_process(Pid::from_child(&pages), Signal::INT).unwrap();
    assert_eq!(pages.wait().unwrap().code(), Some(0));
    for line in lines {
        let page: Value = serde_json::from_str(&line).unwrap_or_default();
        assert!(page["nodes"].is_array(), "one page, one line: {line}");
    }
    machines.does("m1$ haven resource clear web --plan");
    machines.does("m1$ haven resource clear web");
    machines.does("m1$ haven resource move web");
    machines.does("m1$ haven resource clear web --timeout 1m");
}

/// The log leaves the cluster as a file: whole or in part, once, and without secrets.
fn export(machines: &mut Machines) {
    machines.does("m1$ haven log export --out all.jsonl");
    let text = std::fs::read_to_string(machines.file("m1", "all.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0]["format"].as_str(), lines[0]["cluster"].as_str()), (Some("haven-log"), Some("prod")));
    assert_eq!((&lines[1]["index"], &lines[0]["last"]), (&Value::from(1), &lines[lines.len() - 1]["index"]));
    assert!(text.contains("\"token_issued\"") && !text.contains("\"digest\":[1"), "tokens are told");
    assert!(text.contains("\"node_joined\"") && !text.contains("\"token\":\""), "tokens are told");
    let said = machines.run("m1$ haven sim from-log all.jsonl");
    assert!(said.code == 0 && said.out.contains("What happened in prod, entries 1 to "), "{said:?}");
    assert!(said.out.ends_with("nothing failed over, as in the recording\n"), "{said:?}");
    let shown = machines.run("m1$ haven config show --json");
    std::fs::write(machines.file("m1", "spec.json"), shown.out).unwrap();
    let said = machines.run("m1$ haven sim from-log all.jsonl --with spec=spec.json --with dead_after=5s");
    assert!(said.code == 0 && said.out.contains("With dead-after 5s and the other configuration nothing"), "{said:?}");
    let again = machines.run("m1$ haven log export --out all.jsonl");
    assert!(again.code == 64 && again.err.contains("it is there already"), "{again:?}");
    assert_eq!(std::fs::read_to_string(machines.file("m1", "all.jsonl")).unwrap(), text);
    let part = machines.run("m2$ haven log export --from 5 --to 9");
    assert!(
        part.code == 0 && part.out.lines().count() == 6 && part.out.contains("\"origin\":\"haven log export on m2\"")
    );
    let late = machines.run("m2$ haven log export --from 5 --to 999999 --out late.jsonl");
    assert!(
        late.code == 1 && late.err.contains("HV-LOG-01") && !machines.file("m2", "late.jsonl").exists(),
        "{late:?}"
    );
}

/// What was changed is kept, and can be had back; who comes second learns what the first one did.
fn configuration(machines: &mut Machines) {
    let base = revision(machines);
    machines.does("m2$ haven config set operation-timeout=33s -m disks");
    let late = machines.run(&format!("m3$ haven config set operation-timeout=44s --base {base}"));
    assert!(late.code == 1 && late.err.contains("HV-CONFIG-01"), "{late:?}");
    assert!(late.err.contains("+ property operation-timeout=33s"), "the conflict shows the difference: {late:?}");
    let diff = machines.does(&format!("m1$ haven config diff {base}"));
    assert!(diff.contains("+ property operation-timeout=33s"), "{diff}");
    let history = machines.does("m1$ haven config history");
    assert!(history.contains("disks"), "{history}");
    machines.does(&format!("m3$ haven config rollback {base} -m \"it was not the disks\""));
    assert!(!machines.does("m1$ haven config show").contains("operation-timeout"));
    let stranger = machines.run("m1$ haven constraint add location web m33 --score 5 --plan");
    assert!(stranger.code == 0 && stranger.err.contains("note: m33 is no member"), "{stranger:?}");
    let device = "m1$ haven fence add m1 ilo4 --name spare --addr 127.0.0.9 --user ha --secret file:/etc/ilo --plan";
    let loose = machines.run(device);
    assert!(loose.code == 0 && loose.err.contains("note: fence_ilo4: it passes the password"), "{loose:?}");
    machines.does("m1$ haven config set migration-threshold=5 --resource-defaults --no-wait");
    // An hour is more than this test takes, three seconds are less.
    machines.does("m1$ haven maintenance on --for 3s --reason short");
    machines.until("maintenance ends by itself", || machines.run("m1$ haven status").code == 0);
    machines.does("m1$ haven maintenance on --for 1h --reason long");
    machines.does("m1$ haven maintenance off --yes");
    assert!(machines.does("m1$ haven completions bash").contains("haresources"));
    let lost = machines.run("m1$ haven unfreeze 3 --reason none --yes --plan");
    assert_eq!(lost.code, 1, "{lost:?}");
}

/// haresources goes into a cluster that runs. During maintenance, so that nothing has to exist on this machine.
fn import(machines: &mut Machines) {
    std::fs::write(machines.file("m1", "haresources"), "m3 10.77.0.200/24/lo\n").unwrap();
    std::fs::write(machines.file("m1", "ha.cf"), "node m1 m2 m3\nauto_failback off\n").unwrap();
    machines.does("m1$ haven maintenance on --reason import");
    let plan = machines.does("m1$ haven import haresources haresources --ha-cf ha.cf --plan");
    assert!(plan.contains("+ location loc_ip_10.77.0.200 ip_10.77.0.200 1000: m3"), "{plan}");
    assert!(!machines.does("m1$ haven config show").contains("10.77.0.200"));
    let done = machines.does("m1$ haven import haresources haresources --ha-cf ha.cf");
    assert!(done.contains("import haresources: done"), "{done}");
    assert!(machines.does("m2$ haven config show").contains("primitive ip_10.77.0.200 haven:ip"));
    let named = machines.run("m1$ haven import haresources haresources --data-loss-accepted nothing --plan");
    assert_eq!(named.code, 0, "{named:?}");
    let again = machines.does("m1$ haven import haresources haresources --ha-cf ha.cf");
    assert!(again.contains("it is so already, nothing was changed"), "{again}");
    machines.does("m1$ haven resource remove ip_10.77.0.200");
}
