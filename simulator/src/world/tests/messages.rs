//! Datagrams and calls between daemons, nothing wrong with the links.

use haven_env::{Runtime, suite};

use super::*;

#[test]
fn the_network_of_a_world_does_what_every_transport_does() {
    for seed in 0..5 {
        with_world(seed, config(), move |bench| async move {
            let side = |machine: Machine| {
                let transport = bench.env(machine).transport;
                transport.set_peers(Vec::new());
                let peer = bench.world.peers().into_iter().find(|p| Some(&p.node) == bench.world.name(machine));
                suite::Side { transport, peer: peer.unwrap() }
            };
            let rest: suite::Rest = Arc::new(|span: Millis| Box::pin(sleep(ms(span.0))));
            let meeting = suite::Meeting { near: side(N1), far: side(N2), rest };
            let found = bench.on(N1, move |_| async move { suite::transport(&meeting).await }).await;
            assert_eq!(found, Some(Ok(())), "seed {seed}");
        });
    }
}

#[test]
fn a_datagram_arrives_with_its_sender_and_its_link() {
    with_world(1, config(), |bench| async move {
        bench.send(N1, "n2", 1, "hello");
        sleep(ms(5)).await;
        let heard = bench.heard();
        assert_eq!(heard.len(), 1);
        assert_eq!((heard[0].on, heard[0].from.as_str(), heard[0].link), (N2, "n1", Some(1)));
    });
}

#[test]
fn a_call_is_answered() {
    with_world(1, config(), |bench| async move {
        assert_eq!(bench.call(N1, "n3", "question").await, Ok(b"question".to_vec()));
        assert_eq!(bench.heard_texts(), ["3 question"]);
    });
}

#[test]
fn datagrams_of_one_path_keep_their_order_unless_it_reorders() {
    let heard = |fault: &'static str| {
        with_world(1, config(), move |bench| async move {
            bench.fault("path *>* delay 1ms..9ms");
            bench.fault(fault);
            for n in 0..50 {
                bench.send(N1, "n2", 0, &format!("{n:02}"));
            }
            sleep(ms(200)).await;
            bench.heard_texts()
        })
    };
    let sent: Vec<String> = (0..50).map(|n| format!("2 {n:02}")).collect();
    assert_eq!(heard("path *>* reorder 0"), sent);
    let mut mixed = heard("path *>* reorder 300");
    assert_ne!(mixed, sent);
    mixed.sort();
    assert_eq!(mixed, sent, "nothing is lost");
}

#[test]
fn who_is_no_peer_is_not_heard() {
    with_world(1, config(), |bench| async move {
        let only = |peer: &str| {
            let peer = Bench::name(peer);
            bench.world.peers().into_iter().filter(move |known| known.node == peer).collect::<Vec<_>>()
        };
        bench.env(N2).transport.set_peers(only("n3"));
        bench.send(N1, "n2", 0, "from a stranger");
        bench.send(N3, "n2", 0, "from a peer");
        sleep(ms(5)).await;
        assert_eq!(bench.heard_texts(), ["2 from a peer"]);
        assert!(bench.call(N1, "n2", "from a stranger").await.is_err());
        assert_eq!(bench.call(N2, "n1", "to a stranger").await, Err(CallError::NoPeer));
        assert!(bench.heard().is_empty());
    });
}

#[test]
fn a_peer_that_is_dropped_ends_the_calls_to_it() {
    with_world(1, config(), |bench| async move {
        bench.fault("freeze-daemon n2");
        let call = bench.begin_call(N1, "n2", "never read", 60_000);
        sleep(ms(100)).await;
        bench.env(N1).transport.set_peers(Vec::new());
        assert!(matches!(call.await.unwrap(), Err(CallError::Broken(_))));
        assert!(now_ms() < 2000);
    });
}

#[test]
fn there_is_no_link_beyond_the_last() {
    with_world(1, config(), |bench| async move {
        assert_eq!(bench.env(N1).transport.links(), 2);
        bench.send(N1, "n2", 2, "nowhere");
        let missing = bench.on(N1, |env| async move {
            env.transport.call(&Bench::name("n2"), LinkId(2), CallClass::Raft, Vec::new(), Millis(100)).await
        });
        assert_eq!(missing.await, Some(Err(CallError::NoPeer)));
        assert!(bench.heard().is_empty());
    });
}

#[test]
fn a_machine_that_is_off_answers_nothing_until_the_deadline() {
    with_world(1, config(), |bench| async move {
        bench.fault("power-off n2");
        assert_eq!(bench.call(N1, "n2", "anybody?").await, Err(CallError::TimedOut));
        assert_eq!(now_ms(), 2200);
    });
}

#[test]
fn a_kernel_without_its_daemon_sometimes_refuses_and_sometimes_keeps_silent() {
    with_world(1, config(), |bench| async move {
        bench.fault("kill-daemon n2");
        let mut results = BTreeMap::new();
        for _ in 0..20 {
            let result = bench.call(N1, "n2", "anybody?").await;
            *results.entry(matches!(result, Err(CallError::Broken(_)))).or_insert(0) += 1;
        }
        assert!(results[&true] > 3 && results[&false] > 3, "{results:?}");
    });
}

#[test]
fn nobody_refuses_for_a_machine_that_stands_still() {
    with_world(1, config(), |bench| async move {
        bench.fault("kill-daemon n2");
        bench.fault("stand-still n2");
        for _ in 0..20 {
            assert_eq!(bench.call(N1, "n2", "anybody?").await, Err(CallError::TimedOut));
        }
    });
}

#[test]
fn a_message_to_a_life_that_is_over_reaches_nobody() {
    with_world(1, config(), |bench| async move {
        bench.fault("path n1>n2 delay 500ms..500ms");
        bench.send(N1, "n2", 0, "to the first life");
        sleep(ms(10)).await;
        bench.fault("kill-daemon n2 restart 100ms");
        sleep(ms(200)).await;
        bench.send(N1, "n2", 0, "to the second life");
        sleep(ms(1000)).await;
        assert_eq!(bench.heard_texts(), ["2 to the second life"]);
    });
}

#[test]
fn a_dead_life_sends_nothing_and_its_calls_never_end() {
    with_world(1, config(), |bench| async move {
        let dead = bench.env(N1);
        bench.fault("kill-daemon n1 restart 10ms");
        sleep(ms(50)).await;
        dead.transport.send(&Bench::name("n2"), LinkId(0), b"from the grave".to_vec());
        let call = dead.transport.call(&Bench::name("n2"), LinkId(0), CallClass::Raft, Vec::new(), Millis(10));
        let ended = exec::SimRuntime::timeout(ms(5000), call).await;
        assert!(ended.is_err());
        assert!(bench.heard().is_empty());
    });
}

#[test]
fn a_datagram_that_is_too_long_is_not_sent() {
    with_world(1, config(), |bench| async move {
        bench.send(N1, "n2", 0, &"x".repeat(haven_env::DATAGRAM_MAX));
        bench.send(N1, "n2", 0, &"x".repeat(haven_env::DATAGRAM_MAX + 1));
        sleep(ms(5)).await;
        assert_eq!(bench.heard().len(), 1);
    });
}
