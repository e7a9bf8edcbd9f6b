//! Strangers that claim addresses, and machines that defend theirs.

use haven_env::{Reply, Request};

use super::*;

const ADDRESS: &str = "10.0.0.99";

async fn ask(bench: &Bench, machine: Machine, request: Request) {
    let reply = bench.on(machine, |env| async move { env.host.request(request).await }).await;
    assert_eq!(reply, Some(Ok(Reply::Done)));
}

async fn announce(bench: &Bench, machine: Machine) {
    ask(bench, machine, Request::AddressAnnounce { interface: "eth0".into(), address: ADDRESS.into(), count: 1 }).await;
}

async fn add(bench: &Bench, machine: Machine) {
    let (interface, address) = ("eth0".to_owned(), format!("{ADDRESS}/24"));
    ask(bench, machine, Request::AddressAdd { interface, address, broadcast: None, latest: None, label: None }).await;
}

async fn remove(bench: &Bench, machine: Machine) {
    ask(bench, machine, Request::AddressRemove { interface: "eth0".into(), address: format!("{ADDRESS}/24") }).await;
}

/// How often the machine has announced the address so far.
fn announced(bench: &Bench, machine: Machine) -> usize {
    let by = |told: &&Announced| told.by == Announcer::Machine(machine);
    bench.world.announcements(ADDRESS).iter().filter(by).count()
}

#[test]
fn neighbours_send_to_whoever_announced_the_address_last() {
    with_world(1, config(), |bench| async move {
        assert_eq!(bench.world.reached(ADDRESS), None);
        add(&bench, N1).await;
        assert_eq!(bench.world.reached(ADDRESS), Some(N1), "who is asked for answers");
        bench.fault("claim 10.0.0.99 for 0s");
        assert_eq!(bench.world.reached(ADDRESS), None, "nobody defends what was never announced");
        announce(&bench, N1).await;
        assert_eq!(bench.world.reached(ADDRESS), Some(N1));
        remove(&bench, N1).await;
        assert_eq!(bench.world.reached(ADDRESS), None);
        add(&bench, N2).await;
        assert_eq!(bench.world.reached(ADDRESS), None, "they send to the first still");
        announce(&bench, N2).await;
        assert_eq!(bench.world.reached(ADDRESS), Some(N2));
    });
}

#[test]
fn an_address_is_defended_until_it_is_removed() {
    with_world(1, config(), |bench| async move {
        add(&bench, N1).await;
        announce(&bench, N1).await;
        bench.fault("claim 10.0.0.99 for 300ms");
        sleep(ms(1000)).await;
        assert_eq!((bench.world.reached(ADDRESS), announced(&bench, N1)), (Some(N1), 3));
        remove(&bench, N1).await;
        bench.fault("claim 10.0.0.99 for 300ms");
        sleep(ms(5000)).await;
        assert_eq!(announced(&bench, N1), 3);
    });
}

#[test]
fn a_daemon_that_does_not_run_defends_nothing_and_another_life_does_from_its_first_announcement_on() {
    with_world(1, config(), |bench| async move {
        add(&bench, N1).await;
        announce(&bench, N1).await;
        bench.fault("freeze-daemon n1");
        bench.fault("claim 10.0.0.99 for 300ms");
        sleep(ms(3000)).await;
        assert_eq!(bench.world.reached(ADDRESS), None);
        bench.fault("thaw-daemon n1");
        sleep(ms(1000)).await;
        assert_eq!(bench.world.reached(ADDRESS), Some(N1), "what it has missed waits for it");
        bench.fault("kill-daemon n1 restart 500ms");
        sleep(ms(2000)).await;
        bench.fault("claim 10.0.0.99 for 300ms");
        sleep(ms(3000)).await;
        assert_eq!(bench.world.reached(ADDRESS), None);
        announce(&bench, N1).await;
        bench.fault("claim 10.0.0.99 for 300ms");
        sleep(ms(1000)).await;
        assert_eq!(bench.world.reached(ADDRESS), Some(N1));
    });
}

#[test]
fn a_stranger_falls_silent_when_everything_is_healed() {
    with_world(1, config(), |bench| async move {
        add(&bench, N1).await;
        announce(&bench, N1).await;
        bench.fault("claim 10.0.0.99 for 1h");
        sleep(ms(3050)).await;
        bench.fault("heal-all");
        sleep(ms(600)).await;
        let before = bench.world.announcements(ADDRESS).len();
        sleep(ms(5000)).await;
        assert_eq!(bench.world.announcements(ADDRESS).len(), before);
        assert_eq!(bench.world.reached(ADDRESS), Some(N1));
    });
}

#[test]
fn two_owners_do_not_flood_the_network() {
    with_world(1, config(), |bench| async move {
        for machine in [N1, N2] {
            add(&bench, machine).await;
            announce(&bench, machine).await;
        }
        let before = bench.world.announcements(ADDRESS).len();
        sleep(ms(10_000)).await;
        let more = bench.world.announcements(ADDRESS).len() - before;
        assert!((10..=40).contains(&more), "{more} announcements in ten seconds");
    });
}
