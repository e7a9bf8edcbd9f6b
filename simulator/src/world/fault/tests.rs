//! Faults as text.

use super::*;

/// One line of every kind, as it is printed.
const LINES: &[&str] = &[
    "cut n1>n2",
    "cut n1-n2 link 0",
    "cut *>n1 datagrams",
    "cut n1-* link 1 calls",
    "cut rack-a1<>rack-b1 large",
    "heal n1>n2 link 1",
    "heal *-*",
    "heal-links",
    "partition n1 n2 / n3",
    "partition n1 / n2 / n3 n4",
    "path n1>n2 delay 100us..5ms",
    "path *-* link 0 jitter 50 20ms",
    "path n1-n2 loss 30",
    "path n1-n2 duplicates 5",
    "path n1-n2 reorder 10",
    "path n1-n2 bandwidth 64000",
    "path n1-n2 bandwidth unlimited",
    "power-on n1",
    "power-off n1",
    "reset n1",
    "pull-plug n1",
    "restore-plug n1",
    "stays-off n1",
    "starts-again n1",
    "crash n1",
    "crash n1 reboot 5s",
    "kill-daemon n1",
    "kill-daemon n1 restart 500ms",
    "start-daemon n1",
    "freeze-daemon n1",
    "freeze-daemon n1 mid-feed",
    "freeze-daemon n1 before fence_sim",
    "thaw-daemon n1",
    "freeze-programs n1",
    "thaw-programs n1",
    "stand-still n1",
    "go-on n1",
    "clock-rate n1 -5000",
    "wall-clock n1 +1h",
    "wall-clock n1 -1.5s",
    "agent n2 db start fail 1",
    "agent n2 db start fail-halfway 1",
    "agent * web:0 stop hang",
    "agent n2 db promote stuck 30s",
    "agent n2 db demote slow 10",
    "agent n2 db monitor stale 3s",
    "agent n2 guest migrate well",
    "die n2 db",
    "autostart n1 db unit",
    "autostart n1 db fstab",
    "autostart n1 db libvirt",
    "autostart n1 db off",
    "device bmc-n1 well",
    "device bmc-n1 unreachable",
    "device bmc-n1 unreachable from n2",
    "device bmc-n1 refuses",
    "device bmc-n1 denies",
    "device bmc-n1 lies",
    "device bmc-n1 early 3s",
    "device bmc-n1 late 3s",
    "device bmc-n1 slow 10s",
    "device bmc-n1 latency 2s",
    "device pdu auto-on 5s",
    "device bmc-n1 wired n2",
    "device pdu wired 3 n2",
    "claim 10.0.0.100 for 300ms",
    "claim fd00::100 for 2s",
    "disk n1 tear after 7 writes",
    "heal-all",
];

#[test]
fn every_line_comes_back_as_itself() {
    for line in LINES {
        let fault: Fault = line.parse().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(fault.to_string(), *line);
    }
}

#[test]
fn short_and_long_forms_mean_the_same() {
    for (short, long) in [
        ("bmc n1 unreachable", "device bmc-n1 unreachable"),
        ("agent n2 db start hopeless", "agent n2 db start fail 5"),
        ("cut n1<>n2", "cut n1-n2"),
        ("  path   n1-n2  delay 2ms ", "path n1-n2 delay 2ms..2ms"),
        ("wall-clock n1 3600s", "wall-clock n1 +1h"),
    ] {
        assert_eq!(short.parse::<Fault>().unwrap().to_string(), long);
    }
}

#[test]
fn what_cannot_be_understood_is_refused_with_the_reason() {
    for (line, why) in [
        ("", "a fault is missing"),
        ("explode n1", "there is no fault `explode`"),
        ("reset", "a machine is missing"),
        ("reset n1 n2", "`n2` is too much"),
        ("reset a/b", "name `a/b` is not allowed"),
        ("cut n1", "no pair of machines"),
        ("cut rack-a1-rack-b1", "no pair of machines"),
        ("cut n1>n2 link", "the number of a link is missing"),
        ("cut n1>n2 everything", "cannot be cut"),
        ("partition n1 n2", "at least two sides"),
        ("partition n1 /", "at least two sides"),
        ("freeze-daemon n1 before", "a word of a program's path is missing"),
        ("path n1>n2 colour 3", "paths have no `colour`"),
        ("path n1>n2 loss much", "`much` is no number"),
        ("agent n1 db dance hang", "no action `dance`"),
        ("agent n1 db start stale 3s", "no ailment `stale`"),
        ("agent n1 db start stuck soon", "`soon` is no time"),
        ("autostart n1 db magic", "`magic` starts nothing"),
        ("device bmc-n1 angry", "no ailment `angry`"),
        ("claim vip for 1s", "`vip` is no address"),
        ("claim 10.0.0.100", "`for` and a time are missing"),
        ("wall-clock n1 later", "`later` is no time"),
    ] {
        let error = line.parse::<Fault>().unwrap_err();
        assert!(error.why.contains(why), "{line}: {error}");
    }
}
