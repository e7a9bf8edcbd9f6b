//! Lines that change nothing, come twice, or say too much: each gets a word.

use expect_test::expect;

use super::*;

#[test]
fn every_line_is_named() {
    // A line of each directive, with every value that it may have.
    for name in directives::names() {
        let mut read = 0;
        for value in ["1 2 3 4 5", "1", "on", "off", "none", "legacy", "10.0.0.1", "m1", "m1 m2"] {
            let text = format!("stonith x y\n{name} {value}\n");
            let named = said(&text, Severity::Note).iter().any(|said| said.starts_with("2:"));
            assert!(named, "{name} {value}");
            read += usize::from(!said(&text, Severity::Error).iter().any(|said| said.starts_with("2:")));
        }
        assert!(read > 0, "{name}");
    }
}

#[test]
fn lines_that_change_nothing_are_named_too() {
    check(
        "node m1 m2\nnode m1\nping 10.0.0.254\nping6 fe80::1\ndeadping 30\ncrm no\nautojoin none\n\
         auto_failback off\nstonith x y\n",
        expect![[r#"
            ha.cf:1:1: note: node: m1, m2 are members of this cluster
             1 | node m1 m2
               | ^^^^
            ha.cf:2:1: note: node: m1 is a member of this cluster
             2 | node m1
               | ^^^^
            ha.cf:3:1: note: ping: kept in ping-nodes, but nothing watches them in this version
             3 | ping 10.0.0.254
               | ^^^^
            ha.cf:4:1: note: ping6: kept in ping-nodes, but nothing watches them in this version
             4 | ping6 fe80::1
               | ^^^^^
            ha.cf:5:1: note: deadping: not kept, since nothing watches the ping nodes in this version
             5 | deadping 30
               | ^^^^^^^^
            ha.cf:6:1: note: crm is off, so it is `haresources` that says what runs
             6 | crm no
               | ^^^
            ha.cf:7:1: note: autojoin: nodes join haven with a token only
             7 | autojoin none
               | ^^^^^^^^
            ha.cf:8:1: note: auto_failback off: groups stay where they are when their node returns
             8 | auto_failback off
               | ^^^^^^^^^^^^^
            ha.cf:9:9: warning: `x`: fence devices are not imported, because each must be tested first
             9 | stonith x y
               |         ^
               remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
            ping-nodes=10.0.0.254 fe80::1
        "#]],
    );
}

#[test]
fn of_the_two_names_of_failback_the_last_line_counts() {
    check(
        "nice_failback on\nauto_failback legacy\nstonith x y\n",
        expect![[r#"
        ha.cf:1:1: warning: nice_failback is set again by auto_failback on line 2, which is the one that counts
         1 | nice_failback on
           | ^^^^^^^^^^^^^
           remedy: remove one of them
        ha.cf:2:1: note: auto_failback legacy, heartbeat's old way to bring resources home: groups go back to their node when it returns
         2 | auto_failback legacy
           | ^^^^^^^^^^^^^
        ha.cf:3:9: warning: `x`: fence devices are not imported, because each must be tested first
         3 | stonith x y
           |         ^
           remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
    "#]],
    );
    check(
        "auto_failback on\nnice_failback on\nstonith x y\n",
        expect![[r#"
        ha.cf:1:1: warning: auto_failback is set again by nice_failback on line 2, which is the one that counts
         1 | auto_failback on
           | ^^^^^^^^^^^^^
           remedy: remove one of them
        ha.cf:2:1: note: nice_failback on, the old question: on means that resources stay: groups stay where they are when their node returns
         2 | nice_failback on
           | ^^^^^^^^^^^^^
           remedy: write `auto_failback off` or `auto_failback on`
        ha.cf:3:9: warning: `x`: fence devices are not imported, because each must be tested first
         3 | stonith x y
           |         ^
           remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
    "#]],
    );
}

#[test]
fn a_word_behind_the_one_value_is_an_error() {
    check(
        "deadtime 1 min\nauto_failback on off\nuse_logd yes please\nudpport 694 695\nbaud 9600 8n1\nnode m1 m2\n\
         stonith x y\n",
        expect![[r#"
            ha.cf:1:12: error: deadtime has one value, and `min` is a second one
             1 | deadtime 1 min
               |            ^^^
               remedy: write the time as one word, such as 2, 1.7 or 1500ms
            ha.cf:2:18: error: auto_failback has one value, and `off` is a second one
             2 | auto_failback on off
               |                  ^^^
               remedy: remove what stands behind the first value
            ha.cf:3:14: error: use_logd has one value, and `please` is a second one
             3 | use_logd yes please
               |              ^^^^^^
               remedy: remove what stands behind the first value
            ha.cf:4:13: error: udpport has one value, and `695` is a second one
             4 | udpport 694 695
               |             ^^^
               remedy: remove what stands behind the first value
            ha.cf:5:11: error: baud has one value, and `8n1` is a second one
             5 | baud 9600 8n1
               |           ^^^
               remedy: remove what stands behind the first value
            ha.cf:6:1: note: node: m1, m2 are members of this cluster
             6 | node m1 m2
               | ^^^^
            ha.cf:7:9: warning: `x`: fence devices are not imported, because each must be tested first
             7 | stonith x y
               |         ^
               remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
        "#]],
    );
}
