//! Requests: units, addresses, files; and secrets.

use haven_core::spec::SecretRef;
use haven_env::{HostError, JobQueued, Reply, Request, Secret, UnitState, UnitVerb};

use super::*;

async fn ask(bench: &Bench, machine: Machine, request: Request) -> Result<Reply, HostError> {
    bench.on(machine, |env| async move { env.host.request(request).await }).await.unwrap()
}

async fn unit(bench: &Bench, verb: UnitVerb) -> Result<UnitState, HostError> {
    let request = Request::Unit { verb, unit: "db.service".into(), deadline: Millis(2000), latest: None };
    let reply = ask(bench, N1, request).await?;
    let Reply::Unit(state) = reply else { panic!("{reply:?}") };
    Ok(state)
}

#[test]
fn a_unit_starts_and_stops_the_resource_of_its_name() {
    with_world(1, config(), |bench| async move {
        let started = unit(&bench, UnitVerb::Start).await.unwrap();
        assert_eq!((started.active.as_str(), started.job_result.as_str()), ("active", "done"));
        assert_eq!(bench.world.owners("db").len(), 1);
        let stopped = unit(&bench, UnitVerb::Stop).await.unwrap();
        assert_eq!((stopped.active.as_str(), stopped.job_result.as_str()), ("inactive", "done"));
        bench.fault("agent n1 db start fail 1");
        let failed = unit(&bench, UnitVerb::Start).await.unwrap();
        assert_eq!((failed.active.as_str(), failed.job_result.as_str()), ("inactive", "failed"));
    });
}

#[test]
fn a_queued_job_outlives_its_deadline_and_the_daemon() {
    with_world(1, config(), |bench| async move {
        bench.fault("agent n1 db start stuck 30s");
        assert!(matches!(unit(&bench, UnitVerb::Start).await, Err(HostError::TimedOut(_))));
        bench.fault("kill-daemon n1 restart 100ms");
        sleep(ms(200)).await;
        assert_eq!(bench.env(N1).host.groups(), Ok(vec![]), "no cgroup shows it [H-25]");
        let state = unit(&bench, UnitVerb::Status).await.unwrap();
        assert_eq!((state.active.as_str(), state.job_queued), ("inactive", JobQueued::Yes));
        sleep(ms(30_000)).await;
        let state = unit(&bench, UnitVerb::Status).await.unwrap();
        assert_eq!((state.active.as_str(), state.job_queued), ("active", JobQueued::No));
    });
}

#[test]
fn a_stop_takes_the_place_of_a_start_that_is_under_way() {
    with_world(1, config(), |bench| async move {
        bench.fault("agent n1 db start stuck 1s");
        assert!(unit(&bench, UnitVerb::Start).await.is_ok(), "within the deadline it would be done");
        assert_eq!(unit(&bench, UnitVerb::Stop).await.unwrap().active, "inactive");
        bench.fault("agent n1 db start stuck 30s");
        let both = futures_util::future::join(unit(&bench, UnitVerb::Start), async {
            sleep(ms(500)).await;
            unit(&bench, UnitVerb::Stop).await
        });
        let (start, stop) = both.await;
        assert_eq!(start.unwrap().job_result, "canceled");
        assert_eq!(stop.unwrap().active, "inactive");
        sleep(ms(30_000)).await;
        assert!(bench.world.owners("db").is_empty(), "what was taken back does not go on");
    });
}

#[test]
fn what_is_asked_for_too_late_is_not_done() {
    with_world(1, config(), |bench| async move {
        sleep(ms(100)).await;
        let latest = Some(haven_core::units::Monotonic::from_micros(1));
        let start = Request::Unit { verb: UnitVerb::Start, unit: "db.service".into(), deadline: Millis(2000), latest };
        assert_eq!(ask(&bench, N1, start).await, Err(HostError::TooLate));
        assert!(bench.world.owners("db").is_empty());
    });
}

#[test]
fn an_audit_finds_what_the_boot_starts() {
    with_world(1, config(), |bench| async move {
        let read = async |bench: &Bench| {
            let file = ask(bench, N1, Request::ReadFile { path: "/etc/fstab".into() }).await.unwrap();
            let folder =
                ask(bench, N1, Request::ReadFolder { path: "/etc/libvirt/qemu/autostart".into() }).await.unwrap();
            let Reply::Bytes(file) = file else { panic!() };
            let enabled = unit(bench, UnitVerb::IsEnabled).await.unwrap().enabled;
            (enabled, String::from_utf8(file).unwrap().contains("/srv/fs"), folder)
        };
        assert_eq!(read(&bench).await, ("disabled".to_owned(), false, Reply::Names(vec![])));
        bench.fault("autostart n1 db unit");
        bench.fault("autostart n1 fs fstab");
        bench.fault("autostart n1 vm101 libvirt");
        assert_eq!(read(&bench).await, ("enabled".to_owned(), true, Reply::Names(vec!["vm101.xml".to_owned()])));
        assert!(bench.world.running(N1).is_empty(), "only a boot starts them [H-28]");
        bench.fault("reset n1");
        sleep(ms(1200)).await;
        let running: Vec<String> = bench.world.running(N1).into_iter().map(|(name, _)| name).collect();
        assert_eq!(running, ["db", "fs", "vm101"]);
    });
}

#[test]
fn files_are_read_and_folders_listed() {
    with_world(1, config(), |bench| async move {
        bench.world.put_file(N1, "/etc/ha.d/haresources", "m1 ip::10.0.0.1\n");
        bench.world.put_file(N1, "/etc/ha.d/resource.d/apache", "");
        let file = |path: &str| Request::ReadFile { path: path.into() };
        assert_eq!(
            ask(&bench, N1, file("/etc/ha.d/haresources")).await,
            Ok(Reply::Bytes(b"m1 ip::10.0.0.1\n".to_vec()))
        );
        assert!(matches!(ask(&bench, N2, file("/etc/ha.d/haresources")).await, Err(HostError::NotFound(_))));
        let names = Reply::Names(vec!["haresources".into(), "resource.d".into()]);
        assert_eq!(ask(&bench, N1, Request::ReadFolder { path: "/etc/ha.d".into() }).await, Ok(names));
        let uuid = ask(&bench, N1, file("/sys/class/dmi/id/product_uuid")).await;
        assert_eq!(uuid, Ok(Reply::Bytes(format!("{}\n", bench.world.product_uuid(N1).unwrap()).into_bytes())));
        assert_ne!(bench.world.product_uuid(N1), bench.world.product_uuid(N2));
    });
}

#[test]
fn addresses_are_owned_probed_and_gone_with_the_boot() {
    with_world(1, config(), |bench| async move {
        let add = |address: &str| Request::AddressAdd {
            interface: "eth0".into(),
            address: address.into(),
            broadcast: None,
            latest: None,
            label: None,
        };
        let remove = Request::AddressRemove { interface: "eth0".into(), address: "10.0.0.99/24".into() };
        let probe = Request::AddressProbe { interface: "eth0".into(), address: "10.0.0.99".into(), wait: Millis(500) };
        let listed = async |bench: &Bench| match ask(bench, N1, Request::Addresses).await {
            Ok(Reply::Addresses(pairs)) => pairs.into_iter().map(|(on, address)| format!("{on} {address}")).collect(),
            other => vec![format!("{other:?}")],
        };
        let own = ["eth0 10.0.0.1/24", "eth1 10.1.0.1/24"];
        assert_eq!(listed(&bench).await, own);
        assert_eq!(ask(&bench, N1, add("10.0.0.99/24")).await, Ok(Reply::Done));
        assert_eq!(listed(&bench).await, ["eth0 10.0.0.1/24", "eth0 10.0.0.99/24", "eth1 10.1.0.1/24"]);
        assert!(matches!(ask(&bench, N2, probe.clone()).await, Ok(Reply::Conflict(_))));
        bench.fault("cut n1-n2");
        assert_eq!(ask(&bench, N2, probe.clone()).await, Ok(Reply::NoConflict));
        ask(&bench, N2, add("10.0.0.99/24")).await.unwrap();
        assert_eq!(bench.world.overlaps()[0].resource, "10.0.0.99");
        assert_eq!(ask(&bench, N2, remove).await, Ok(Reply::Done));
        assert_eq!(bench.world.owners("10.0.0.99").len(), 1);
        bench.fault("reset n1");
        sleep(ms(1200)).await;
        assert_eq!(listed(&bench).await, own);
        assert!(bench.world.owners("10.0.0.99").is_empty());
    });
}

#[test]
fn the_interface_of_an_address_is_that_of_its_network() {
    with_world(1, config(), |bench| async move {
        let ask_for = |address: &str| Request::InterfaceFor { address: address.into() };
        assert_eq!(ask(&bench, N2, ask_for("10.1.0.200")).await, Ok(Reply::Interface("eth1".into())));
        assert!(matches!(ask(&bench, N2, ask_for("192.168.0.1")).await, Err(HostError::NotFound(_))));
    });
}

#[test]
fn secrets_are_found_where_they_were_put() {
    with_world(1, config(), |bench| async move {
        let (all, own) =
            (SecretRef::parse("file:/etc/haven/ilo").unwrap(), SecretRef::parse("credential:ilo").unwrap());
        bench.world.put_secret(None, &all, Secret::new("everywhere"));
        bench.world.put_secret(Some(N1), &own, Secret::new("here"));
        let get = |machine, place| bench.env(machine).secrets.get(place).map(|secret| secret.reveal().to_vec());
        assert_eq!(get(N2, &all), Ok(b"everywhere".to_vec()));
        assert_eq!(get(N1, &own), Ok(b"here".to_vec()));
        assert!(get(N2, &own).is_err());
    });
}
