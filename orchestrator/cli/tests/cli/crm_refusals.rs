//! What `haven crm` refuses, and what it says then.

use expect_test::expect;

use crate::crm::Place;

#[test]
fn an_object_that_cannot_be_is_refused_with_its_place() {
    let place = Place::new();
    for (line, code, want) in [
        (
            "configure location l web 5 n1",
            1,
            expect![[r#"
            command:1:26: error: `5` stands where a score is expected
             1 | configure location l web 5 n1
               |                          ^
               remedy: write a whole number, inf or -inf, with a `:` directly behind it
            error HV-CRM-01: the configuration cannot be taken: 1 error
            needed: mend what is named above
        "#]],
        ),
        (
            "configure primitive web Dummy",
            1,
            expect![[r#"
            command:1:11: error: `web` is there already
             1 | configure primitive web Dummy
               |           ^^^^^^^^^
               remedy: change it with `edit web`, delete it first, or give another name
            error HV-CRM-01: the configuration cannot be taken: 1 error
            needed: mend what is named above
        "#]],
        ),
        (
            "configure group g web wbe",
            1,
            expect![[r#"
            error: g: there is no resource `wbe`
               remedy: mend the name, or add what it is about
            error HV-CRM-01: nothing was committed: the configuration would have 1 error
            needed: mend what is named above
        "#]],
        ),
        (
            "configure primitive x Dummy params passwd=******",
            1,
            expect![[r#"
            error HV-CRM-01: a secret of `x` is stars, as on a screen, and would be lost
            needed: write the secret itself, or take the text from `save`
        "#]],
        ),
    ] {
        place.refuses(line, code, &want);
    }
}

#[test]
fn a_name_that_is_not_there_is_refused() {
    let place = Place::new();
    for (line, code, want) in [
        (
            "configure primitve a Dummy",
            64,
            expect![[r#"
            error HV-CLI-02: `primitve` is no word of `configure`
            needed: write `primitive` if that is meant
        "#]],
        ),
        (
            "configure delete wbe",
            1,
            expect![[r#"
            error HV-CRM-01: there is no object `wbe`
            needed: name one that `show` lists
        "#]],
        ),
        (
            "configure show wbe",
            1,
            expect![[r#"
            error HV-CRM-01: there is no object `wbe`
            needed: name one that `configure show` shows
        "#]],
        ),
        (
            "configure get-property nothing",
            1,
            expect![[r#"
            error HV-CRM-01: the option `nothing` is not set
            needed: see `show type:property` for those that are
        "#]],
        ),
    ] {
        place.refuses(line, code, &want);
    }
}

#[test]
fn words_that_mean_nothing_here_are_refused_with_what_to_use() {
    let place = Place::new();
    for (line, code, want) in [
        (
            "configure s",
            64,
            expect![[r#"
            error HV-CLI-02: `s` is the beginning of several words: show, save, simulate, set
            needed: write more of the one that is meant
        "#]],
        ),
        (
            "configure filter sed",
            64,
            expect![[r#"
            error HV-CRM-02: `configure filter` is a word of crmsh that haven does not have
            needed: use `save FILE`, the program, and `load replace FILE`
        "#]],
        ),
        (
            "-c shadow configure show",
            64,
            expect![[r#"
            error HV-CRM-02: `-c` is no option of `haven crm`
            needed: give the CIB as a file, by --cib FILE
        "#]],
        ),
        (
            "configure rename web",
            64,
            expect![[r#"
            error HV-CLI-02: `rename` needs other words
            needed: write `rename NAME NEW`
        "#]],
        ),
    ] {
        place.refuses(line, code, &want);
    }
}

#[test]
fn what_asks_a_cluster_is_refused_of_a_file() {
    let place = Place::new();
    for (line, code, want) in [
        (
            "resource locate web",
            1,
            expect![[r#"
                error HV-CRM-01: `resource locate` asks a running cluster, and cib.xml is a file
                needed: leave out --cib and CIB_file, or see `haven plan --cib cib.xml` for its status
            "#]],
        ),
        (
            "resource move web",
            1,
            expect![[r#"
                error HV-CRM-01: a move for a time, or to no node that is named, asks a running cluster, and cib.xml is a file
                needed: leave out --cib and CIB_file, or see `haven plan --cib cib.xml` for its status
            "#]],
        ),
        (
            "status",
            1,
            expect![[r#"
                error HV-CRM-01: `status` asks a running cluster, and cib.xml is a file
                needed: leave out --cib and CIB_file, or see `haven plan --cib cib.xml` for its status
            "#]],
        ),
        (
            "history log",
            1,
            expect![[r#"
                error HV-CRM-01: `history` asks a running cluster, and cib.xml is a file
                needed: leave out --cib and CIB_file, or see `haven plan --cib cib.xml` for its status
            "#]],
        ),
    ] {
        place.refuses(line, code, &want);
    }
}

#[test]
fn a_resource_and_a_node_must_be_there_to_be_edited() {
    let place = Place::new();
    for (line, code, want) in [
        (
            "resource promote web",
            64,
            expect![[r#"
            error HV-CRM-02: nothing is promoted or demoted by hand: this version of haven runs no promotable clones
            needed: see docs/architecture.md for what is not built
        "#]],
        ),
        (
            "resource stop n1",
            1,
            expect![[r#"
            error HV-CRM-01: `n1` is a node, and no resource
            needed: name a resource
        "#]],
        ),
        (
            "resource clear web",
            1,
            expect![[r#"
            error HV-CRM-01: `web` was not moved by hand
            needed: see `resource constraints`
        "#]],
        ),
        (
            "node standby n3",
            1,
            expect![[r#"
            error HV-CRM-01: there is no object `n3`
            needed: write `n1` if that is meant
        "#]],
        ),
        (
            "cluster init",
            64,
            expect![[r#"
            error HV-CRM-02: `cluster init` is a word of crmsh that haven does not have
            needed: use `haven init --name NAME --node NODE --advertise ADDRESS`
        "#]],
        ),
    ] {
        place.refuses(line, code, &want);
    }
}
