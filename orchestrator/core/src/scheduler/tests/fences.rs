//! Whom nobody shoots: owners of what only a probe could not tell, and machines that have survived an order.

use super::*;
use crate::event::{Counted, IsolationCause, Proof, Testimony};

/// What is to be fenced, with the reasons.
fn fenced(bench: &Bench) -> Vec<String> {
    crate::scheduler::plan(&bench.state)
        .fence
        .into_iter()
        .map(|need| format!("{}: {}", need.node, need.reason))
        .collect()
}

/// `at` lives anew, and a look at `db` there comes to `outcome`.
fn lives_and_looks(bench: &mut Bench, at: &str, (boot, generation): (u8, u32), outcome: Outcome) {
    bench.boot(at, boot, generation);
    bench.adopt();
    bench.end(&format!("probe db on {at}"), outcome);
}

#[test]
fn an_owner_is_not_shot_because_another_nodes_probe_did_not_tell() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
    lives_and_looks(&mut bench, "b", (12, 1), Outcome::Unknown);
    bench.boot("a", 1, 2);
    assert_eq!(fenced(&bench), Vec::<String>::new(), "before it was looked at");
    bench.adopt();
    bench.end("probe db on a", Outcome::FoundRunning);
    assert_eq!(fenced(&bench), Vec::<String>::new(), "and after");
}

#[test]
fn what_an_earlier_life_ran_is_looked_at_before_its_node_is_judged() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    lives_and_looks(&mut bench, "b", (12, 1), Outcome::FoundRunning);
    // Both are known to run it; the life of now has not looked yet.
    bench.boot("a", 1, 2);
    assert_eq!(fenced(&bench), ["b: db runs there although the log places it elsewhere"]);
    bench.adopt();
    bench.end("probe db on a", Outcome::Done);
    assert_eq!(fenced(&bench), Vec::<String>::new(), "it ran on b only");
}

#[test]
fn a_start_that_nobody_has_seen_end_places_a_resource() {
    let mut bench = three(vec![primitive("db")]);
    bench.adopt();
    bench.looked("db");
    bench.adopt();
    bench.end("start db on a", Outcome::Unknown);
    lives_and_looks(&mut bench, "b", (12, 1), Outcome::FoundRunning);
    assert!(fenced(&bench).contains(&"b: db runs there although the log places it elsewhere".to_owned()));
}

#[test]
fn what_was_taken_over_as_it_was_found_is_placed_as_if_it_had_been_started() {
    let mut bench = three(vec![primitive("db")]);
    bench.adopt();
    bench.end("probe db on a", Outcome::FoundRunning);
    bench.end("probe db on b", Outcome::Done);
    bench.end("probe db on c", Outcome::Done);
    fail(&mut bench, "db", "a", 1);
    lives_and_looks(&mut bench, "c", (13, 1), Outcome::FoundRunning);
    assert_eq!(fenced(&bench), ["c: db runs there although the log places it elsewhere"]);
}

/// `c` has rebooted under an order whose shot was sent.
fn rebooted_under_an_order() -> (Bench, crate::ids::OrderId) {
    let (mut bench, order) = ordered_off();
    lives_and_looks(&mut bench, "c", (13, 1), Outcome::Done);
    (bench, order)
}

#[test]
fn the_next_boot_of_a_machine_may_be_hit_by_the_order_against_the_one_before() {
    let (mut bench, order) = rebooted_under_an_order();
    bench.ok(Event::FenceFailed { order, reason: "the BMC did not answer".into() });
    bench.lose("c");
    assert_eq!(fenced(&bench), ["c: an order may have switched it off"]);
}

#[test]
fn a_boot_that_went_on_after_the_order_has_survived_it() {
    let (mut bench, order) = rebooted_under_an_order();
    bench.ok(Event::FenceFailed { order, reason: "the BMC did not answer".into() });
    bench.wait(Millis::secs(3600));
    let before = bench.clone();
    bench.readmit("c");
    bench.lose("c");
    assert_eq!(fenced(&bench), Vec::<String>::new());
    // However long nobody could lose it, it was not seen to be well.
    let mut bench = before;
    bench.lose("c");
    assert_eq!(fenced(&bench), ["c: an order may have switched it off"]);
}

#[test]
fn a_boot_that_began_after_the_end_of_an_order_was_not_hit() {
    let (mut bench, order) = rebooted_under_an_order();
    bench.ok(Event::FenceFailed { order, reason: "the BMC did not answer".into() });
    lives_and_looks(&mut bench, "c", (23, 1), Outcome::Done);
    let early = bench.clone();
    // As long as its device may take.
    bench.wait(Millis::secs(31));
    bench.lose("c");
    assert_eq!(fenced(&bench), Vec::<String>::new());
    let mut bench = early;
    bench.lose("c");
    assert_eq!(
        fenced(&bench),
        ["c: an order may have switched it off"],
        "the shot may have landed after the order's end"
    );
}

#[test]
fn a_shot_that_was_read_off_may_land_in_the_next_boot() {
    let mut bench = three(vec![primitive("db")]);
    bench.edit(vec![prefers("db", "c", 100)]);
    bench.settle();
    bench.lose("c");
    let order = bench.order("c");
    bench.ok(Event::FenceSent { order, device: crate::ids::DeviceId::new("bmc-c").unwrap() });
    // It had no power, and has some again before its BMC has done what it was told.
    bench.prove_off("c");
    bench.edit(vec![prefers("db", "c", 0)]);
    bench.settle();
    lives_and_looks(&mut bench, "c", (13, 1), Outcome::Done);
    bench.readmit("c");
    let looked_at = |bench: &Bench| crate::scheduler::may_be_hit_late(&bench.state) == [&node("c")];
    let mut late = bench.clone();
    late.wait(Millis::secs(31));
    late.lose("c");
    assert!(!looked_at(&late), "as long as its device may take is over");
    assert!(!looked_at(&bench), "it lives");
    bench.lose("c");
    assert!(looked_at(&bench));
    assert_eq!(fenced(&bench), Vec::<String>::new(), "it is in nobody's way");
    bench.set("power-on-after-fence", "false");
    assert!(!looked_at(&bench), "nobody would switch it on");
}

#[test]
fn nobody_is_shot_for_what_nobody_has_seen_there() {
    let mut bench = three(vec![primitive("db")]);
    bench.adopt();
    bench.end("probe db on a", Outcome::Unknown);
    bench.end("probe db on b", Outcome::Done);
    bench.end("probe db on c", Outcome::Done);
    bench.adopt();
    bench.end("stop db on a", Outcome::Failed);
    assert_eq!(fenced(&bench), Vec::<String>::new());
    assert!(bench.shown().contains("nobody knows whether it runs on a, and its stop failed"), "{}", bench.shown());
    // It starts nowhere until somebody has looked.
    assert!(!bench.shown().contains("start db"), "{}", bench.shown());
    bench.ok(Event::FailuresCleared { resource: rsc("db"), node: None, by: "test".into() });
    bench.adopt();
    bench.end("probe db on a", Outcome::Done);
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
}

#[test]
fn what_a_look_did_not_tell_is_looked_at_again_and_a_stop_that_failed_meanwhile_is_forgiven() {
    let mut bench = three(vec![primitive("db")]);
    bench.edit(vec![crate::bench::prefers("db", "a", 100)]);
    bench.adopt();
    bench.end("probe db on a", Outcome::Unknown);
    bench.end("probe db on b", Outcome::Done);
    bench.end("probe db on c", Outcome::Done);
    for end in [Outcome::Unknown, Outcome::Done] {
        bench.adopt();
        bench.end("stop db on a", Outcome::Unknown);
        bench.wait(crate::units::Millis::secs(50));
        assert!(!bench.shown().contains("probe db"), "not yet: {}", bench.shown());
        bench.wait(crate::units::Millis::secs(10));
        bench.adopt();
        assert_eq!(bench.in_flight(), ["probe db on a"]);
        bench.end("probe db on a", end);
    }
    bench.settle();
    assert_eq!(bench.running(), "db: started on a\n");
}

#[test]
fn a_node_is_open_again_when_what_could_not_be_stopped_there_is_known_to_be() {
    for (look, stop) in [(Outcome::Done, None), (Outcome::FoundRunning, Some(Outcome::Done))] {
        let mut bench = three(vec![primitive("db")]);
        bench.edit(vec![crate::bench::prefers("db", "a", 100)]);
        bench.settle();
        let id = crate::ids::DeviceId::new("bmc-a").unwrap();
        bench.edit(vec![crate::spec::SpecEdit::RemoveDevice(id)]);
        bench.ok(Event::StandbySet { node: node("a"), standby: crate::event::Standby::On, by: "olga".into() });
        bench.adopt();
        bench.end("stop db on a", Outcome::Unknown);
        bench.wait(crate::units::Millis::secs(60));
        bench.adopt();
        bench.end("probe db on a", look);
        if let Some(stop) = stop {
            bench.adopt();
            bench.end("stop db on a", stop);
        }
        bench.ok(Event::StandbySet { node: node("a"), standby: crate::event::Standby::Off, by: "olga".into() });
        bench.settle();
        assert_eq!(bench.running(), "db: started on a\n", "{look:?}");
    }
}

#[test]
fn a_stop_that_failed_is_tried_again_where_no_device_can_end_it() {
    for (device, again) in [("c", vec![]), ("a", vec!["probe db on a"])] {
        let mut bench = three(vec![primitive("db")]);
        bench.edit(vec![crate::bench::prefers("db", "a", 100)]);
        bench.settle();
        let id = crate::ids::DeviceId::new(&format!("bmc-{device}")).unwrap();
        bench.edit(vec![crate::spec::SpecEdit::RemoveDevice(id), crate::bench::prefers("db", "b", 1000)]);
        bench.adopt();
        bench.end("stop db on a", Outcome::Failed);
        bench.wait(crate::units::Millis::secs(60));
        bench.adopt();
        assert_eq!(bench.in_flight(), again, "without the device of {device}");
        // Twice half running: each look leads to one stop, and the next look comes a minute after that.
        for _ in again {
            for _ in 0..2 {
                bench.end("probe db on a", Outcome::Failed);
                bench.adopt();
                assert_eq!(bench.in_flight(), ["stop db on a"]);
                bench.end("stop db on a", Outcome::Failed);
                bench.wait(crate::units::Millis::secs(50));
                bench.adopt();
                assert_eq!(bench.in_flight(), [""; 0]);
                bench.wait(crate::units::Millis::secs(10));
                bench.adopt();
                assert_eq!(bench.in_flight(), ["probe db on a"]);
            }
        }
    }
}

#[test]
fn what_was_seen_to_half_run_and_cannot_be_stopped_is_a_reason_to_fence() {
    for stop in [Outcome::Failed, Outcome::Unknown] {
        let mut bench = three(vec![primitive("db")]);
        bench.settle();
        lives_and_looks(&mut bench, "b", (12, 1), Outcome::Failed);
        bench.readmit("b");
        bench.adopt();
        bench.end("stop db on b", stop);
        assert_eq!(fenced(&bench), ["b: db: stop failed: "], "{stop:?}");
    }
}

#[test]
fn what_a_monitor_has_seen_is_seen_until_it_is_stopped() {
    let mut bench = three(vec![primitive("db")]);
    bench.settle();
    lives_and_looks(&mut bench, "b", (12, 1), Outcome::Unknown);
    let presence = |bench: &Bench| bench.state.resources[&rsc("db")].presence[&node("b")].clone();
    assert!(presence(&bench).is_unseen());
    for (number, finding) in [(1, Finding::Running), (2, Finding::Unknown)] {
        bench.ok(Event::ResourceReported(Report {
            node: node("b"),
            incarnation: bench.life_of("b"),
            number,
            resource: rsc("db"),
            finding,
            cause: ReportCause::Monitor,
            detail: String::new(),
            after: None,
        }));
    }
    assert!(!presence(&bench).is_unseen());
    assert_ne!(presence(&bench).definition, 0, "it was taken over as it was found");
    lives_and_looks(&mut bench, "b", (12, 2), Outcome::Done);
    assert_eq!((presence(&bench).seen, presence(&bench).definition), (None, 0));
}

/// The leader of b and c, which hang on one outlet, has c switched off by it; whether b was missed after that.
#[test]
fn who_went_off_with_another_is_proven_off_so_that_it_can_be_switched_on() {
    let after = |wait: Millis, outlets: [(&str, &str); 2]| {
        let mut bench = three(vec![primitive("db")]);
        bench.settle();
        let SpecEdit::PutDevice(mut strip) = bmc("c") else { unreachable!("it puts a device") };
        strip.id = crate::ids::DeviceId::new("pdu").unwrap();
        strip.hosts =
            crate::spec::HostMap::Outlets(outlets.map(|(of, outlet)| (node(of), vec![outlet.to_owned()])).into());
        bench.edit(vec![SpecEdit::PutDevice(strip)]);
        bench.lose("c");
        let mut event = bench.order_event("c");
        if let Event::FenceOrdered { level, .. } = &mut event {
            *level = 1;
        }
        bench.ok(event);
        let order = crate::ids::OrderId(bench.state.index.0);
        bench.ok(Event::FenceSent { order, device: crate::ids::DeviceId::new("pdu").unwrap() });
        bench.ok(Event::FenceFailed { order, reason: "the strip was not read in time".into() });
        bench.wait(wait);
        bench.lose("b");
        fenced(&bench).into_iter().filter(|line| line.starts_with('b')).collect::<Vec<_>>()
    };
    let shared = [("b", "2"), ("c", "2")];
    assert_eq!(after(Millis::secs(1), shared), ["b: an order may have switched it off"]);
    assert_eq!(after(Millis::secs(60), shared), [""; 0], "it has gone on after that");
    assert_eq!(after(Millis::secs(1), [("b", "1"), ("c", "2")]), [""; 0]);
}

/// `c` is gone; `b` has heard nothing of it for `b_misses`, and `a` for `a_misses`.
fn lose_missed(bench: &mut Bench, b_misses: Millis, a_misses: Millis) {
    let testimony = |(voter, silence)| Testimony { voter: node(voter), silence };
    let testimonies = [("b", b_misses), ("a", a_misses)].map(testimony).to_vec();
    bench.ok(Event::NodeLost { node: node("c"), boot: bench.life_of("c").boot, testimonies });
}

/// What is to be fenced when an order against the idle `c` has failed, and `c` is lost after `wait`.
fn lost_after(wait: Millis, b_misses: Millis, a_misses: Millis) -> Vec<String> {
    let (mut bench, order) = ordered_off();
    bench.ok(Event::FenceFailed { order, reason: "no answer".into() });
    bench.wait(wait);
    lose_missed(&mut bench, b_misses, a_misses);
    fenced(&bench)
}

#[test]
fn a_loss_that_is_committed_late_is_told_by_who_has_missed_the_node_for_longest() {
    let (short, wait) = (Millis(1500), Millis::secs(100));
    let hit = ["c: an order may have switched it off"];
    assert_eq!(lost_after(wait, short, short), Vec::<String>::new(), "it has survived the order");
    assert_eq!(lost_after(wait, short, wait), hit, "one voter has heard nothing of it since then");
    assert_eq!(lost_after(wait, wait, short), hit);
}

#[test]
fn nobody_misses_a_node_from_before_it_came_back() {
    let (mut bench, order) = ordered_off();
    bench.lose("c");
    bench.ok(Event::FenceFailed { order, reason: "no answer".into() });
    bench.wait(Millis::secs(100));
    bench.ok(Event::NodeReturned { node: node("c"), incarnation: bench.life_of("c") });
    bench.adopt();
    bench.end("probe db on c", Outcome::Done);
    bench.readmit("c");
    bench.wait(Millis::secs(100));
    lose_missed(&mut bench, Millis(1500), Millis::secs(1000));
    assert_eq!(fenced(&bench), Vec::<String>::new(), "the order was over when it was readmitted");
}

#[test]
fn a_shot_may_have_hit_one_that_is_isolated_and_proven_dead_by_its_watchdog() {
    let hit = |dies: bool| {
        let (mut bench, order) = ordered_off();
        bench.arm("c", Counted::Hardware);
        let boot = bench.life_of("c").boot;
        bench.ok(Event::NodeIsolated { node: node("c"), boot, cause: IsolationCause::Unreachable });
        bench.ok(Event::FenceFailed { order, reason: "no answer".into() });
        let proof = Proof::SelfFenced { waited: Millis::secs(600) };
        if dies {
            bench.ok(Event::FenceConfirmed { node: node("c"), boot, proof });
        }
        crate::scheduler::may_have_been_hit(&bench.state, &bench.state.members[&node("c")], boot)
    };
    assert!(hit(true), "nobody else would switch it on again");
    assert!(!hit(false), "it is heard, so it is on");
}
