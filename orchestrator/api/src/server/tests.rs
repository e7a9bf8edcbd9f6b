//! The API over a real socket, with a cluster grown by events behind it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use haven_core::control::Command;
use haven_core::event::{Event, PowerState, Standby};
use haven_core::export::{Header, Recorded};
use haven_core::ids::LogIndex;
use haven_core::units::{Millis, WallTime};
use tokio::sync::{oneshot, watch};

use super::{Access, bind, serve};
use crate::backend::{Backend, BoxFuture, Look, PastEntry};
use crate::client::{Client, ClientError, LogAsk};
use crate::error::{ApiError, Refused};
use crate::model::{
    CaMade, CaView, Check, DeviceAnswer, FenceTestAsk, FenceTestMode, Leave, PowerAnswered, TokenAsk, TokenGiven,
};
use crate::view::bench::{Bench, device, node, rsc};
use crate::view::{SettledWord, Verdict};

/// A node whose events are judged and committed at once.
struct BenchNode {
    bench: Mutex<Bench>,
    applied: watch::Sender<LogIndex>,
    asked_by: Mutex<Vec<String>>,
    snapshot: Mutex<Option<haven_core::state::ClusterState>>,
}

impl BenchNode {
    fn of(bench: Bench) -> Arc<Self> {
        let applied = watch::Sender::new(bench.state.index);
        Arc::new(Self { bench: Mutex::new(bench), applied, asked_by: Mutex::default(), snapshot: Mutex::default() })
    }

    fn with<T>(&self, f: impl FnOnce(&mut Bench) -> T) -> T {
        let mut bench = self.bench.lock().unwrap();
        let result = f(&mut bench);
        self.applied.send_replace(bench.state.index);
        result
    }
}

impl Backend for BenchNode {
    fn look(&self) -> Look {
        self.with(|bench| Look { state: Arc::new(bench.state.clone()), local: bench.local() })
    }

    fn history(&self, range: std::ops::RangeInclusive<LogIndex>) -> BoxFuture<'_, Result<Vec<PastEntry>, ApiError>> {
        // Three at a time: readers must ask again.
        let found = self.with(|b| b.past.iter().filter(|e| range.contains(&e.index)).take(3).cloned().collect());
        Box::pin(async move { Ok(found) })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<haven_core::state::ClusterState>, ApiError>> {
        let found = self.snapshot.lock().unwrap().clone();
        Box::pin(async move { Ok(found) })
    }

    fn applied_beyond(&self, index: LogIndex) -> BoxFuture<'_, LogIndex> {
        let mut applied = self.applied.subscribe();
        Box::pin(async move { *applied.wait_for(|now| *now > index).await.unwrap() })
    }

    fn judge(&self, by: &str, command: &Command) -> Result<Event, ApiError> {
        let Command::Standby { node, standby } = command else {
            return Err(ApiError::new(Refused::Denied, "HV-CONFIG-03", "not in this test", "do something else"));
        };
        Ok(Event::StandbySet { node: node.clone(), standby: *standby, by: by.to_owned() })
    }

    fn command<'a>(&'a self, by: &'a str, command: Command) -> BoxFuture<'a, Result<LogIndex, ApiError>> {
        Box::pin(async move {
            let event = self.judge(by, &command)?;
            Ok(self.with(|bench| {
                bench.ok(event);
                bench.state.index
            }))
        })
    }

    fn issue_token<'a>(&'a self, by: &'a str, ask: TokenAsk) -> BoxFuture<'a, Result<TokenGiven, ApiError>> {
        self.asked_by.lock().unwrap().push(by.to_owned());
        let given = TokenGiven { token: "haven1-secret".into(), index: LogIndex(9), span: ask.span };
        Box::pin(async move { Ok(given) })
    }

    fn authority(&self) -> CaView {
        CaView { ca: "07".repeat(32), others: Vec::new(), waiting: vec!["m2".into()], changed: Some(LogIndex(9)) }
    }

    fn change_ca<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<CaMade, ApiError>> {
        self.asked_by.lock().unwrap().push(by.to_owned());
        Box::pin(async { Ok(CaMade { ca: "07".repeat(32), index: LogIndex(9) }) })
    }

    fn fence_test<'a>(&'a self, _: &'a str, ask: FenceTestAsk) -> BoxFuture<'a, Result<Vec<DeviceAnswer>, ApiError>> {
        let answer = PowerAnswered::Power { state: PowerState::On };
        let device = device(&format!("ilo-{}", ask.node));
        let row = DeviceAnswer { device, answer, elapsed: Millis(40), off_time: None, staleness: None };
        Box::pin(async move { Ok(vec![row]) })
    }

    fn fence_confirm<'a>(
        &'a self,
        _: &'a str,
        node: haven_core::ids::NodeId,
        _: Option<LogIndex>,
    ) -> BoxFuture<'a, Result<LogIndex, ApiError>> {
        Box::pin(async move { Err(ApiError::unknown_node(node.as_str())) })
    }

    fn doctor(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(async { vec![Check::ok("udp port", "7741 is open")] })
    }

    fn metrics(&self) -> String {
        "haven_log_applied_index 40\n".to_owned()
    }

    fn leave<'a>(&'a self, _: &'a str, _: Leave) -> BoxFuture<'a, Result<LogIndex, ApiError>> {
        Box::pin(async { Err(ApiError::no_leader(1, 3)) })
    }
}

/// A served bench; the server ends when this is dropped.
struct Served {
    node: Arc<BenchNode>,
    client: Client,
    _folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

fn served(bench: Bench) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("haven.sock");
    let (access, node) = (Access::of_this_process(), BenchNode::of(bench));
    let listener = bind(&path, access).unwrap();
    let (stop, stopped) = oneshot::channel();
    let backend: Arc<dyn Backend> = node.clone();
    tokio::spawn(serve(listener, backend, access, async move { drop(stopped.await) }));
    Served { node, client: Client::new(path), _folder: folder, _stop: stop }
}

#[tokio::test]
async fn status_is_answered_now_and_as_it_was() {
    let served = served(Bench::healthy());
    let now = served.client.status(None).await.unwrap();
    assert_eq!((now.verdict, now.answered_by.as_deref()), (Verdict::Ok, Some("b")));
    let then = served.client.status(Some(LogIndex(12))).await.unwrap();
    assert_eq!((then.index, then.resources.len(), then.answered_by), (12, 0, None));
    let error = served.client.status(Some(LogIndex(9000))).await.unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("HV-LOG-01", 1));
}

#[tokio::test]
async fn a_command_is_made_under_the_name_of_the_caller_and_waited_for() {
    let served = served(Bench::healthy());
    let command = Command::Standby { node: node("a"), standby: Standby::On };
    let accepted = served.client.command(&command).await.unwrap();
    let moving = served.client.wait(accepted.index, Duration::from_millis(1)).await.unwrap();
    assert_eq!(moving.word, SettledWord::Moving);
    let waiting = served.client.clone();
    let wait = tokio::spawn(async move { waiting.wait(accepted.index, Duration::from_secs(20)).await.unwrap() });
    served.node.with(Bench::settle);
    served.node.with(|bench| bench.audit_finds("a", &[]));
    assert_eq!(wait.await.unwrap().word, SettledWord::Settled);
    let page = served.client.log(LogAsk { from: Some(accepted.index.0), to: Some(accepted.index.0) }).await.unwrap();
    let me = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).unwrap().unwrap().name;
    assert_eq!(page.lines[0].text, format!("a goes to standby: {me}"));
    assert_eq!(page.lines[0].nodes, ["a"]);
}

#[tokio::test]
async fn a_reader_that_reconnects_misses_nothing() {
    let served = served(Bench::healthy());
    let mut first = served.client.follow(Some(37)).await.unwrap();
    let seen: Vec<u64> = vec![first.next().await.unwrap().unwrap().index, first.next().await.unwrap().unwrap().index];
    assert_eq!(seen, [38, 39]);
    drop(first);
    served.node.with(|bench| bench.silent("a"));
    let mut again = served.client.follow(Some(39)).await.unwrap();
    for index in [40, 41, 42] {
        assert_eq!(again.next().await.unwrap().unwrap().index, index);
    }
    served.node.with(|bench| bench.lose("a"));
    let line = again.next().await.unwrap().unwrap();
    assert_eq!((line.index, line.kind.as_str()), (43, "node_lost"));
}

#[tokio::test]
async fn entries_that_a_node_does_not_have_are_told_as_a_gap() {
    let mut bench = Bench::healthy();
    bench.past.retain(|entry| entry.index.0 > 20);
    let served = served(bench);
    let mut follow = served.client.follow(Some(4)).await.unwrap();
    let first = follow.next().await.unwrap().unwrap();
    assert_eq!((first.index, first.kind.as_str()), (20, "gap"));
    assert_eq!(first.text, "entries 5 to 20 are not kept on this node");
    assert_eq!(follow.next().await.unwrap().unwrap().index, 21);
    let error = served.client.status(Some(LogIndex(30))).await.unwrap_err();
    assert_eq!(error.code(), "HV-LOG-01", "a state without its beginning is made up");
}

/// Everything of an export, page by page.
async fn exported(client: &Client, header: &Header) -> Vec<Recorded> {
    let (mut found, mut next) = (Vec::new(), header.first);
    while next <= header.last {
        let page = client.log_entries(next, header.last).await.unwrap();
        next = page.last().unwrap().index.next();
        found.extend(page);
    }
    found
}

#[tokio::test]
async fn an_export_is_the_whole_log_with_what_was_before_it_and_without_secrets() {
    let mut bench = Bench::healthy();
    let (kind, by) = (haven_core::event::MemberKind::Full, "olga".to_owned());
    bench.ok(Event::TokenIssued { digest: vec![7; 32], expires: bench.state.time + Millis::secs(60), kind, by });
    let served = served(bench);
    let past = served.node.with(|b| b.past.clone());
    let header = served.client.log_header(LogAsk::default()).await.unwrap();
    assert_eq!((header.first, header.last, header.before.members.len()), (LogIndex(1), past.last().unwrap().index, 0));
    assert_eq!((header.format.as_str(), header.origin.as_str()), ("haven-log", "haven log export on b"));
    let entries = exported(&served.client, &header).await;
    let of_past: Vec<_> = past.iter().map(|e| Recorded::of(e.index, e.term, &e.as_entry())).collect();
    assert_eq!(entries, of_past);
    let text = serde_json::to_string(&entries).unwrap();
    assert!(!text.contains("[7,7"), "the digest of a token leaves the cluster");
    let later = served.client.log_header(LogAsk { from: Some(21), to: Some(30) }).await.unwrap();
    assert_eq!((later.first, later.last, later.before.index), (LogIndex(21), LogIndex(30), LogIndex(20)));
    assert_eq!(later.before.members.len(), 3);
    assert_eq!(exported(&served.client, &later).await, of_past[20..30]);
    for ask in [LogAsk { from: None, to: Some(9000) }, LogAsk { from: Some(30), to: Some(20) }] {
        let error = served.client.log_header(ask).await.unwrap_err();
        assert!(["HV-LOG-01", "HV-API-06"].contains(&error.code()), "{error}");
    }
}

#[tokio::test]
async fn an_export_of_a_log_without_its_beginning_begins_after_the_snapshot() {
    let whole = Bench::healthy();
    let at = |index: u64| {
        let mut replay = crate::view::Replay::default();
        whole.past.iter().filter(|e| e.index.0 <= index).for_each(|entry| replay.push(entry).unwrap());
        replay.state().clone()
    };
    let (snapshot, then) = (at(25), at(29));
    let mut bench = Bench::healthy();
    bench.past.retain(|entry| entry.index.0 > 20);
    let served = served(bench);
    assert_eq!(served.client.log_header(LogAsk::default()).await.unwrap_err().code(), "HV-LOG-01");
    *served.node.snapshot.lock().unwrap() = Some(snapshot);
    let header = served.client.log_header(LogAsk::default()).await.unwrap();
    assert_eq!((header.first, header.before.index), (LogIndex(26), LogIndex(25)));
    let later = served.client.log_header(LogAsk { from: Some(30), to: None }).await.unwrap();
    assert_eq!(later.before, haven_core::export::Before::of(&then));
    let error = served.client.log_header(LogAsk { from: Some(22), to: None }).await.unwrap_err();
    assert!(error.to_string().contains("known from 26 on") && error.remedy().contains("--from 26"), "{error}");
    let error = served.client.log_entries(LogIndex(5), LogIndex(30)).await.unwrap_err();
    assert_eq!(error.code(), "HV-LOG-01", "a gap is passed over");
}

#[tokio::test]
async fn wall_times_are_those_of_the_nearest_digest_and_not_of_the_last() {
    let mut bench = Bench::healthy();
    // Nobody led for half a minute: the wall clock went on, the time of the cluster did not.
    bench.digest(WallTime(1_790_000_060_000));
    let served = served(bench);
    let page = served.client.log(LogAsk { from: Some(20), to: Some(21) }).await.unwrap();
    let told: Vec<_> = page.lines.iter().map(|l| (l.index, l.wall_ms)).collect();
    assert_eq!(told, [(20, Some(1_789_999_998_000)), (21, Some(1_789_999_999_000))]);
}

#[tokio::test]
async fn readers_of_the_log_are_bounded_and_one_that_leaves_makes_room() {
    let served = served(Bench::healthy());
    let mut readers = Vec::new();
    for _ in 0..32 {
        readers.push(served.client.follow(Some(39)).await.unwrap());
    }
    assert_eq!(served.client.follow(None).await.unwrap_err().code(), "HV-API-07");
    assert!(served.client.status(None).await.is_ok(), "readers keep others from asking");
    drop(readers);
    // The server sees the end of a connection a moment later.
    let room = async { while served.client.follow(None).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(20), room).await.unwrap();
}

#[tokio::test]
async fn whoever_may_not_ask_is_told_how_to_be_allowed() {
    use tower_service::Service;
    let request = hyper::Request::builder().uri("/v1/status").body(axum::body::Body::empty()).unwrap();
    let response = super::routes::refusing_router().call(request).await.unwrap();
    assert_eq!(response.status(), 403);
    let bytes = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
    let error: ApiError = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((error.code.as_str(), error.kind), ("HV-API-02", Refused::Forbidden));
    assert!(error.remedy.contains("group haven"));
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_in_words() {
    let served = served(Bench::healthy());
    for (path, code) in [("/v1/nothing", "HV-API-06"), ("/v1/status?att=3", "HV-API-06"), ("/v1/wait", "HV-API-06")] {
        let error = served.client.get::<serde_json::Value>(path).await.unwrap_err();
        assert_eq!(error.code(), code, "{path}: {error}");
        assert!(!error.remedy().is_empty());
    }
    let body = serde_json::json!({ "command": "make_tea" });
    let error = served.client.post::<_, serde_json::Value>("/v1/command", &body, Duration::ZERO).await.unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("HV-API-06", 64));
    // A caller cannot write down himself what the devices say.
    let word = Command::FenceConfirm { node: node("c"), power: Vec::new(), silent: Vec::new() };
    let error = served.client.command(&word).await.unwrap_err();
    assert!(error.code() == "HV-API-06" && error.to_string().contains("/v1/fence/confirm"), "{error}");
    let big = serde_json::json!({ "command": "x".repeat(9 << 20) });
    let error = served.client.post::<_, serde_json::Value>("/v1/command", &big, Duration::ZERO).await.unwrap_err();
    assert!(["HV-API-04", "HV-API-06"].contains(&error.code()), "{error}");
}

#[tokio::test]
async fn tokens_devices_metrics_and_refusals_come_through() {
    let served = served(Bench::healthy());
    let ask = TokenAsk { kind: haven_core::event::MemberKind::Full, span: Millis::secs(3600) };
    let given = served.client.issue_token(ask).await.unwrap();
    assert_eq!(given.token, "haven1-secret");
    assert!(!format!("{given:?}").contains("secret"), "a token is shown by its debug form");
    let ask = FenceTestAsk { node: node("a"), mode: FenceTestMode::Read };
    let answers = served.client.fence_test(&ask).await.unwrap();
    assert_eq!(answers[0].device.as_str(), "ilo-a");
    assert_eq!(served.client.metrics().await.unwrap(), "haven_log_applied_index 40\n");
    let error = served.client.leave(Leave::Stop).await.unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("HV-QUORUM-01", 2));
    let error = served.client.fence_confirm(&node("zz"), None).await.unwrap_err();
    assert_eq!(error.to_api().kind, Refused::NotFound);
}

#[tokio::test]
async fn every_question_is_answered_in_the_shape_that_the_client_reads() {
    let served = served(Bench::healthy());
    let client = &served.client;
    assert_eq!(client.why_resource(&rsc("db"), None).await.unwrap().row.on, "a");
    assert_eq!(client.why_resource(&rsc("g_web"), Some(LogIndex(40))).await.unwrap().row.on, "b");
    assert_eq!(client.why_node(&node("a"), None).await.unwrap().row.state, "online");
    assert!(client.plan().await.unwrap().steps.is_empty());
    let config = client.config(None).await.unwrap();
    assert!(config.text.contains("group g_web ip www"), "{}", config.text);
    assert_eq!(config.spec, served.node.with(|b| b.state.spec.clone()));
    let history = client.config_history().await.unwrap();
    assert_eq!((history.len(), history[0].index, history[0].by.as_str()), (2, config.revision, "olga"));
    let diff = client.config_diff(LogIndex(15), None).await.unwrap();
    assert!(diff.lines.iter().any(|l| l.mark == "+" && l.text.contains("g_web")), "{:?}", diff.lines);
    assert!(client.doctor().await.unwrap().checks.iter().any(|c| c.name == "udp port"));
    assert_eq!(client.links().await.unwrap().rows.len(), 6);
    assert_eq!(config.members, [node("a"), node("b"), node("c")]);
    assert_eq!(client.state(None).await.unwrap(), served.node.with(|b| b.state.clone()));
    assert_eq!(client.state(Some(LogIndex(20))).await.unwrap().index, LogIndex(20));
    assert_eq!(client.local().await.unwrap(), served.node.with(|b| b.local()));
    assert_eq!(client.failover(&node("a")).await.unwrap_err().code(), "HV-LOG-02");
    assert_eq!(client.why_node(&node("zz"), None).await.unwrap_err().code(), "HV-NODE-01");
    assert_eq!(client.why_resource(&rsc("zz"), None).await.unwrap_err().code(), "HV-RES-01");
}

#[tokio::test]
async fn what_if_shows_and_changes_nothing() {
    let served = served(Bench::healthy());
    let before = served.node.with(|b| b.state.index);
    let command = Command::Standby { node: node("b"), standby: Standby::On };
    let view = served.client.what_if(&command).await.unwrap();
    assert_eq!(view.moves.iter().map(|m| m.resource.as_str()).collect::<Vec<_>>(), ["ip", "www"]);
    assert_eq!(served.node.with(|b| b.state.index), before);
}

#[tokio::test]
async fn a_daemon_that_does_not_run_is_named_with_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("haven.sock");
    let error = Client::new(&path).status(None).await.unwrap_err();
    assert!(matches!(error, ClientError::NotRunning { .. }));
    let said = error.to_string();
    assert!(said.contains("haven.sock") && said.ends_with("there is no such socket"), "{said}");
    // A socket that a dead daemon has left.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let error = Client::new(&path).status(None).await.unwrap_err();
    assert!(error.to_string().ends_with("nothing listens there"), "{error}");
    assert!(bind(&path, Access::of_this_process()).is_ok(), "a dead daemon's socket is replaced");
}

#[tokio::test]
async fn a_second_daemon_does_not_take_the_socket_of_a_living_one() {
    let served = served(Bench::three());
    let error = bind(served.client.socket(), Access::of_this_process()).unwrap_err();
    assert!(error.to_string().contains("another daemon listens there"), "{error}");
    assert!(served.client.status(None).await.is_ok());
}
