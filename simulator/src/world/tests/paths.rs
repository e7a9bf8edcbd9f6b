//! What can be wrong with links.

use super::*;

/// Sends a datagram and a call both ways between n1 and n2, over link 0; tells what got through, such as `1d 2c`:
/// n1 heard the datagram, n2 the call.
async fn through(bench: &Bench) -> String {
    bench.heard();
    let (there, back) = (bench.begin_call(N1, "n2", "c", 500), bench.begin_call(N2, "n1", "c", 500));
    bench.send(N1, "n2", 0, "d");
    bench.send(N2, "n1", 0, "d");
    let _ = (there.await, back.await);
    let mut texts: Vec<String> = bench.heard().into_iter().map(|heard| format!("{}{}", heard.on, heard.text)).collect();
    texts.sort();
    texts.join(" ")
}

#[test]
fn a_cut_of_one_direction_leaves_the_other() {
    with_world(1, config(), |bench| async move {
        assert_eq!(through(&bench).await, "1c 1d 2c 2d");
        bench.fault("cut n1>n2");
        assert_eq!(through(&bench).await, "1c 1d");
        bench.fault("heal n1>n2");
        assert_eq!(through(&bench).await, "1c 1d 2c 2d");
    });
}

#[test]
fn an_answer_is_lost_on_a_path_that_is_cut_only_for_it() {
    with_world(1, config(), |bench| async move {
        bench.fault("cut n2>n1");
        assert_eq!(bench.call(N1, "n2", "heard, not answered").await, Err(CallError::TimedOut));
        assert_eq!(bench.heard_texts(), ["2 heard, not answered"]);
    });
}

#[test]
fn datagrams_live_while_calls_starve_and_the_reverse() {
    with_world(1, config(), |bench| async move {
        bench.fault("cut n1-n2 calls");
        assert_eq!(through(&bench).await, "1d 2d");
        bench.fault("heal n1-n2");
        bench.fault("cut n1-n2 datagrams");
        assert_eq!(through(&bench).await, "1c 2c");
    });
}

#[test]
fn only_what_is_large_vanishes_behind_a_broken_mtu() {
    with_world(1, config(), |bench| async move {
        bench.fault("cut n1-n2 large");
        assert_eq!(through(&bench).await, "1c 1d 2c 2d");
        assert_eq!(bench.call(N1, "n2", &"x".repeat(1400)).await, Err(CallError::TimedOut));
    });
}

#[test]
fn each_link_has_a_mind_of_its_own() {
    with_world(1, config(), |bench| async move {
        bench.fault("cut n1-n2 link 0");
        bench.send(N1, "n2", 0, "zero");
        bench.send(N1, "n2", 1, "one");
        sleep(ms(5)).await;
        assert_eq!(bench.heard_texts(), ["2 one"]);
    });
}

#[test]
fn a_star_cuts_a_machine_from_all() {
    with_world(1, config(), |bench| async move {
        bench.fault("cut *>n1");
        bench.send(N1, "n2", 0, "out");
        bench.send(N2, "n1", 0, "in");
        bench.send(N3, "n1", 0, "in");
        bench.send(N3, "n2", 0, "past");
        sleep(ms(5)).await;
        let mut texts = bench.heard_texts();
        texts.sort();
        assert_eq!(texts, ["2 out", "2 past"]);
    });
}

#[test]
fn a_partition_cuts_what_lies_between_its_sides() {
    with_world(1, config(), |bench| async move {
        bench.fault("partition n1 n2 / n3");
        bench.send(N1, "n2", 1, "inside");
        bench.send(N1, "n3", 1, "across");
        bench.send(N3, "n2", 0, "across");
        sleep(ms(5)).await;
        assert_eq!(bench.heard_texts(), ["2 inside"]);
        bench.fault("heal-links");
        bench.send(N3, "n2", 0, "healed");
        sleep(ms(5)).await;
        assert_eq!(bench.heard_texts(), ["2 healed"]);
    });
}

#[test]
fn a_partial_partition_is_built_from_cuts() {
    with_world(1, config(), |bench| async move {
        bench.fault("cut n1-n2");
        for (from, to) in [(N1, "n2"), (N1, "n3"), (N2, "n3")] {
            bench.send(from, to, 0, "x");
        }
        sleep(ms(5)).await;
        assert_eq!(bench.heard_texts(), ["3 x", "3 x"]);
    });
}

#[test]
fn a_call_that_met_a_cut_gets_through_after_it_for_a_few_seconds() {
    with_world(1, config(), |bench| async move {
        bench.fault("cut n1>n2");
        let patient = bench.begin_call(N1, "n2", "patient", 10_000);
        let hasty = bench.begin_call(N1, "n2", "hasty", 300);
        assert_eq!(hasty.await.unwrap(), Err(CallError::TimedOut));
        sleep(ms(1000)).await;
        bench.fault("heal-links");
        assert_eq!(patient.await.unwrap(), Ok(b"patient".to_vec()));
        sleep(ms(1000)).await;
        assert_eq!(bench.heard_texts().len(), 2, "the other side acts on a call whose caller has given up");
        bench.fault("cut n1>n2");
        let long = bench.begin_call(N1, "n2", "too long", 60_000);
        sleep(ms(10_000)).await;
        bench.fault("heal-links");
        assert_eq!(long.await.unwrap(), Err(CallError::TimedOut));
        assert!(bench.heard().is_empty(), "a connection that has broken sends nothing again");
    });
}

#[test]
fn nobody_sends_again_for_a_sender_that_is_gone_or_frozen() {
    for (fault, heard) in [
        ("power-off n1", 0),
        ("kill-daemon n1 restart 10ms", 0),
        ("freeze-daemon n1", 0),
        ("stand-still n1", 0),
        ("reset n3", 1),
    ] {
        with_world(1, config(), move |bench| async move {
            bench.fault("cut n1>n2");
            drop(bench.begin_call(N1, "n2", "x", 60_000));
            sleep(ms(200)).await;
            bench.fault(fault);
            bench.fault("heal-links");
            sleep(ms(5000)).await;
            assert_eq!(bench.heard().len(), heard, "{fault}");
        });
    }
}

#[test]
fn a_sender_that_was_frozen_shortly_sends_again() {
    with_world(1, config(), |bench| async move {
        bench.fault("cut n1>n2");
        drop(bench.begin_call(N1, "n2", "x", 60_000));
        sleep(ms(200)).await;
        bench.fault("freeze-daemon n1");
        bench.fault("heal-links");
        sleep(ms(1000)).await;
        assert!(bench.heard().is_empty());
        bench.fault("thaw-daemon n1");
        sleep(ms(3000)).await;
        assert_eq!(bench.heard().len(), 1);
    });
}

async fn count_of_200(bench: &Bench) -> usize {
    for n in 0..200_u32 {
        bench.send(N1, "n2", 0, &n.to_string());
        sleep(ms(1)).await;
    }
    sleep(ms(100)).await;
    bench.heard().len()
}

#[test]
fn loss_loses_datagrams_and_delays_calls() {
    with_world(1, config(), |bench| async move {
        assert_eq!(count_of_200(&bench).await, 200);
        bench.fault("path n1>n2 loss 300");
        let arrived = count_of_200(&bench).await;
        assert!((100..180).contains(&arrived), "{arrived}");
        let begun = now_ms();
        for _ in 0..20 {
            bench.begin_call(N1, "n2", "call", 5000).await.unwrap().unwrap();
        }
        assert!(now_ms() - begun > 200, "some were sent again");
    });
}

#[test]
fn duplicates_arrive_twice_calls_too() {
    with_world(1, config(), |bench| async move {
        bench.fault("path n1>n2 duplicates 1000");
        bench.send(N1, "n2", 0, "d");
        bench.call(N1, "n2", "c").await.unwrap();
        sleep(ms(5)).await;
        let mut texts = bench.heard_texts();
        texts.sort();
        assert_eq!(texts, ["2 c", "2 c", "2 d", "2 d"]);
    });
}

async fn way(bench: &Bench, text: &str) -> u64 {
    let begun = now_ms();
    bench.heard();
    bench.send(N1, "n2", 0, text);
    sleep(ms(3000)).await;
    bench.heard().first().map_or(u64::MAX, |heard| heard.at_ms - begun)
}

#[test]
fn delay_and_jitter_take_time() {
    with_world(1, config(), |bench| async move {
        assert!(way(&bench, "x").await <= 1);
        bench.fault("path n1>n2 delay 40ms..60ms");
        assert!((40..=60).contains(&way(&bench, "x").await));
        bench.fault("path n1>n2 jitter 1000 2s");
        let ways = [way(&bench, "x").await, way(&bench, "x").await, way(&bench, "x").await];
        assert!(ways.iter().any(|way| *way > 100), "{ways:?}");
    });
}

#[test]
fn a_clogged_path_is_slow_and_drops_what_does_not_fit() {
    with_world(1, config(), |bench| async move {
        bench.fault("path n1>n2 bandwidth 10000");
        assert!(way(&bench, &"x".repeat(930)).await >= 100, "1,000 bytes with their headers take 100 ms");
        for _ in 0..20 {
            bench.send(N1, "n2", 0, &"x".repeat(930));
        }
        sleep(ms(5000)).await;
        let arrived = bench.heard().len();
        assert!((5..8).contains(&arrived), "half a second of traffic waits, {arrived}");
    });
}
