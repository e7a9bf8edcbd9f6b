//! The wires: a bridge in a namespace of its own, one cable per machine, and a client.

use std::fs::File;
use std::net::UdpSocket;
use std::os::fd::AsFd;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::shell::{Fallible, line};

/// The client's address.
const CLIENT: &str = "10.77.0.100";

/// Namespaces and cables. All names begin with the lab's word.
#[derive(Debug, Clone)]
pub struct Network {
    word: String,
}

impl Network {
    pub(super) fn new(word: &str) -> Fallible<Self> {
        let network = Self { word: word.to_owned() };
        let (switch, client) = (network.switch(), network.client());
        line(&format!("ip netns add {switch}"))?;
        line(&format!("ip -n {switch} link add br0 type bridge forward_delay 0 mcast_snooping 0"))?;
        line(&format!("ip -n {switch} link set br0 up"))?;
        line(&format!("ip -n {switch} link set lo up"))?;
        line(&format!("ip netns add {client}"))?;
        network.cable("client", &client, &format!("{CLIENT}/24"))?;
        Ok(network)
    }

    /// The namespace of the switch.
    pub fn switch(&self) -> String {
        format!("{}-sw", self.word)
    }

    /// The namespace of the client.
    pub fn client(&self) -> String {
        format!("{}-cl", self.word)
    }

    /// The namespace of a machine.
    pub fn of(&self, machine: &str) -> String {
        format!("{}-{machine}", self.word)
    }

    /// A cable named `name` at the switch, `eth0` with `address` at the other end.
    pub(super) fn cable(&self, name: &str, namespace: &str, address: &str) -> Fallible<()> {
        let switch = self.switch();
        line(&format!("ip link add {name} netns {switch} type veth peer name eth0 netns {namespace}"))?;
        line(&format!("ip -n {switch} link set {name} master br0 up"))?;
        line(&format!("ip -n {namespace} link set lo up"))?;
        line(&format!("ip -n {namespace} link set eth0 up"))?;
        line(&format!("ip -n {namespace} addr add {address} broadcast + dev eth0"))?;
        Ok(())
    }

    /// A second cable of a machine: named like it with a `b` behind at the switch, `eth1` at the machine, without an
    /// address.
    pub(super) fn second_cable(&self, machine: &str) -> Fallible<()> {
        let (switch, namespace) = (self.switch(), self.of(machine));
        line(&format!("ip link add {machine}b netns {switch} type veth peer name eth1 netns {namespace}"))?;
        line(&format!("ip -n {switch} link set {machine}b master br0 up"))?;
        line(&format!("ip -n {namespace} link set eth1 up"))?;
        Ok(())
    }

    /// Gives `eth1` of a machine its address.
    pub fn second_address(&self, machine: &str, address: &str) -> Fallible<()> {
        line(&format!("ip -n {} addr add {address}/24 broadcast + dev eth1", self.of(machine))).map(drop)
    }

    /// Gives the switch itself an address, for what is reached there, such as a BMC.
    pub fn address_at_switch(&self, address: &str) -> Fallible<()> {
        line(&format!("ip -n {} addr add {address}/24 dev br0", self.switch())).map(drop)
    }

    /// Pulls or plugs the cable of a machine at the switch.
    pub fn link(&self, machine: &str, state: &str) -> Fallible<()> {
        line(&format!("ip -n {} link set {machine} {state}", self.switch())).map(drop)
    }

    /// The neighbour that the client believes to have `address`.
    pub fn neighbour(&self, address: &str) -> Fallible<String> {
        let table = line(&format!("ip -n {} neigh show {address}", self.client()))?;
        let mut words = table.split_whitespace().skip_while(|word| *word != "lladdr");
        Ok(words.nth(1).ok_or_else(|| format!("no neighbour {address}: {table}"))?.to_owned())
    }

    /// The hardware address of a machine.
    pub fn hardware(&self, machine: &str) -> Fallible<String> {
        let text = line(&format!("ip -n {} -o link show eth0", self.of(machine)))?;
        let mut words = text.split_whitespace().skip_while(|word| *word != "link/ether");
        Ok(words.nth(1).ok_or("no hardware address")?.to_owned())
    }

    /// A socket of the client.
    pub(super) fn client_socket(&self) -> Fallible<UdpSocket> {
        let path = format!("/run/netns/{}", self.client());
        // A thread of its own is moved, makes the socket, and ends; the socket stays where it was made.
        let made = std::thread::spawn(move || -> Fallible<UdpSocket> {
            let namespace = File::open(path)?;
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(UdpSocket::bind("0.0.0.0:0")?)
        });
        made.join().map_err(|_| "the thread of the client's socket panicked")?
    }

    pub(super) fn forget(&self, machine: &str) {
        let _ = line(&format!("ip netns del {}", self.of(machine)));
        let _ = line(&format!("ip -n {} link del {machine}", self.switch()));
    }

    pub(super) fn remove(&self) {
        for namespace in [self.client(), self.switch()] {
            let _ = line(&format!("ip netns del {namespace}"));
        }
    }
}
