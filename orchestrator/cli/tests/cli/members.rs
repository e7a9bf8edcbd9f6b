//! Machines that rest, leave, come back and help to vote, by the commands that a person types.

use crate::console::Machines;

fn state(machines: &Machines, name: &str) -> String {
    let nodes = machines.json("m1$ haven nodes");
    let row = nodes.as_array().into_iter().flatten().find(|row| row["node"] == name).cloned().unwrap_or_default();
    row["state"].as_str().unwrap_or("gone").to_owned()
}

#[test]
fn machines_rest_leave_and_return() {
    let mut machines = Machines::cluster();
    // A pause ends the daemon and leaves what runs alone.
    let said = machines.run("m1$ haven node pause m2");
    assert!(said.code == 1 && said.err.contains("HV-CLI-05"), "{said:?}");
    machines.does("m2$ haven node pause --for 2m --plan");
    machines.does("m2$ haven node pause m2 --for 2m --upgrade");
    assert_eq!(state(&machines, "m2"), "paused");
    assert!(machines.run("m1$ haven resource list").out.contains("web       started  m2"));
    machines.does("m2$ systemctl start haven");
    assert_eq!(state(&machines, "m2"), "online");
    // A stop moves everything away first.
    machines.does("m2$ haven node stop");
    assert_eq!(state(&machines, "m2"), "stopped");
    assert!(!machines.run("m1$ haven resource list").out.contains("m2"));
    machines.does("m2$ systemctl start haven");
    machines.until("web is back, since it prefers m2", || {
        machines.run("m1$ haven resource list").out.contains("web       started  m2")
    });
    machines.does("m1$ haven node standby m2 --no-wait");
    machines.calm();
    assert_eq!(state(&machines, "m2"), "standby");
    machines.does("m3$ haven node online m2 --timeout 1m");
    // Out for good; the machine is no member then.
    machines.does("m1$ haven node drain m3");
    machines.does("m1$ haven node remove m3 --plan --yes");
    machines.does("m1$ haven node remove m3 --yes");
    assert_eq!(state(&machines, "m3"), "gone");
    machines.rack.kill("m3");
    let said = machines.run("m3$ haven reset");
    assert_eq!(said.code, 64, "{said:?}");
    machines.does("m3$ haven reset --yes");
    machines.does("m1$ haven token create --for 10m");
    let said = machines.run("m4$ haven join TOKEN --witness --node m4 --advertise 10.0.0.4");
    assert!(said.code != 0 && said.err.contains("HV-JOIN-05"), "a token for a full member: {said:?}");
    machines.does("m1$ haven token create --witness --for 10m");
    machines.does("m4$ haven join TOKEN --witness --node m4 --advertise 10.0.0.4");
    machines.does("m4$ systemctl enable --now haven");
    let nodes = machines.json("m1$ haven nodes");
    let roles: Vec<_> = nodes.as_array().unwrap().iter().map(|row| row["role"].as_str().unwrap().to_owned()).collect();
    assert!(roles.contains(&"witness".to_owned()), "{roles:?}");
}
