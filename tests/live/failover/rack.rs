//! The lab itself, without a cluster in it.

use std::time::{Duration, Instant};

use haven_tests::lab::{
    self, ADDRESS, Aboard, Bmc, Disk, ECHO_PORT, IPMI_PROGRAMS, IpmiBmc, Lab, Manner, PASSWORD, Power, Probe, Programs,
    USER, line, until,
};

fn programs() -> Programs {
    // Of haven, the lab itself uses only the fence program.
    Programs {
        haven: env!("CARGO_BIN_EXE_live-host-program").into(),
        aboard: Aboard::Echo(env!("CARGO_BIN_EXE_lab-program").into()),
        disk: Disk::Folder,
    }
}

fn take(lab: &Lab, machine: &str) {
    lab.run(machine, &["ip", "addr", "add", &format!("{ADDRESS}/24"), "dev", "eth0"]).unwrap();
}

#[test]
fn a_machine_of_the_lab_is_killed_and_another_answers_for_its_address() {
    if !lab::able(&[]) {
        return;
    }
    let lab = Lab::new(&["m1", "m2"], &programs()).unwrap();
    let boot = lab.run("m1", &["cat", "/proc/sys/kernel/random/boot_id"]).unwrap();
    assert_ne!(boot, lab.run("m2", &["cat", "/proc/sys/kernel/random/boot_id"]).unwrap());
    assert_eq!(lab.run("m1", &["hostname"]).unwrap(), "m1\n");
    take(&lab, "m1");
    let probe = Probe::start(lab.network(), ADDRESS, ECHO_PORT).unwrap();
    assert_eq!(probe.answers("", Duration::from_secs(10)).unwrap(), "m1");
    let killed: Instant = lab.with("m1", |machine| machine.crash().unwrap()).unwrap();
    take(&lab, "m2");
    // What an agent does by gratuitous ARP.
    line(&format!("ip -n {} neigh flush all", lab.network().client())).unwrap();
    assert_eq!(probe.answers("m1", Duration::from_secs(10)).unwrap(), "m2");
    let outage = probe.outage("m1", killed).unwrap();
    println!("outage {:?}, since the kill {:?}", outage.span, outage.since_kill);
    assert_eq!((outage.to.as_str(), probe.doubled()), ("m2", None));
    lab.with("m1", |machine| machine.boot().unwrap()).unwrap();
    assert_ne!(boot, lab.run("m1", &["cat", "/proc/sys/kernel/random/boot_id"]).unwrap());
}

fn ipmitool(lab: &Lab, bmc: &IpmiBmc, what: &str) -> String {
    let line = format!("ipmitool chassis power {what} -I lanplus -C 3 -H {} -U {USER} -P {PASSWORD}", bmc.address());
    lab.run("m2", &line.split(' ').collect::<Vec<_>>()).unwrap()
}

#[test]
fn a_bmc_of_the_lab_switches_a_machine_off_and_lies_when_it_is_told_to() {
    if !lab::able(&IPMI_PROGRAMS) {
        return;
    }
    let lab = Lab::new(&["m1", "m2"], &programs()).unwrap();
    let switch = Bmc::new(&lab, env!("CARGO_BIN_EXE_live-host-program")).unwrap();
    let bmc = IpmiBmc::new(&lab, &switch, &programs(), "m1", 111).unwrap();
    assert_eq!(ipmitool(&lab, &bmc, "status"), "Chassis Power is on\n");
    switch.be(Manner::Lies);
    ipmitool(&lab, &bmc, "off");
    assert_eq!(lab.with("m1", |machine| machine.power()).unwrap(), Power::On);
    switch.be(Manner::Works);
    ipmitool(&lab, &bmc, "off");
    until("m1 is off", Duration::from_secs(5), || {
        Ok((lab.with("m1", |machine| machine.power())? == Power::Off).then_some(()))
    })
    .unwrap();
    assert_eq!(ipmitool(&lab, &bmc, "status"), "Chassis Power is off\n");
    assert!(lab.run("m1", &["true"]).is_err());
}
