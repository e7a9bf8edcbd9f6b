//! What is known of fence devices, and when it is forgotten.
//!
//! For: the fold alone.
//! Never: a leader or a clock.

use crate::bench::{Bench, node};
use crate::event::{DeviceTest, Event, PowerState, TestResult};
use crate::ids::{DeviceId, LogIndex};
use crate::spec::{HostMap, SpecEdit};
use crate::units::{LogTime, Millis};

#[test]
fn a_device_that_is_configured_anew_has_to_be_tested_again() {
    let mut bench = Bench::three();
    for name in ["a", "b", "c"] {
        bench.test_device(name, 400);
    }
    let device = DeviceId::new("bmc-c").unwrap();
    let hold = bench.state.timing.hold;
    let measured = bench.state.fencing.devices[&device].clone();
    assert_eq!((measured.staleness, bench.state.fencing.reads_apart(&device)), (Some(Millis(400)), Millis(409)));
    let SpecEdit::PutDevice(mut other) = crate::bench::bmc("c") else { unreachable!() };
    other.timeout = Some(Millis::secs(9));
    bench.edit(vec![SpecEdit::PutDevice(other.clone())]);
    assert_eq!(bench.state.fencing.devices[&device], measured, "the same device, asked otherwise");
    other.params.insert("ip".to_owned(), "10.0.0.99".to_owned());
    bench.edit(vec![SpecEdit::PutDevice(other)]);
    let status = &bench.state.fencing.devices[&device];
    assert_eq!((status.staleness, status.tests.is_empty()), (None, true));
    assert!(bench.state.timing.hold < hold && bench.state.fencing.reads_apart(&device) >= Millis::secs(3));
}

#[test]
fn only_a_device_that_has_switched_its_machine_in_a_test_is_trusted_again() {
    let mut status = crate::state::DeviceStatus { distrusted: Some(LogIndex(7)), ..Default::default() };
    let now = crate::state::Since { index: LogIndex(9), time: LogTime(9) };
    status.tested(&test("b", None), now);
    assert_eq!(status.distrusted, Some(LogIndex(7)));
    status.tested(&test("b", Some(Millis(100))), now);
    assert_eq!(status.distrusted, None);
}

#[test]
fn another_outlet_of_a_node_is_tested_again_and_the_others_stay_tested() {
    let mut bench = Bench::three();
    let strip = |outlet: &str| {
        let SpecEdit::PutDevice(mut device) = crate::bench::bmc("b") else { unreachable!() };
        let outlets = [("b", "1"), ("c", outlet)].map(|(name, outlet)| (node(name), vec![outlet.to_owned()]));
        device.hosts = HostMap::Outlets(outlets.into());
        SpecEdit::PutDevice(device)
    };
    bench.edit(vec![strip("2")]);
    for name in ["b", "c"] {
        bench.ok(Event::DeviceTested(test(name, Some(Millis(100)))));
    }
    bench.edit(vec![strip("3")]);
    let tests = &bench.state.fencing.devices[&DeviceId::new("bmc-b").unwrap()].tests;
    assert_eq!(tests.keys().collect::<Vec<_>>(), [&node("b")]);
}

#[test]
fn what_was_measured_of_a_device_that_is_configured_anew_meanwhile_does_not_count() {
    let mut bench = Bench::three();
    let bmc = DeviceId::new("bmc-b").unwrap();
    let begun_with = bench.state.spec.device_definition(&bmc, &node("b"));
    let measured = |definition| DeviceTest { definition: Some(definition), ..test("b", Some(Millis(200))) };
    let SpecEdit::PutDevice(mut other) = crate::bench::bmc("b") else { unreachable!() };
    other.params.insert("ip".to_owned(), "10.9.9.9".to_owned());
    bench.edit(vec![SpecEdit::PutDevice(other)]);
    let refused = bench.refused(Event::DeviceTested(measured(begun_with)));
    assert!(refused.contains("configured anew"), "{refused}");
    assert!(bench.state.fencing.reads_apart(&bmc) >= Millis::secs(3), "nothing is known of the new one");
    let defined = bench.state.spec.device_definition(&bmc, &node("b"));
    assert_ne!(defined, begun_with);
    bench.ok(Event::DeviceTested(measured(defined)));
    assert!(bench.state.fencing.reads_apart(&bmc) < Millis(1000));
}

/// `bmc-b` has told the power of a node, and has switched it if `staleness` was measured.
fn test(name: &str, staleness: Option<Millis>) -> DeviceTest {
    let result = TestResult::Passed(PowerState::On);
    let device = DeviceId::new("bmc-b").unwrap();
    DeviceTest { device, node: node(name), by: node("a"), result, off_time: staleness, staleness, definition: None }
}
