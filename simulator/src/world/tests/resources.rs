//! Resources: agents, ailments, owners and their history.

use haven_env::{Ended, RunReport};

use super::*;

async fn act(bench: &Bench, machine: Machine, op: &'static str, name: &'static str) -> i32 {
    code(&report(bench, machine, op, name).await.ended)
}

async fn report(bench: &Bench, machine: Machine, op: &'static str, name: &'static str) -> RunReport {
    bench.on(machine, move |env| async move { env.host.run(agent(op, name, 20_000)).await }).await.unwrap()
}

#[test]
fn an_agent_starts_watches_and_stops_its_resource() {
    with_world(1, config(), |bench| async move {
        assert_eq!(act(&bench, N1, "monitor", "db").await, 7);
        assert_eq!(act(&bench, N1, "stop", "db").await, 0, "stopping what is stopped succeeds");
        assert_eq!(act(&bench, N1, "start", "db").await, 0);
        assert_eq!(act(&bench, N1, "start", "db").await, 0, "starting what runs succeeds");
        assert_eq!(act(&bench, N1, "monitor", "db").await, 0);
        assert_eq!(bench.world.owners("db"), [(N1, bench.world.boot_id(N1).unwrap())]);
        assert_eq!(act(&bench, N1, "stop", "db").await, 0);
        assert_eq!(act(&bench, N1, "monitor", "db").await, 7);
        let edges: Vec<Edge> = bench.world.history().iter().map(|tenure| tenure.edge).collect();
        assert_eq!(edges, [Edge::Began, Edge::Stopped]);
        assert!(bench.world.overlaps().is_empty());
    });
}

#[test]
fn an_agent_explains_itself() {
    with_world(1, config(), |bench| async move {
        let described = report(&bench, N1, "meta-data", "db").await;
        assert!(String::from_utf8(described.stdout).unwrap().contains("<action name=\"start\""));
        let unknown = report(&bench, N1, "dance", "db").await;
        assert_eq!(unknown.ended, Ended::Exited(3));
        assert!(unknown.stderr.starts_with(b"ocf-exit-reason:"));
        let mut nameless = agent("start", "db", 1000);
        nameless.env.clear();
        let nameless = bench.on(N1, |env| async move { env.host.run(nameless).await }).await.unwrap();
        assert_eq!(nameless.ended, Ended::Exited(6));
    });
}

#[test]
fn a_second_copy_is_seen_at_once() {
    with_world(1, config(), |bench| async move {
        act(&bench, N1, "start", "db").await;
        act(&bench, N2, "start", "db").await;
        let overlaps = bench.world.overlaps();
        assert_eq!(overlaps.len(), 1);
        let (first, second) = (overlaps[0].first, overlaps[0].second);
        assert_eq!((overlaps[0].resource.as_str(), first.machine, second.machine), ("db", N1, N2));
        assert_ne!(first.number, second.number);
        assert_eq!(bench.world.owners("db").len(), 2);
        act(&bench, N1, "stop", "db").await;
        assert_eq!(bench.world.overlaps().len(), 1, "it stays on record");
    });
}

#[test]
fn a_copy_on_a_machine_that_stands_still_is_a_second_owner_and_one_without_power_is_none() {
    with_world(1, config(), |bench| async move {
        act(&bench, N1, "start", "db").await;
        bench.fault("stand-still n1");
        act(&bench, N2, "start", "db").await;
        assert_eq!(bench.world.overlaps().len(), 1);
        bench.fault("power-off n1");
        bench.fault("power-off n2");
        act(&bench, N3, "start", "db").await;
        assert_eq!(bench.world.overlaps().len(), 1);
    });
}

#[test]
fn shared_resources_run_everywhere_and_only_one_copy_is_promoted() {
    let mut config = config();
    config.shared = ["web".to_owned(), "drbd".to_owned()].into();
    with_world(1, config, |bench| async move {
        for machine in bench.world.machines() {
            act(&bench, machine, "start", "web").await;
            act(&bench, machine, "start", "drbd").await;
        }
        bench.world.share("late");
        act(&bench, N1, "start", "late:0").await;
        act(&bench, N2, "start", "late:0").await;
        assert!(bench.world.overlaps().is_empty());
        assert_eq!(act(&bench, N1, "promote", "drbd").await, 0);
        assert_eq!(act(&bench, N1, "monitor", "drbd").await, 8);
        assert_eq!(act(&bench, N2, "monitor", "drbd").await, 0);
        assert_eq!(act(&bench, N1, "demote", "drbd").await, 0);
        assert_eq!(act(&bench, N2, "promote", "drbd").await, 0);
        assert!(bench.world.overlaps().is_empty());
        assert_eq!(act(&bench, N3, "promote", "drbd").await, 0);
        assert_eq!(bench.world.overlaps()[0].resource, "drbd(promoted)");
        act(&bench, N2, "stop", "drbd").await;
        assert_eq!(bench.world.owners("drbd(promoted)").len(), 1, "a stop ends the promotion as well");
        assert_eq!(act(&bench, N2, "promote", "drbd").await, 7);
        bench.world.share("fs");
        for (machine, instance) in [(N1, "fs:0"), (N2, "fs:1")] {
            act(&bench, machine, "start", instance).await;
            act(&bench, machine, "promote", instance).await;
        }
        assert_eq!(bench.world.overlaps()[1].resource, "fs(promoted)", "instances are of one resource");
    });
}

#[test]
fn agents_fail_as_they_are_told_and_only_where_and_in_what_they_are_told() {
    with_world(1, config(), |bench| async move {
        bench.fault("agent n1 db start fail 1");
        let failed = report(&bench, N1, "start", "db").await;
        assert_eq!(failed.ended, Ended::Exited(1));
        assert_eq!(failed.stderr, b"ocf-exit-reason:start of db failed\n");
        assert!(bench.world.owners("db").is_empty());
        assert_eq!(act(&bench, N1, "start", "fs").await, 0);
        assert_eq!(act(&bench, N2, "start", "db").await, 0);
        bench.fault("agent n1 db start hopeless");
        assert_eq!(act(&bench, N1, "start", "db").await, 5);
        bench.fault("agent n2 db stop fail 1");
        assert_eq!(act(&bench, N2, "stop", "db").await, 1);
        assert_eq!(bench.world.owners("db").len(), 1);
        bench.fault("agent n2 db monitor fail 1");
        assert_eq!(act(&bench, N2, "monitor", "db").await, 1);
        bench.fault("agent n2 db stop well");
        assert_eq!(act(&bench, N2, "stop", "db").await, 0);
        bench.fault("agent * db start fail-halfway 1");
        bench.fault("agent n1 db start well");
        assert_eq!(act(&bench, N3, "start", "db").await, 1);
        assert_eq!(bench.world.owners("db").len(), 1, "it failed, and runs all the same");
        act(&bench, N3, "stop", "db").await;
        assert_eq!(act(&bench, N1, "start", "db").await, 0, "one machine's word goes before that of all");
    });
}

#[test]
fn an_agent_can_be_slow() {
    with_world(1, config(), |bench| async move {
        bench.fault("agent n1 db stop slow 10");
        act(&bench, N1, "start", "db").await;
        let begun = now_ms();
        act(&bench, N1, "stop", "db").await;
        assert!((800..=6200).contains(&(now_ms() - begun)));
    });
}

#[test]
fn a_stop_that_hangs_leaves_the_resource_running() {
    with_world(1, config(), |bench| async move {
        bench.fault("agent n1 db stop hang");
        act(&bench, N1, "start", "db").await;
        let stopped = bench.on(N1, |env| async move { env.host.run(agent("stop", "db", 1000)).await }).await.unwrap();
        assert_eq!(stopped.ended, Ended::TimedOut);
        assert_eq!(bench.world.owners("db").len(), 1);
    });
}

#[test]
fn a_monitor_can_report_what_is_no_longer_true() {
    with_world(1, config(), |bench| async move {
        act(&bench, N1, "start", "db").await;
        bench.fault("agent n1 db monitor stale 5s");
        bench.fault("die n1 db");
        assert!(bench.world.owners("db").is_empty());
        assert_eq!(act(&bench, N1, "monitor", "db").await, 0);
        sleep(ms(5000)).await;
        assert_eq!(act(&bench, N1, "monitor", "db").await, 7);
        assert_eq!(bench.world.history().pop().unwrap().edge, Edge::Died);
    });
}

#[test]
fn a_resource_that_the_boot_starts_runs_before_the_daemon_does() {
    with_world(1, config(), |bench| async move {
        bench.fault("autostart n1 db unit");
        bench.fault("reset n1");
        sleep(ms(1050)).await;
        assert_eq!((bench.world.owners("db").len(), bench.world.daemon(N1)), (1, DaemonState::Down));
        bench.fault("autostart n1 db off");
        bench.fault("reset n1");
        sleep(ms(1200)).await;
        assert!(bench.world.owners("db").is_empty());
    });
}

fn migrate(target: &str) -> haven_env::Program {
    let mut program = agent("migrate_to", "guest", 20_000);
    program.env.insert("OCF_RESKEY_CRM_meta_migrate_target".into(), target.into());
    program
}

#[test]
fn a_guest_migrates_at_one_instant_and_its_source_can_die_before_or_after() {
    with_world(1, config(), |bench| async move {
        act(&bench, N1, "start", "guest").await;
        let done = bench.on(N1, |env| async move { env.host.run(migrate("n2")).await }).await.unwrap();
        assert_eq!(done.ended, Ended::Exited(0));
        assert_eq!(bench.world.owners("guest"), [(N2, bench.world.boot_id(N2).unwrap())]);
        assert_eq!(act(&bench, N2, "migrate_from", "guest").await, 0);
        assert!(bench.world.overlaps().is_empty());

        drop(bench.begin_on(N2, |env| async move { env.host.run(migrate("n3")).await }));
        sleep(ms(100)).await;
        bench.fault("kill-daemon n2 restart 100ms");
        sleep(ms(10_000)).await;
        assert_eq!(bench.world.owners("guest")[0].0, N3, "it goes on without the daemon that began it");

        drop(bench.begin_on(N3, |env| async move { env.host.run(migrate("n1")).await }));
        sleep(ms(100)).await;
        bench.fault("power-off n3");
        sleep(ms(10_000)).await;
        assert!(bench.world.owners("guest").is_empty());
    });
}

#[test]
fn a_guest_stays_when_its_target_is_not_reached() {
    with_world(1, config(), |bench| async move {
        act(&bench, N1, "start", "guest").await;
        bench.fault("cut n2>n1");
        let failed = bench.on(N1, |env| async move { env.host.run(migrate("n2")).await }).await.unwrap();
        assert_eq!(failed.ended, Ended::Exited(1));
        assert_eq!(bench.world.owners("guest")[0].0, N1);
    });
}
