//! What of scripts is played, and what is said of the rest.

use expect_test::{Expect, expect};
use haven_core::units::Millis;
use haven_simulator::scenario::{Action, Scenario};
use haven_simulator::sweep::{Draws, Profile};

use super::{Devices, NODES_MAX, Origin, Schedule, Unplayable, What};

fn of(cluster: &str, steps: &[&str]) -> Result<Schedule, Unplayable> {
    let steps: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
    let text = format!("title = \"t\"\nwhy = \"w\"\n{cluster}\n[script]\nsteps = [{}]\n", steps.join(", "));
    Schedule::of(&Scenario::parse(&text).unwrap(), Origin::File { file: "a.toml".to_owned() })
}

/// The schedule, and what is left out of it.
fn check(cluster: &str, steps: &[&str], expected: Expect) {
    let told = match of(cluster, steps) {
        Ok(schedule) => {
            let left: String = schedule.left_out.kinds().iter().map(|left| format!("left out: {left}\n")).collect();
            format!("{schedule}\n{left}")
        }
        Err(why) => {
            let left = why.left_out().map(|left| left.kinds().to_vec()).unwrap_or_default();
            let left: String = left.iter().map(|left| format!("left out: {left}\n")).collect();
            format!("{why}\n{left}needed: {}\n", why.remedy())
        }
    };
    // The columns count: what is common to all lines would be taken off.
    let told: String = told.lines().map(|line| format!("|{line}\n")).collect();
    expected.assert_eq(&told);
}

#[test]
fn what_can_be_done_keeps_its_order_and_its_times() {
    check(
        "[[resources]]\nid = \"db\"\nprefers = \"n3\"",
        &[
            "expect runs db n3",
            "5s power-off n3",
            "wait log n3 proven off*",
            "+1.5s do add r1 prefers n2",
            "every 200ms for 3s standby n1 / online n1",
            "wait not runs db n3",
            "20s pass",
        ],
        expect![[r#"
            |            expect runs db n3
            |   5.000 s  power-off n3
            |            wait log n3 proven off*
            |  +1.500 s  do add r1 prefers n2
            |            every 200ms for 3s standby n1 / online n1
            |            wait not runs db n3
            |  20.000 s  heal-all
        "#]],
    );
}

#[test]
fn what_cannot_be_done_is_counted_by_kind_and_reason_and_keeps_its_time() {
    check(
        "[cluster]\nlinks = 2\nwatchdog = \"hardware\"\ndevices = \"bmc, then pdu\"\n[[resources]]\nid = \"ip\"\nagent = \"haven:ip\"",
        &[
            "stand-still n1",
            "+2s stand-still n2",
            "+1s kill-daemon n1",
            "disk n1 stall",
            "disk n1 full 4096",
            "cut n1>n2 link 0",
            "cut n1>n3",
            "cut n1>n3 calls",
            "path n1>* delay 1ms..5ms",
            "path *>n1 delay 1ms..5ms",
            "device pdu lies",
            "device bmc-n1 auto-on 1s",
            "device bmc-n1 early 2s",
            "device bmc-n1 late 2900ms",
            "agent n1 ip start stuck 3s",
            "agent n1 ip stop hang",
            "freeze-daemon n1 before fence_",
            "do add web as systemd:web prefers n3",
            "every 1s for 3s confirm n1 after 1s / confirm n2",
            "expect leads n1",
            "30s restore-plug n2",
        ],
        expect![[r#"
            |  +2.000 s  pass
            |  +1.000 s  kill-daemon n1
            |            disk n1 full 4096
            |            cut n1>n3
            |            path *>n1 delay 1ms..5ms
            |            device bmc-n1 early 2s
            |            agent n1 ip stop hang
            |            every 1s for 3s confirm n2
            |  30.000 s  heal-all
            |left out: 1 x second link: these machines have one cable each
            |left out: 1 x watchdogs: these machines have none
            |left out: 1 x power strip: there is none
            |left out: 1 x agent of a resource: every resource here is a process that writes its history
            |left out: 2 x stand-still: all machines share one clock
            |left out: 1 x disk stall: the kernel keeps what these disks have taken
            |left out: 1 x cut: these machines have one cable each
            |left out: 1 x cut: heartbeats and calls are datagrams alike
            |left out: 1 x path delay: packets are delayed right before one machine only, from everywhere: `path *>NODE delay`
            |left out: 1 x device lies: there is no power strip
            |left out: 1 x device auto-on: these devices cannot do it
            |left out: 1 x device late: a busy computer would make it longer than any device may lag behind
            |left out: 1 x agent stuck: this agent cannot do it
            |left out: 1 x freeze-daemon: nobody outside a daemon sees what it is about to start
            |left out: 1 x do add: its agent is not on these machines
            |left out: 1 x every confirm: no command says when a machine was looked at
            |left out: 1 x expect leads: only the simulator sees it
            |left out: 1 x restore-plug: these machines hang on no cords
        "#]],
    );
}

#[test]
fn a_script_of_which_nothing_can_be_played_says_why_and_where_it_can() {
    check(
        "",
        &["expect up n1", "stand-still n1", "+3s go-on n1", "wait well"],
        expect![[r#"
            |cannot play a.toml on real processes: none of its faults and orders can be brought about here
            |left out: 1 x stand-still: all machines share one clock
            |left out: 1 x go-on: all machines share one clock
            |left out: 1 x wait well: only the simulator sees it
            |needed: run it in the simulator with `haven sim scenario a.toml`
        "#]],
    );
    check(
        "[cluster]\nmachines = 7",
        &["reset n7"],
        expect![[r#"
            |cannot play a.toml on real processes: it has 7 machines, and at most 5 can be had
            |needed: name a scenario with 5 machines at most
        "#]],
    );
    check(
        "",
        &["reset n1", "+2h reset n1"],
        expect![[r#"
            |cannot play a.toml on real processes: it takes 2h, and at most 1h are played
            |needed: name a scenario of 1h at most
        "#]],
    );
}

#[test]
fn the_cluster_is_the_scenarios_as_far_as_it_can_be() {
    let cluster = "[cluster]\nmachines = 4\nwitnesses = [\"n4\"]\nprofile = \"fast\"\nhold = \"6s\"\ndevices = \"none\"\n\
                   [cluster.properties]\noperation-timeout = \"5s\"\n[[resources]]\nid = \"db\"\nprefers = \"n2\"\nscore = 7";
    let schedule = of(cluster, &["reset n1"]).unwrap();
    let setting = &schedule.setting;
    assert_eq!((schedule.nodes.len(), setting.profile, setting.devices), (4, "fast", Devices::None));
    let properties: Vec<String> = setting.properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(properties, ["hold=6s", "operation-timeout=5s"]);
    assert_eq!(setting.witnesses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["n4"]);
    let db = setting.resources.first().unwrap();
    assert_eq!(
        (db.id.as_str(), db.prefers.as_ref().map(|(node, score)| (node.as_str(), *score))),
        ("db", Some(("n2", 7)))
    );
    assert!(schedule.left_out.is_empty(), "{:?}", schedule.left_out);
    let odd = of("[cluster]\ndead-after = \"2s\"", &["reset n1"]).unwrap().setting;
    assert_eq!((odd.profile, odd.properties), ("lan", vec![("dead-after".to_owned(), "2s".to_owned())]));
}

#[test]
fn what_an_order_removes_need_not_run_in_the_end() {
    let resources = "[[resources]]\nid = \"db\"\n[[resources]]\nid = \"web\"\n[[resources]]\nid = \"mail\"";
    let schedule = of(resources, &["reset n1", "ask remove db", "every 1s for 2s remove web / standby n1"]).unwrap();
    assert_eq!(schedule.never_removed(), ["mail".to_owned()].into());
}

/// Whether it can be played; if not, why is said.
fn is_played(schedule: Result<Schedule, Unplayable>) -> bool {
    match schedule {
        Ok(schedule) => {
            assert!(schedule.kinds.values().sum::<u32>() > 0 && schedule.nodes.len() <= usize::from(NODES_MAX));
            true
        }
        Err(why) => {
            assert!(!why.remedy().is_empty() && !why.to_string().is_empty());
            false
        }
    }
}

#[test]
fn most_scenarios_and_seeds_are_played_and_the_others_say_why_not() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios");
    let of_file = |entry: std::io::Result<std::fs::DirEntry>| {
        let file = entry.unwrap().path();
        let scenario = Scenario::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        is_played(Schedule::of(&scenario, Origin::File { file: file.display().to_string() }))
    };
    let files: Vec<bool> = std::fs::read_dir(folder).unwrap().map(of_file).collect();
    let seeds: Vec<bool> = (0..100).map(|seed| is_played(Schedule::from_seed(seed, Draws::default()))).collect();
    let played = |all: &[bool]| all.iter().filter(|played| **played).count();
    assert!(played(&files) > 70 && played(&files) < files.len(), "{} of {} files", played(&files), files.len());
    assert!(played(&seeds) > 70 && played(&seeds) < seeds.len(), "{} of {} seeds", played(&seeds), seeds.len());
}

#[test]
fn a_seed_is_what_the_simulator_draws_from_it() {
    let of = |seed, draws: Draws| Schedule::from_seed(seed, draws).unwrap();
    let draws = Draws { profile: Profile::Safety, length: Millis::secs(20) };
    let (one, other) = (of(2, draws), of(2, draws));
    assert_eq!(one, other);
    assert_eq!(
        (one.origin.to_string().as_str(), one.length),
        ("seed 2 --profile safety --faults 20s of the simulator", Millis::secs(20))
    );
    let drawn = haven_simulator::sweep::Schedule::draw(2, draws).to_scenario(2);
    let has = |what: &What| drawn.script.iter().any(|step| What::Scripted(step.action.clone()) == *what);
    assert!(one.steps.iter().all(|step| has(&step.what) || step.what == What::Scripted(Action::Pass)));
}
