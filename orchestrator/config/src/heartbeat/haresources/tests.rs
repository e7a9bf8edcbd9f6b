//! The grammar and its traps. Each trap was measured with heartbeat 3.0.6's own program.

use expect_test::{Expect, expect};

use super::*;
use crate::diagnostic::render;

/// Parses `text`; compares the diagnostics, and then the lines as `node: resource | resource`.
#[track_caller]
fn check(text: &str, want: Expect) {
    let source = Source::of_text("haresources", text);
    let (file, diagnostics) = parse(&source);
    let mut shown = render(&source, &diagnostics);
    for line in &file.lines {
        let resources: Vec<&str> = line.resources.iter().map(|word| word.text.as_str()).collect();
        shown.push_str(&format!("{}: {}\n", line.node.text, resources.join(" | ")));
    }
    want.assert_eq(&shown);
}

#[test]
fn the_line_that_everybody_has_is_read() {
    check(
        "m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz\n",
        expect![[r#"
        m1.mydomain.com: drbddisk | Filesystem::/dev/drbd0::/d0::ext3 | vz
    "#]],
    );
}

#[test]
fn tabs_blank_lines_and_comments_are_as_they_look() {
    check(
        "# groups\n\n\t m1\t\t10.0.0.1  httpd\t# the web\n   # m2 vz\nm2 vz",
        expect![[r#"
        m1: 10.0.0.1 | httpd
        m2: vz
    "#]],
    );
}

#[test]
fn trap_1_a_comment_begins_inside_a_word() {
    check(
        "m1 httpd#x vz\n",
        expect![[r#"
        haresources:1:9: warning: `#` begins a comment inside a word, too: the word ends before it
         1 | m1 httpd#x vz
           |         ^
           remedy: put a blank before the comment
        m1: httpd
    "#]],
    );
}

#[test]
fn trap_1_a_comment_behind_a_backslash_ends_the_line() {
    check(
        "m1 10.0.0.1 \\ # the address\n   httpd\n",
        expect![[r#"
        haresources:1:13: error: `\` is not the last character, so the line does not continue: heartbeat would read a resource called `\`
         1 | m1 10.0.0.1 \ # the address
           |             ^
           remedy: end the line with `\`, and put comments on lines of their own
        haresources:2:4: warning: `httpd` has no resources, so this line does nothing
         2 |    httpd
           |    ^^^^^
           remedy: name resources, or remove the line
        m1: 10.0.0.1 | \
        httpd: 
    "#]],
    );
}

#[test]
fn trap_1_a_comment_directly_behind_a_backslash_is_cut_and_the_line_goes_on() {
    check(
        "m1 10.0.0.1 \\# the address\n   httpd\n",
        expect![[r#"
        haresources:1:14: note: the comment is cut before lines are joined, so this line continues on the next
         1 | m1 10.0.0.1 \# the address
           |              ^
        m1: 10.0.0.1 | httpd
    "#]],
    );
}

#[test]
fn trap_1_a_comment_on_a_continued_line_becomes_resources() {
    check(
        "m1 10.0.0.1 \\\n   httpd # the web\nm2 vz\n",
        expect![[r#"
        haresources:2:10: error: this line continues the one above, and there `#` is no comment: heartbeat would start `#` and every word behind it as resources
         2 |    httpd # the web
           |          ^
           remedy: put the comment on a line of its own above the resources
        m1: 10.0.0.1 | httpd | # | the | web
        m2: vz
    "#]],
    );
    check(
        "m1 10.0.0.1 \\\n # the web\\\n httpd\n",
        expect![[r#"
        haresources:2:2: error: this line continues the one above, and there `#` is no comment: heartbeat would start `#` and every word behind it as resources
         2 |  # the web\
           |  ^
           remedy: put the comment on a line of its own above the resources
        m1: 10.0.0.1 | # | the | web | httpd
    "#]],
    );
}

#[test]
fn trap_2_a_backslash_with_blanks_behind_it_ends_the_line() {
    check(
        "m1 10.0.0.1 \\  \n   httpd\n",
        expect![[r#"
        haresources:1:13: error: `\` is not the last character, so the line does not continue: heartbeat would read a resource called `\`
         1 | m1 10.0.0.1 \
           |             ^
           remedy: end the line with `\`, and put comments on lines of their own
        haresources:2:4: warning: `httpd` has no resources, so this line does nothing
         2 |    httpd
           |    ^^^^^
           remedy: name resources, or remove the line
        m1: 10.0.0.1 | \
        httpd: 
    "#]],
    );
    check(
        "m1 10.0.0.1\\\t\nm2 httpd\n",
        expect![[r#"
        haresources:1:12: error: `\` is not the last character, so the line does not continue: heartbeat would take it as part of the last word
         1 | m1 10.0.0.1\
           |            ^
           remedy: end the line with `\`, and put comments on lines of their own
        m1: 10.0.0.1\
        m2: httpd
    "#]],
    );
}

#[test]
fn trap_2_a_backslash_at_the_end_of_the_file_is_a_resource() {
    check(
        "m1 10.0.0.1 \\\n",
        expect![[r#"
        haresources:1:13: error: the file ends here, and `\` has no line to continue on: heartbeat would read a resource called `\`
         1 | m1 10.0.0.1 \
           |             ^
           remedy: remove the `\`
        m1: 10.0.0.1 | \
    "#]],
    );
    check(
        "m1 10.0.0.1 \\",
        expect![[r#"
        haresources:1:13: error: the file ends here, and `\` has no line to continue on: heartbeat would read a resource called `\`
         1 | m1 10.0.0.1 \
           |             ^
           remedy: remove the `\`
        m1: 10.0.0.1 | \
    "#]],
    );
}

#[test]
fn trap_2_joined_lines_are_joined_without_a_blank() {
    check(
        "m1 10.0.0.1 ht\\\ntpd\\\n  vz\n",
        expect![[r#"
        haresources:2:1: warning: this is joined to the last word of the line above, with no blank between
         2 | tpd\
           | ^
           remedy: put a blank before `\`, or at the beginning of this line
        m1: 10.0.0.1 | httpd | vz
    "#]],
    );
}

#[test]
fn a_line_is_continued_over_several_lines_and_a_blank_one() {
    check(
        "m1 \\\n10.0.0.1 \\\n\\\n\\\n\thttpd\nm2 vz \\\n\nm3 x\n",
        expect![[r#"
        m1: 10.0.0.1 | httpd
        m2: vz
        m3: x
    "#]],
    );
}

#[test]
fn trap_3_there_are_no_quotes() {
    check(
        "m1 MailTo::root::\"It moved\" 'vz'\n",
        expect![[r#"
        haresources:1:18: error: there are no quotes in `haresources`: the quote is part of the word, and a blank always ends it
         1 | m1 MailTo::root::"It moved" 'vz'
           |                  ^
           remedy: remove the quotes; what needs a blank must be done by a script without arguments
        haresources:1:27: error: there are no quotes in `haresources`: the quote is part of the word, and a blank always ends it
         1 | m1 MailTo::root::"It moved" 'vz'
           |                           ^
           remedy: remove the quotes; what needs a blank must be done by a script without arguments
        haresources:1:29: error: there are no quotes in `haresources`: the quote is part of the word, and a blank always ends it
         1 | m1 MailTo::root::"It moved" 'vz'
           |                             ^
           remedy: remove the quotes; what needs a blank must be done by a script without arguments
        m1: MailTo::root::"It | moved" | 'vz'
    "#]],
    );
}

#[test]
fn a_backslash_inside_a_word_is_an_error() {
    check(
        "m1 a\\tb\n",
        expect![[r#"
        haresources:1:5: error: `\` stands inside a word, where heartbeat's shell may change it
         1 | m1 a\tb
           |     ^
           remedy: remove it; only at the end of a line it has a meaning
        m1: a\tb
    "#]],
    );
}

#[test]
fn trap_4_single_colons_do_not_split() {
    check(
        "m1 LinuxSCSI:0:0:11 LinuxSCSI::0:0:11\n",
        expect![[r#"
        haresources:1:13: error: heartbeat splits at `::` only, so this is a script called `LinuxSCSI:0:0:11`
         1 | m1 LinuxSCSI:0:0:11 LinuxSCSI::0:0:11
           |             ^
           remedy: write `LinuxSCSI::0:0:11`
        m1: LinuxSCSI:0:0:11 | LinuxSCSI::0:0:11
    "#]],
    );
    check(
        "m1 LinuxSCSI:0::0\n",
        expect![[r#"
        haresources:1:13: error: heartbeat splits at `::` only, so this is a script called `LinuxSCSI:0`
         1 | m1 LinuxSCSI:0::0
           |             ^
           remedy: write `LinuxSCSI::0::0`
        m1: LinuxSCSI:0::0
    "#]],
    );
}

#[test]
fn trap_4_an_ipv6_address_is_torn() {
    check(
        "m1 IPv6addr::fe80::1/64 IPaddr2::2001:db8::5\n",
        expect![[r#"
        haresources:1:4: error: heartbeat splits every word at `::`, which tears this IPv6 address: IPv6addr would get the arguments `fe80 1/64`
         1 | m1 IPv6addr::fe80::1/64 IPaddr2::2001:db8::5
           |    ^^^^^^^^^^^^^^^^^^^^
           remedy: write `IPv6addr::fe80:0:0:0:0:0:0:1/64`
        haresources:1:25: error: heartbeat splits every word at `::`, which tears this IPv6 address: IPaddr2 would get the arguments `2001:db8 5`
         1 | m1 IPv6addr::fe80::1/64 IPaddr2::2001:db8::5
           |                         ^^^^^^^^^^^^^^^^^^^^
           remedy: write `IPv6addr::2001:db8:0:0:0:0:0:5`
        m1: IPv6addr::fe80::1/64 | IPaddr2::2001:db8::5
    "#]],
    );
    check(
        "m1 fe80::1 2001:db8:0:0:0:0:0:1/64/eth0\n",
        expect![[r#"
        haresources:1:4: error: heartbeat splits every word at `::`: it would run a script `fe80` with the arguments `1`
         1 | m1 fe80::1 2001:db8:0:0:0:0:0:1/64/eth0
           |    ^^^^^^^
           remedy: write `IPv6addr::fe80:0:0:0:0:0:0:1`
        haresources:1:12: error: heartbeat takes an IPv6 address that stands alone for a script of that name: `2001:db8:0:0:0:0:0:1/64/eth0`
         1 | m1 fe80::1 2001:db8:0:0:0:0:0:1/64/eth0
           |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           remedy: write `IPv6addr::2001:db8:0:0:0:0:0:1/64/eth0`
        m1: fe80::1 | 2001:db8:0:0:0:0:0:1/64/eth0
    "#]],
    );
    check(
        "m1 IPv6addr::fe80:0:0:0:0:0:0:1/64 db2::dba Delay::5::5\n",
        expect![[r#"
        m1: IPv6addr::fe80:0:0:0:0:0:0:1/64 | db2::dba | Delay::5::5
    "#]],
    );
}

#[test]
fn trap_6_the_first_resource_names_the_group_and_must_be_unique() {
    check(
        "m1 10.0.0.1 httpd\nm2 10.0.0.1 vz\n",
        expect![[r#"
        haresources:2:4: error: `10.0.0.1` is also the first resource of line 1, and the first resource names the group, so it must be unique
         2 | m2 10.0.0.1 vz
           |    ^^^^^^^^
           remedy: put another resource of this line first
        m1: 10.0.0.1 | httpd
        m2: 10.0.0.1 | vz
    "#]],
    );
    check(
        "m1 MailTo::root httpd\nm2 vz MailTo::root\n",
        expect![[r#"
        haresources:2:7: warning: `MailTo::root` is the first resource of line 1: heartbeat would take both lines together; haven keeps them apart
         2 | m2 vz MailTo::root
           |       ^^^^^^^^^^^^
        m1: MailTo::root | httpd
        m2: vz | MailTo::root
    "#]],
    );
}

#[test]
fn trap_6_a_dot_in_the_key_stands_for_any_character() {
    check(
        "m1 10.0.0.1\nm2 vz 10.010.1 1000.0.1\n",
        expect![[r#"
            haresources:1:4: note: in the key `10.0.0.1` heartbeat takes a dot for any character, so it would take line 2 along; haven does not
             1 | m1 10.0.0.1
               |    ^^^^^^^^
            m1: 10.0.0.1
            m2: vz | 10.010.1 | 1000.0.1
        "#]],
    );
    check(
        "m1 Filesystem::/dev/a::/d(1)\n",
        expect![[r#"
        haresources:1:4: note: heartbeat reads the key `Filesystem::/dev/a::/d(1)` as a regular expression and may not find it
         1 | m1 Filesystem::/dev/a::/d(1)
           |    ^^^^^^^^^^^^^^^^^^^^^^^^^
        m1: Filesystem::/dev/a::/d(1)
    "#]],
    );
}

#[test]
fn trap_7_a_node_without_resources_is_accepted_in_silence_by_heartbeat() {
    check(
        "m1\nm2 vz\n",
        expect![[r#"
        haresources:1:1: warning: `m1` has no resources, so this line does nothing
         1 | m1
           | ^^
           remedy: name resources, or remove the line
        m1: 
        m2: vz
    "#]],
    );
}

#[test]
fn trap_8_several_lines_of_a_node_are_several_groups() {
    check(
        "m1 10.0.0.1 httpd\nM1 10.0.0.2 vz\n",
        expect![[r#"
        m1: 10.0.0.1 | httpd
        M1: 10.0.0.2 | vz
    "#]],
    );
}

#[test]
fn empty_arguments_are_dropped_by_the_shell_and_move_the_others() {
    check(
        "m1 Filesystem::/dev/a::/d::::noatime\n",
        expect![[r#"
        haresources:1:26: error: there is an empty argument, and heartbeat's shell drops it, so that those behind it move up
         1 | m1 Filesystem::/dev/a::/d::::noatime
           |                          ^
           remedy: give every argument up to the last one that you need
        m1: Filesystem::/dev/a::/d::::noatime
    "#]],
    );
    check(
        "m1 Filesystem::/dev/a::/d::\n",
        expect![[r#"
        haresources:1:4: warning: `Filesystem::/dev/a::/d::` ends in `::`, behind which there is no argument
         1 | m1 Filesystem::/dev/a::/d::
           |    ^^^^^^^^^^^^^^^^^^^^^^^^
           remedy: remove the `::`
        m1: Filesystem::/dev/a::/d::
    "#]],
    );
    check(
        "m1 ::x\n",
        expect![[r#"
        haresources:1:4: error: there is no name of a script before `::`
         1 | m1 ::x
           |    ^^^
           remedy: name a script of /etc/ha.d/resource.d or /etc/init.d, or a unit of systemd, without its folder
        m1: ::x
    "#]],
    );
}

#[test]
fn a_script_with_a_folder_or_odd_letters_is_no_name() {
    check(
        "m1 /usr/local/bin/x ../x caf\u{e9} -x\n",
        expect![[r#"
        haresources:1:4: error: `/usr/local/bin/x` is no name of a script: letters, digits and `._-@` are allowed
         1 | m1 /usr/local/bin/x ../x café -x
           |    ^^^^^^^^^^^^^^^^
           remedy: name a script of /etc/ha.d/resource.d or /etc/init.d, or a unit of systemd, without its folder
        haresources:1:21: error: `../x` is no name of a script: letters, digits and `._-@` are allowed
         1 | m1 /usr/local/bin/x ../x café -x
           |                     ^^^^
           remedy: name a script of /etc/ha.d/resource.d or /etc/init.d, or a unit of systemd, without its folder
        haresources:1:26: error: `café` is no name of a script: letters, digits and `._-@` are allowed
         1 | m1 /usr/local/bin/x ../x café -x
           |                          ^^^^
           remedy: name a script of /etc/ha.d/resource.d or /etc/init.d, or a unit of systemd, without its folder
        haresources:1:31: error: `-x` is no name of a script: letters, digits and `._-@` are allowed
         1 | m1 /usr/local/bin/x ../x café -x
           |                               ^^
           remedy: name a script of /etc/ha.d/resource.d or /etc/init.d, or a unit of systemd, without its folder
        m1: /usr/local/bin/x | ../x | café | -x
    "#]],
    );
}

#[test]
fn patterns_of_the_shell_are_literal() {
    check(
        "m1 MailTo::root::moved?\n",
        expect![[r#"
        haresources:1:4: note: heartbeat reads the key `MailTo::root::moved?` as a regular expression and may not find it
         1 | m1 MailTo::root::moved?
           |    ^^^^^^^^^^^^^^^^^^^^
        haresources:1:23: note: heartbeat's shell expands this to names of files, where there are any; haven takes it literally
         1 | m1 MailTo::root::moved?
           |                       ^
        m1: MailTo::root::moved?
    "#]],
    );
}

#[test]
fn another_file_of_heartbeat_is_recognised_and_its_secrets_are_not_shown() {
    check(
        "stonith_host * ilo 10.0.0.3 admin hunter2\nauth 1\n1 sha1 hunter2\n1 sha1 hun#ter2\nkeepalive 2\n",
        expect![[r#"
            haresources:1:1: error: `stonith_host` begins a line of `ha.cf`, not of `haresources`
             1 | stonith_host * ilo ***
               | ^^^^^^^^^^^^
               remedy: give the right file: `haven import haresources FILE --ha-cf FILE`
            haresources:2:1: error: `auth` begins a line of `authkeys`, not of `haresources`
             2 | auth 1
               | ^^^^
               remedy: give the right file: `haven import haresources FILE --ha-cf FILE`
            haresources:3:1: error: `1` begins a line of `authkeys`, not of `haresources`
             3 | 1 sha1 ***
               | ^
               remedy: give the right file: `haven import haresources FILE --ha-cf FILE`
            haresources:4:1: error: `1` begins a line of `authkeys`, not of `haresources`
             4 | 1 sha1 ***
               | ^
               remedy: give the right file: `haven import haresources FILE --ha-cf FILE`
            haresources:4:11: warning: `#` begins a comment inside a word, too: the word ends before it
             4 | 1 sha1 ***
               |           ^
               remedy: put a blank before the comment
            haresources:5:1: error: `keepalive` begins a line of `ha.cf`, not of `haresources`
             5 | keepalive 2
               | ^^^^^^^^^
               remedy: give the right file: `haven import haresources FILE --ha-cf FILE`
            haresources: warning: the file has no lines with resources
        "#]],
    );
}

#[test]
fn a_node_may_be_called_as_a_directive_of_ha_cf() {
    for name in ["ping", "serial", "watchdog", "bcast", "stonith1", "Stonith-2.example.com"] {
        let text = format!("{name} 10.0.0.1 httpd\nm1 vz\n");
        let (file, diagnostics) = parse(&Source::of_text("haresources", &text));
        assert_eq!((file.lines.len(), diagnostics), (2, vec![]), "{name}");
    }
    // More than the first word says that this is another file.
    for text in [
        "ping 10.0.0.254\nbcast eth0\n",
        "keepalive 2\n",
        "deadtime 1500ms\n",
        "serial /dev/ttyS0\n",
        "watchdog /dev/watchdog\n",
        "auto_failback on\n",
        "respawn root /opt/x --password hunter2\n",
        "stonith ssh /etc/x\n",
        "stonithhost m1 ilo 10.0.0.3 admin hunter2\n",
    ] {
        let (file, diagnostics) = parse(&Source::of_text("haresources", text));
        assert!(file.lines.is_empty(), "{text}");
        assert!(diagnostics[0].what.ends_with("begins a line of `ha.cf`, not of `haresources`"), "{text}");
        assert!(diagnostics.iter().all(|said| !said.what.contains("hunter2")), "{text}");
    }
}

#[test]
fn an_empty_file_is_said_to_be_empty() {
    check(
        "# nothing\n\n",
        expect![[r#"
        haresources: warning: the file has no lines with resources
    "#]],
    );
    check(
        "",
        expect![[r#"
        haresources: warning: the file has no lines with resources
    "#]],
    );
}

#[test]
fn very_many_resources_on_a_line_are_one_error() {
    let text = format!("m1{}\n", " x".repeat(400_000));
    let (file, diagnostics) = parse(&Source::of_text("haresources", &text));
    let line = &file.lines[0];
    assert_eq!(line.resources.len(), RESOURCES_MAX);
    let what: Vec<&str> = diagnostics.iter().map(|d| d.what.as_str()).collect();
    assert_eq!(what, ["there are 400000 resources on this line, at most 500 are allowed"]);
    // A million of them are more than a file may have.
    let text = format!("m1{}\n", " x".repeat(1_000_000));
    let (file, diagnostics) = parse(&Source::of_text("haresources", &text));
    assert!(file.lines.is_empty());
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].what, "the file has 2000003 bytes, at most 1048576 are read");
}

#[test]
fn very_many_lines_are_one_error() {
    let text: String = (0..50_000).map(|n| format!("m1 x{n}\n")).collect();
    let (file, diagnostics) = parse(&Source::of_text("haresources", &text));
    assert_eq!(file.lines.len(), LINES_MAX);
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].what, "there are more than 1000 lines with resources");
}

#[test]
fn words_that_begin_like_an_address_are_addresses() {
    let looks = |word: &str| super::word::looks_like_ipv4(word);
    for word in ["10.0.0.1", "10.0.0.1/24/eth0", "1a.2b.3c.4d", "1..2.3.4", "1.2.3.4.5"] {
        assert!(looks(word), "{word}");
    }
    for word in ["10.0.0", "a10.0.0.1", "10.a.0.1", "1.2.3.", "", "IPaddr::10.0.0.1"] {
        assert!(!looks(word), "{word}");
    }
}
