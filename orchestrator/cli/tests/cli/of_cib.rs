//! What is asked of a CIB: why, why not, what if, and what every loss would leave.

use expect_test::{Expect, expect};

use crate::run::{Said, program, said};

/// Runs a line as a page shows it, in the folder of the CIB `three_nodes.xml`. A word in `'` may have blanks.
fn does(line: &str) -> Said {
    let words = line.strip_prefix("m1$ haven ").unwrap();
    let words = words.split('\'').enumerate().flat_map(|(n, part)| {
        if n % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
    });
    said(program().current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli")).args(words))
}

#[track_caller]
fn check(line: &str, code: i32, shown: &Expect) {
    let said = does(line);
    assert_eq!(said.code, code, "{said:?}");
    shown.assert_eq(&format!("{}{}", said.out, said.err));
}

#[test]
fn why_shows_every_node_with_its_score_and_what_excludes_it() {
    check(
        "m1$ haven plan --cib three_nodes.xml --why db",
        0,
        &expect![[r#"
        db  Started on n2
        ────────────────────────────────────────────────────────────────────────────────
        wanted: it runs; when all is done that can be it is Started on n2
        because: n2: the best score
        WHY THAT NODE AND NOT ANOTHER
          NODE  VERDICT   SCORE    WHY
          n2    CHOSEN    50       +50 it runs there and stays (resource-stickiness)
          n1    possible  20       +20 location db-likes-n1
          n3    excluded  -inf     standby
    "#]],
    );
}

#[test]
fn why_of_what_does_not_run_names_each_reason_and_a_way_out() {
    check(
        "m1$ haven plan --cib three_nodes.xml --why batch",
        1,
        &expect![[r#"
        batch  stopped
        ────────────────────────────────────────────────────────────────────────────────
        wanted: it runs; when all is done that can be it is stopped
        WHY IT IS NOT AS WANTED
          . not on n1: location batch-not-n1
          . not on n2: with db on n2 (colocation batch-apart)
          . not on n3: standby
        WHY THAT NODE AND NOT ANOTHER
          NODE  VERDICT   SCORE    WHY
          n3    excluded  0        standby
          n1    excluded  -inf     location batch-not-n1
          n2    excluded  -inf     with db on n2 (colocation batch-apart)
        WHAT WOULD CHANGE THIS
          . crm configure delete batch-not-n1
          . crm configure delete batch-apart
          . crm node online n3
    "#]],
    );
}

#[test]
fn why_not_puts_the_node_beside_the_chosen_one() {
    check(
        "m1$ haven plan --cib three_nodes.xml --why-not web n1",
        0,
        &expect![[r#"
        web in g  Started on n2
        ────────────────────────────────────────────────────────────────────────────────
        not on n1: with ip on n2
          NODE  VERDICT   SCORE    WHY
          n1    excluded  -inf     with ip on n2
          n2    CHOSEN    0
        THE PARTS OF THE SCORE OF N1
          . = -inf with ip on n2
    "#]],
    );
    check(
        "m1$ haven plan --cib three_nodes.xml --why-not db n3",
        0,
        &expect![[r#"
        db  Started on n2
        ────────────────────────────────────────────────────────────────────────────────
        not on n3: standby
          NODE  VERDICT   SCORE    WHY
          n3    excluded  -inf     standby
          n2    CHOSEN    50       +50 it runs there and stays (resource-stickiness)
        THE PARTS OF THE SCORE OF N3
          . -inf what ip wants, which goes with it (colocation g-with-db)
          . -inf what web wants, which goes with it
        WHAT WOULD CHANGE THIS
          . crm node online n3
    "#]],
    );
}

#[test]
fn programs_get_parts_reasons_and_remedies() {
    let said = does("m1$ haven plan --cib three_nodes.xml --why batch --json");
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let batch = &value[0];
    assert_eq!(batch["resource"], "batch");
    let node = |name: &str| batch["candidates"].as_array().unwrap().iter().find(|node| node["node"] == name).unwrap();
    let part = serde_json::json!({"points": -1_000_000, "replaces": false, "source": {"location": {"id": "batch-not-n1", "rule": null}}});
    assert!(node("n1")["parts"].as_array().unwrap().contains(&part), "{}", node("n1"));
    assert!(batch["changes"].as_array().unwrap().contains(&"crm node online n3".into()), "{batch}");
}

#[test]
fn what_if_shows_the_difference_to_the_plan_without_it() {
    check(
        "m1$ haven plan --cib three_nodes.xml --what-if 'kill n2'",
        0,
        &expect![[r#"
        if: kill n2
        nothing was changed; against the plan without it:
        ! n2 is fenced (reboot)
          db    moves   Started on n2 -> Started on n1
          ip    moves   Started on n2 -> Started on n1
          web   moves   Started on n2 -> Started on n1
        2 others stay as they are
        WHAT IS DONE BESIDE THE PLAN WITHOUT IT
          fence reboot n2
          monitor db n1 10000
          start db n1
          start ip n1
          start web n1
        WHAT IS NOT DONE THEN
          monitor db n2 10000
          probe batch n2
          probe shoot n2
    "#]],
    );
    check(
        "m1$ haven plan --cib three_nodes.xml --what-if 'unstandby n3; fail db on n2; stop ip'",
        0,
        &expect![[r#"
        if: unstandby n3; fail db on n2; stop ip
        nothing was changed; against the plan without it:
          batch  starts  stopped -> Started on n3
        ! ip     stops   Started on n2 -> stopped
        ! web    stops   Started on n2 -> stopped
            . not on n1: with ip, which has no node
            . not on n2: with ip, which has no node
            . not on n3: with ip, which has no node
        2 others stay as they are
        WHAT IS DONE BESIDE THE PLAN WITHOUT IT
          start batch n3
          start db n2
          stop db n2
          stop ip n2
          stop web n2
    "#]],
    );
}

#[test]
fn survive_says_for_every_loss_what_would_not_run_and_who_cannot_be_fenced() {
    check(
        "m1$ haven plan --cib three_nodes.xml --survive",
        1,
        &expect![[r#"
              LOST  OFF BY          NOT RUNNING         ELSEWHERE
              n1    fencing         -                   shoot>n2
            ! n2    NO DEVICE       -                   db>n1, ip>n1, web>n1
              n3    fencing         -                   -
            WITHOUT n2
              . n2 is to be fenced, and no device that may run names it
        "#]],
    );
}

#[test]
fn survive_loses_every_two_nodes_if_asked() {
    check(
        "m1$ haven plan --cib three_nodes.xml --survive --pairs",
        1,
        &expect![[r#"
              LOST   OFF BY          NOT RUNNING         ELSEWHERE
              n1     fencing         -                   shoot>n2
            ! n2     NO DEVICE       -                   db>n1, ip>n1, web>n1
              n3     fencing         -                   -
            ! n1+n2  CANNOT FENCE    4 resources         -
            ! n1+n3  CANNOT FENCE    4 resources         -
            ! n2+n3  CANNOT FENCE    4 resources         -
            WITHOUT n2
              . n2 is to be fenced, and no device that may run names it
            WITHOUT n1+n2
              . the others have no quorum
              . n1 cannot be fenced: there is no device, or no quorum
              . n2 cannot be fenced: there is no device, or no quorum
              . db, ip, web do not run
                  not on n1: unclean: peer is no longer part of the cluster
                  not on n2: unclean: peer is no longer part of the cluster
                  not on n3: standby
                  n2 is unclean: peer is no longer part of the cluster
                  n2 cannot be fenced
              . shoot does not run
                  not on n1: unclean: peer is no longer part of the cluster
                  not on n2: unclean: peer is no longer part of the cluster
                  not on n3: standby
                  n1 is unclean: peer is no longer part of the cluster
                  n1 cannot be fenced
            WITHOUT n1+n3
              . the others have no quorum
              . n1 cannot be fenced: there is no device, or no quorum
              . n3 cannot be fenced: there is no device, or no quorum
              . db, ip, web do not run
                  there is no quorum (no-quorum-policy=stop)
              . shoot does not run
                  n1 is unclean: peer is no longer part of the cluster
                  n1 cannot be fenced
                  there is no quorum (no-quorum-policy=stop)
            WITHOUT n2+n3
              . the others have no quorum
              . n2 cannot be fenced: there is no device, or no quorum
              . n3 cannot be fenced: there is no device, or no quorum
              . db, ip, web do not run
                  n2 is unclean: peer is no longer part of the cluster
                  n2 cannot be fenced
                  there is no quorum (no-quorum-policy=stop)
              . shoot does not run
                  there is no quorum (no-quorum-policy=stop)
        "#]],
    );
}

#[test]
fn what_cannot_be_asked_is_refused_with_a_way_out() {
    check(
        "m1$ haven plan --cib three_nodes.xml --why bd",
        1,
        &expect![[r#"
        error HV-RES-01: there is no resource `bd`
        needed: name one of: batch, db, g, ip, shoot, web
    "#]],
    );
    check(
        "m1$ haven plan --cib three_nodes.xml --why-not db n9",
        1,
        &expect![[r#"
        error HV-RES-01: there is no node `n9`
        needed: did you mean `n1`? Name it exactly
    "#]],
    );
    check(
        "m1$ haven plan --cib three_nodes.xml --what-if 'kill n9'",
        1,
        &expect![[r#"
        error HV-RES-01: there is no node `n9`
        needed: did you mean `n1`? Name it exactly
    "#]],
    );
    check(
        "m1$ haven plan --cib three_nodes.xml --what-if 'explode n1'",
        64,
        &expect![[r#"
        error HV-CLI-02: `explode n1` in --what-if cannot be understood
        needed: use kill, online, standby, unstandby, ready NODE; stop, start, manage, cleanup RESOURCE; cleanup RESOURCE on NODE; fail RESOURCE on NODE; remove CONSTRAINT; grant TICKET; set OPTION=VALUE; meta RESOURCE NAME=VALUE; with `;` between several
    "#]],
    );
    check(
        "m1$ haven plan --cib three_nodes.xml --what-if 'fail db on n1'",
        64,
        &expect![[r#"
        error HV-CLI-02: `db` does not run on n1, so it cannot fail there
        needed: name a node on which it runs
    "#]],
    );
    for line in ["m1$ haven plan --why db", "m1$ haven plan --cib three_nodes.xml --pairs"] {
        assert_eq!(does(line).code, 64, "{line}");
    }
}
