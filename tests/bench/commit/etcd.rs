//! Three members of Debian's etcd, and a client that asks the leader over one HTTP/2 connection.
//!
//! The two messages that are needed are written by hand: `PutRequest{key = 1, value = 2}` and the three fields of
//! `StatusResponse` and its header. Source: etcd's `rpc.proto`, gRPC over HTTP/2.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::net::TcpStream;

use haven_tests::lab::Fallible;

/// Attempts at a member that starts, a tenth of a second apart.
const START_ATTEMPTS: u32 = 300;
/// Bytes of one value: what an event of haven's takes with its envelope.
const VALUE: usize = 256;

pub(crate) struct Etcd {
    members: Vec<Child>,
    leader: Option<Member>,
}

struct Member {
    port: u16,
    requests: SendRequest<Bytes>,
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for member in &mut self.members {
            let _ = member.kill();
            let _ = member.wait();
        }
    }
}

impl Etcd {
    pub(crate) async fn start(folder: &Path) -> Fallible<Self> {
        let ports = free_ports()?;
        let peers: Vec<String> =
            (1..).zip(&ports).map(|(n, (_, peer))| format!("e{n}=http://127.0.0.1:{peer}")).collect();
        let mut this = Self { members: Vec::new(), leader: None };
        for (n, (client, peer)) in (1..).zip(&ports) {
            let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
            let log = File::create(folder.join(format!("e{n}.log")))?;
            let mut command = Command::new("etcd");
            command.args(["--name", &format!("e{n}"), "--data-dir"]).arg(folder.join(format!("e{n}")));
            command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
            command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
            command.args(["--initial-cluster", &peers.join(","), "--initial-cluster-state", "new"]);
            let started = command.stdout(Stdio::null()).stderr(log).spawn();
            this.members.push(started.map_err(|e| format!("etcd does not start (package etcd-server): {e}"))?);
        }
        this.leader = Some(find_leader(&ports).await?);
        Ok(this)
    }

    pub(crate) async fn put(&mut self, n: u32) -> Fallible<()> {
        let mut message = Vec::with_capacity(VALUE + 16);
        field(&mut message, 1, format!("k{}", n % 100).as_bytes());
        field(&mut message, 2, &[7; VALUE]);
        let leader = self.leader.as_mut().ok_or("etcd has no leader")?;
        leader.ask("/etcdserverpb.KV/Put", &message).await.map(drop)
    }
}

impl Member {
    async fn connect(port: u16) -> Fallible<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port)).await?;
        socket.set_nodelay(true)?;
        let (requests, connection) = h2::client::handshake(socket).await?;
        tokio::spawn(connection);
        Ok(Self { port, requests })
    }

    /// One gRPC call: the bytes of the answer's message.
    async fn ask(&mut self, path: &str, message: &[u8]) -> Fallible<Vec<u8>> {
        let request = http::Request::post(format!("http://127.0.0.1:{}{path}", self.port))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())?;
        let mut requests = self.requests.clone().ready().await?;
        let (answer, mut body) = requests.send_request(request, false)?;
        let mut framed = vec![0];
        framed.extend_from_slice(&u32::try_from(message.len())?.to_be_bytes());
        framed.extend_from_slice(message);
        body.send_data(framed.into(), true)?;
        let mut stream = answer.await?.into_body();
        let mut bytes = Vec::new();
        while let Some(piece) = stream.data().await {
            let piece = piece?;
            stream.flow_control().release_capacity(piece.len())?;
            bytes.extend_from_slice(&piece);
        }
        let trailers = stream.trailers().await?;
        let status = trailers.as_ref().and_then(|t| t.get("grpc-status")).map(http::HeaderValue::as_bytes);
        if status != Some(b"0") {
            return Err(format!("etcd answered {path} with status {status:?}").into());
        }
        Ok(bytes.get(5..).unwrap_or_default().to_vec())
    }

    /// Whether this member says that it leads.
    async fn leads(&mut self) -> Fallible<bool> {
        let status = self.ask("/etcdserverpb.Maintenance/Status", &[]).await?;
        let (mut header, mut leader) = (None, None);
        for (number, value) in fields(&status) {
            match (number, value) {
                (1, Value::Bytes(bytes)) => header = Some(bytes),
                (4, Value::Number(id)) => leader = Some(id),
                _ => {}
            }
        }
        let own = fields(header.unwrap_or_default()).into_iter().find_map(|(number, value)| match (number, value) {
            (2, Value::Number(id)) => Some(id),
            _ => None,
        });
        Ok(own.is_some() && own == leader)
    }
}

/// A client port and a peer port for each member, free at this moment.
fn free_ports() -> Fallible<Vec<(u16, u16)>> {
    let sockets: Result<Vec<_>, _> = (0..6).map(|_| std::net::TcpListener::bind(("127.0.0.1", 0))).collect();
    let ports: Result<Vec<_>, _> = sockets?.iter().map(|s| s.local_addr().map(|a| a.port())).collect();
    Ok(ports?.chunks(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect())
}

async fn find_leader(ports: &[(u16, u16)]) -> Fallible<Member> {
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..START_ATTEMPTS {
        for (client, _) in ports {
            let Ok(mut member) = Member::connect(*client).await else { continue };
            if member.leads().await.unwrap_or(false) && member.ask("/etcdserverpb.KV/Put", b"\x0a\x01a").await.is_ok() {
                return Ok(member);
            }
        }
        looks.tick().await;
    }
    Err("etcd has elected nobody".into())
}

fn varint(out: &mut Vec<u8>, mut n: usize) {
    while n >= 0x80 {
        out.push(0x80 | n.to_le_bytes()[0]);
        n >>= 7;
    }
    out.push(n.to_le_bytes()[0]);
}

fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len());
    out.extend_from_slice(bytes);
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message; ends at the first that is of another kind.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut found = Vec::new();
    while let Some((tag, rest)) = number(bytes) {
        let Some((value, rest)) = number(rest) else { break };
        match tag & 7 {
            0 => {
                found.push((tag >> 3, Value::Number(value)));
                bytes = rest;
            }
            2 => {
                let Some((inner, rest)) = usize::try_from(value).ok().and_then(|len| rest.split_at_checked(len)) else {
                    break;
                };
                found.push((tag >> 3, Value::Bytes(inner)));
                bytes = rest;
            }
            _ => break,
        }
    }
    found
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (place, byte) in (0..10).zip(bytes) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(usize::try_from(place).ok()? + 1..)?));
        }
    }
    None
}
