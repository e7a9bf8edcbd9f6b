//! What each agent's words become. The parameters of OCF agents are compared with the agents' own `meta-data` by an
//! integration test, where resource-agents is installed.

use expect_test::{Expect, expect};

use super::*;
use crate::diagnostic::{listed, render};
use crate::heartbeat::haresources::{Line, parse};
use crate::source::Source;

/// The agent, the parameters and the claims of every word; or what is wrong with it.
#[track_caller]
fn check(words: &str, want: Expect) {
    let source = Source::of_text("haresources", &format!("m1 {words}\n"));
    let (file, parsed) = parse(&source);
    let mut report = Report::default();
    report.extend(parsed.into_iter().filter(|d| d.severity == crate::diagnostic::Severity::Error));
    let mut shown = String::new();
    for word in file.lines.iter().flat_map(|Line { resources, .. }| resources) {
        let Some(meaning) = read(word, &mut report) else { continue };
        let agent = meaning.candidates().remove(0);
        let params: Vec<String> = meaning.params(&agent).iter().map(|(k, v)| format!(" {k}={v}")).collect();
        shown += &format!("{}: {agent}{} [{}]\n", meaning.label, params.concat(), listed(&meaning.claims));
    }
    want.assert_eq(&(shown + &render(&source, &report.finish())));
}

#[test]
fn addresses_in_every_spelling() {
    check(
        "10.0.0.1 IPaddr::10.0.0.2/24 IPaddr2::10.0.0.3/24/eth0 10.0.0.4/24/10.0.0.255 \
         10.0.0.5/255.255.240.0/eth0/10.0.15.255 IPv6addr::fe80:0:0:0:0:0:0:1/64/eth1 IPaddr2::10.0.0.7/24/eth0:0",
        expect![[r#"
            ip_10.0.0.1: haven:ip ip=10.0.0.1 [address 10.0.0.1]
            ip_10.0.0.2: haven:ip ip=10.0.0.2 cidr_netmask=24 [address 10.0.0.2]
            ip_10.0.0.3: haven:ip ip=10.0.0.3 cidr_netmask=24 nic=eth0 [address 10.0.0.3]
            ip_10.0.0.4: haven:ip ip=10.0.0.4 cidr_netmask=24 broadcast=10.0.0.255 [address 10.0.0.4]
            ip_10.0.0.5: haven:ip ip=10.0.0.5 cidr_netmask=20 nic=eth0 broadcast=10.0.15.255 [address 10.0.0.5]
            ip_fe80-0-0-0-0-0-0-1: haven:ip ip=fe80::1 cidr_netmask=64 nic=eth1 [address fe80::1]
            ip_10.0.0.7: haven:ip ip=10.0.0.7 cidr_netmask=24 nic=eth0 [address 10.0.0.7]
            haresources:1:159: note: the label `0` is not kept: the address is shown under eth0 itself
             1 | ...addr::fe80:0:0:0:0:0:0:1/64/eth1 IPaddr2::10.0.0.7/24/eth0:0
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn trap_5_what_begins_like_an_address_must_be_one() {
    check(
        "10.0.0.1x 1.2.3.4.5 10.0.0.300/24 IPaddr::host/24 10.0.0.1::eth0 IPaddr",
        expect![[r#"
        haresources:1:4: error: `10.0.0.1x` is no IP address, though heartbeat gives it to IPaddr
         1 | m1 10.0.0.1x 1.2.3.4.5 10.0.0.300/24 IPaddr::host/24 10.0.0.1::eth0 IPaddr
           |    ^^^^^^^^^
           remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
        haresources:1:14: error: `1.2.3.4.5` is no IP address, though heartbeat gives it to IPaddr
         1 | m1 10.0.0.1x 1.2.3.4.5 10.0.0.300/24 IPaddr::host/24 10.0.0.1::eth0 IPaddr
           |              ^^^^^^^^^
           remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
        haresources:1:24: error: `10.0.0.300` is no IP address, though heartbeat gives it to IPaddr
         1 | m1 10.0.0.1x 1.2.3.4.5 10.0.0.300/24 IPaddr::host/24 10.0.0.1::eth0 IPaddr
           |                        ^^^^^^^^^^^^^
           remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
        haresources:1:38: error: `host` is no IP address, though heartbeat gives it to IPaddr
         1 | m1 10.0.0.1x 1.2.3.4.5 10.0.0.300/24 IPaddr::host/24 10.0.0.1::eth0 IPaddr
           |                                      ^^^^^^^^^^^^^^^
           remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
        haresources:1:54: error: `10.0.0.1::eth0` is no IP address, though heartbeat gives it to IPaddr
         1 | m1 10.0.0.1x 1.2.3.4.5 10.0.0.300/24 IPaddr::host/24 10.0.0.1::eth0 IPaddr
           |                                                      ^^^^^^^^^^^^^^
           remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
        haresources:1:69: error: IPaddr has no arguments, and needs some
         1 | m1 10.0.0.1x 1.2.3.4.5 10.0.0.300/24 IPaddr::host/24 10.0.0.1::eth0 IPaddr
           |                                                                     ^^^^^^
           remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
    "#]],
    );
}

#[test]
fn trap_5_behind_the_mask_a_digit_begins_the_broadcast_address() {
    check(
        "10.0.0.1/24/0eth 10.0.0.2/24/10.0.0.255/eth0 10.0.0.3/24/eth0/x",
        expect![[r#"
        haresources:1:4: error: `0eth` begins with a digit, but is no broadcast address
         1 | m1 10.0.0.1/24/0eth 10.0.0.2/24/10.0.0.255/eth0 10.0.0.3/24/eth0/x
           |    ^^^^^^^^^^^^^^^^
           remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
        haresources:1:21: error: behind the mask, `10.0.0.255` begins with a digit, so heartbeat takes it for the broadcast address and skips the rest
         1 | m1 10.0.0.1/24/0eth 10.0.0.2/24/10.0.0.255/eth0 10.0.0.3/24/eth0/x
           |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
           remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
        haresources:1:49: error: `x` is no broadcast address
         1 | m1 10.0.0.1/24/0eth 10.0.0.2/24/10.0.0.255/eth0 10.0.0.3/24/eth0/x
           |                                                 ^^^^^^^^^^^^^^^^^^
           remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
    "#]],
    );
}

#[test]
fn masks_and_interfaces_are_checked() {
    check(
        "10.0.0.1/33 10.0.0.2/255.0.255.0 10.0.0.3/eth0 10.0.0.4//eth0 10.0.0.5/24/averyveryverylongname \
         10.0.0.6/24/eth0/10.0.0.255/x IPv6addr::fe80:0:0:0:0:0:0:1/129 IPaddr2::10.0.0.8/0.0.0.0",
        expect![[r#"
            haresources:1:4: error: the netmask `33` is out of range, 1 to 32 bits are allowed
             1 | m1 10.0.0.1/33 10.0.0.2/255.0.255.0 10.0.0.3/eth0 10.0.0.4//eth0 10.0.0.5/24/averyveryverylongname 1...
               |    ^^^^^^^^^^^
               remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
            haresources:1:16: error: `255.0.255.0` is no netmask
             1 | m1 10.0.0.1/33 10.0.0.2/255.0.255.0 10.0.0.3/eth0 10.0.0.4//eth0 10.0.0.5/24/averyveryverylongname 1...
               |                ^^^^^^^^^^^^^^^^^^^^
               remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
            haresources:1:37: error: `eth0` is no netmask
             1 | ...10.0.0.1/33 10.0.0.2/255.0.255.0 10.0.0.3/eth0 10.0.0.4//eth0 10.0.0.5/24/averyveryverylongname 10.0...
               |                                     ^^^^^^^^^^^^^
               remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
            haresources:1:51: error: `10.0.0.4//eth0` has an empty part between slashes, which heartbeat skips
             1 | ....0.0.2/255.0.255.0 10.0.0.3/eth0 10.0.0.4//eth0 10.0.0.5/24/averyveryverylongname 10.0.0.6/24/eth0/1...
               |                                     ^^^^^^^^^^^^^^
               remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
            haresources:1:66: error: `averyveryverylongname` is no name of an interface
             1 | ...5.0 10.0.0.3/eth0 10.0.0.4//eth0 10.0.0.5/24/averyveryverylongname 10.0.0.6/24/eth0/10.0.0.255/x IPv...
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
            haresources:1:100: error: `10.0.0.6/24/eth0/10.0.0.255/x` has too many parts
             1 | ...0.0.0.5/24/averyveryverylongname 10.0.0.6/24/eth0/10.0.0.255/x IPv6addr::fe80:0:0:0:0:0:0:1/129 IPad...
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
            haresources:1:130: error: the netmask `129` is out of range, 1 to 128 bits are allowed
             1 | ...me 10.0.0.6/24/eth0/10.0.0.255/x IPv6addr::fe80:0:0:0:0:0:0:1/129 IPaddr2::10.0.0.8/0.0.0.0
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `IPv6addr::ip[/mask[/interface][/broadcast]]`
            haresources:1:163: error: `0.0.0.0` is no netmask
             1 | ...IPv6addr::fe80:0:0:0:0:0:0:1/129 IPaddr2::10.0.0.8/0.0.0.0
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `IPaddr2::ip[/mask[/interface][/broadcast]]`
        "#]],
    );
}

#[test]
fn an_address_that_the_agent_refuses_is_refused_before() {
    check(
        "0.0.0.0 224.0.0.1/24 IPv6addr::ff02:0:0:0:0:0:0:1 IPv6addr::fe80:0:0:0:0:0:0:1/64 \
         IPv6addr::2001:db8:0:0:0:0:0:1/64/eth0/10.0.0.255 IPaddr2::0:0:0:0:0:0:0:0",
        expect![[r#"
            haresources:1:4: error: `0.0.0.0` is not an address that one machine can have
             1 | m1 0.0.0.0 224.0.0.1/24 IPv6addr::ff02:0:0:0:0:0:0:1 IPv6addr::fe80:0:0:0:0:0:0:1/64 IPv6addr::2001:...
               |    ^^^^^^^
               remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
            haresources:1:12: error: `224.0.0.1` is not an address that one machine can have
             1 | m1 0.0.0.0 224.0.0.1/24 IPv6addr::ff02:0:0:0:0:0:0:1 IPv6addr::fe80:0:0:0:0:0:0:1/64 IPv6addr::2001:...
               |            ^^^^^^^^^^^^
               remedy: write `IPaddr::ip[/mask[/interface][/broadcast]]`
            haresources:1:25: error: `ff02::1` is not an address that one machine can have
             1 | m1 0.0.0.0 224.0.0.1/24 IPv6addr::ff02:0:0:0:0:0:0:1 IPv6addr::fe80:0:0:0:0:0:0:1/64 IPv6addr::2001:...
               |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `IPv6addr::ip[/mask[/interface][/broadcast]]`
            haresources:1:54: error: `fe80::1` is link-local, so it means nothing without an interface
             1 | .../24 IPv6addr::ff02:0:0:0:0:0:0:1 IPv6addr::fe80:0:0:0:0:0:0:1/64 IPv6addr::2001:db8:0:0:0:0:0:1/64/e...
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: name the interface: `IPv6addr::ip/mask/interface`
            haresources:1:86: error: there is the broadcast address 10.0.0.255, and IPv6 has none
             1 | ... IPv6addr::fe80:0:0:0:0:0:0:1/64 IPv6addr::2001:db8:0:0:0:0:0:1/64/eth0/10.0.0.255 IPaddr2::0:0:0:0:...
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: remove `/10.0.0.255`
            haresources:1:136: error: `::` is not an address that one machine can have
             1 | ...8:0:0:0:0:0:1/64/eth0/10.0.0.255 IPaddr2::0:0:0:0:0:0:0:0
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `IPaddr2::ip[/mask[/interface][/broadcast]]`
        "#]],
    );
}

#[test]
fn arguments_that_are_no_address_interface_or_port_are_errors() {
    check(
        "IPsrcaddr::foo IPsrcaddr::0.0.0.0 SendArp::foo/eth0 SendArp::224.0.0.1/eth0 SendArp::10.0.0.1/ \
         portblock::xyz::80::block portblock::tcp::0::block portblock::tcp::80,x::block portblock::udp::80:90::open",
        expect![[r#"
            haresources:1:4: error: `foo` is no IP address
             1 | m1 IPsrcaddr::foo IPsrcaddr::0.0.0.0 SendArp::foo/eth0 SendArp::224.0.0.1/eth0 SendArp::10.0.0.1/ po...
               |    ^^^^^^^^^^^^^^
               remedy: write the address alone, `IPsrcaddr::ip`
            haresources:1:19: error: `0.0.0.0` is not an address that one machine can have
             1 | m1 IPsrcaddr::foo IPsrcaddr::0.0.0.0 SendArp::foo/eth0 SendArp::224.0.0.1/eth0 SendArp::10.0.0.1/ po...
               |                   ^^^^^^^^^^^^^^^^^^
               remedy: write the address alone, `IPsrcaddr::ip`
            haresources:1:38: error: `foo` is no IPv4 address
             1 | ...Psrcaddr::foo IPsrcaddr::0.0.0.0 SendArp::foo/eth0 SendArp::224.0.0.1/eth0 SendArp::10.0.0.1/ portbl...
               |                                     ^^^^^^^^^^^^^^^^^
               remedy: write `SendArp::ip/interface`
            haresources:1:56: error: `224.0.0.1` is not an address that one machine can have
             1 | ...caddr::0.0.0.0 SendArp::foo/eth0 SendArp::224.0.0.1/eth0 SendArp::10.0.0.1/ portblock::xyz::80::bloc...
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `SendArp::ip/interface`
            haresources:1:80: error: `` is no name of an interface
             1 | ...foo/eth0 SendArp::224.0.0.1/eth0 SendArp::10.0.0.1/ portblock::xyz::80::block portblock::tcp::0::blo...
               |                                     ^^^^^^^^^^^^^^^^^^
               remedy: write `SendArp::ip/interface`
            haresources:1:99: error: `xyz` is no protocol that portblock knows, tcp and udp are
             1 | ...24.0.0.1/eth0 SendArp::10.0.0.1/ portblock::xyz::80::block portblock::tcp::0::block portblock::tcp::...
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `portblock::udp|tcp::port,port::block|unblock`
            haresources:1:125: error: `0` is no list of ports, 1 to 65535 each
             1 | ...0.0.1/ portblock::xyz::80::block portblock::tcp::0::block portblock::tcp::80,x::block portblock::udp...
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `portblock::udp|tcp::port,port::block|unblock`
            haresources:1:150: error: `80,x` is no list of ports, 1 to 65535 each
             1 | ...::block portblock::tcp::0::block portblock::tcp::80,x::block portblock::udp::80:90::open
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `portblock::udp|tcp::port,port::block|unblock`
            haresources:1:178: error: `open` is nothing that portblock does, block and unblock are
             1 | ...lock portblock::tcp::80,x::block portblock::udp::80:90::open
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `portblock::udp|tcp::port,port::block|unblock`
        "#]],
    );
    check(
        "portblock::udp::80,8000:8010::unblock SendArp::10.0.0.1/eth0:1",
        expect![[r#"
        portblock_udp: ocf:heartbeat:portblock protocol=udp portno=80,8000:8010 action=unblock [`portblock::udp::80,8000:8010::unblock`]
        SendArp_10.0.0.1/eth0:1: ocf:heartbeat:SendArp ip=10.0.0.1 nic=eth0:1 []
    "#]],
    );
}

#[test]
fn scripts_that_stand_for_an_ocf_agent() {
    check(
        "Filesystem::/dev/sdb1::/d0::ext4::noatime,nodev Filesystem::server:/export::/mnt::nfs Filesystem::-Ldata::/ \
         LVM::vg IPsrcaddr::10.0.0.1 LinuxSCSI::0:0:11 Raid1::/etc/md.conf::/dev/md0 MailTo::a,b::moved apache \
         apache::/etc/httpd.conf Xinetd::ftp portblock::tcp::80,443::block ICP::c0h1::/dev/sdb1 ServeRAID::1::1 \
         db2::db2inst1 ids::/informix::ids1::onconfig.ids1 ids WinPopup::hosts",
        expect![[r#"
            fs_d0: ocf:heartbeat:Filesystem device=/dev/sdb1 directory=/d0 fstype=ext4 options=noatime,nodev [directory /d0, device /dev/sdb1]
            fs_mnt: ocf:heartbeat:Filesystem device=server:/export directory=/mnt fstype=nfs [directory /mnt]
            fs_root: ocf:heartbeat:Filesystem device=-Ldata directory=/ [directory /, label data]
            LVM_vg: ocf:heartbeat:LVM volgrpname=vg [volume group vg]
            IPsrcaddr_10.0.0.1: ocf:heartbeat:IPsrcaddr ipaddress=10.0.0.1 [`IPsrcaddr::10.0.0.1`]
            LinuxSCSI_0:0:11: ocf:heartbeat:LinuxSCSI scsi=0:0:11 [`LinuxSCSI::0:0:11`]
            Raid1_/etc/md.conf: ocf:heartbeat:Raid1 raidconf=/etc/md.conf raiddev=/dev/md0 [`Raid1::/etc/md.conf::/dev/md0`]
            MailTo_a,b: ocf:heartbeat:MailTo email=a,b subject=moved []
            apache: ocf:heartbeat:apache [`apache`]
            apache_/etc/httpd.conf: ocf:heartbeat:apache configfile=/etc/httpd.conf [`apache::/etc/httpd.conf`]
            Xinetd_ftp: ocf:heartbeat:Xinetd service=ftp [`Xinetd::ftp`]
            portblock_tcp: ocf:heartbeat:portblock protocol=tcp portno=80,443 action=block [`portblock::tcp::80,443::block`]
            ICP_c0h1: ocf:heartbeat:ICP driveid=c0h1 device=/dev/sdb1 [`ICP::c0h1::/dev/sdb1`]
            ServeRAID_1: ocf:heartbeat:ServeRAID serveraid=1 mergegroup=1 [`ServeRAID::1::1`]
            db2_db2inst1: ocf:heartbeat:db2 instance=db2inst1 [`db2::db2inst1`]
            ids_/informix: ocf:heartbeat:ids informixdir=/informix informixserver=ids1 onconfig=onconfig.ids1 [`ids::/informix::ids1::onconfig.ids1`]
            ids: ocf:heartbeat:ids [`ids`]
            WinPopup_hosts: ocf:heartbeat:WinPopup hostfile=hosts []
        "#]],
    );
}

#[test]
fn scripts_that_take_their_arguments_apart() {
    check(
        "SendArp::10.0.0.1/eth0 Delay Delay::5 Delay::5::7 ldirectord ldirectord::ldirectord.cf \
         ldirectord::/etc/l.cf WAS::8080 WAS::/opt/was.xml AudibleAlarm::m1::m2 drbddisk drbddisk::r0 drbdupper::r1",
        expect![[r#"
            SendArp_10.0.0.1/eth0: ocf:heartbeat:SendArp ip=10.0.0.1 nic=eth0 []
            Delay: ocf:heartbeat:Delay mondelay=0 []
            Delay_5: ocf:heartbeat:Delay mondelay=0 startdelay=5 []
            Delay_5: ocf:heartbeat:Delay mondelay=0 startdelay=5 stopdelay=7 []
            ldirectord: ocf:heartbeat:ldirectord [`ldirectord`]
            ldirectord_ldirectord.cf: ocf:heartbeat:ldirectord configfile=/etc/ha.d/ldirectord.cf [`ldirectord::ldirectord.cf`]
            ldirectord_/etc/l.cf: ocf:heartbeat:ldirectord configfile=/etc/l.cf [`ldirectord::/etc/l.cf`]
            WAS_8080: ocf:heartbeat:WAS port=8080 [`WAS::8080`]
            WAS_/opt/was.xml: ocf:heartbeat:WAS config=/opt/was.xml [`WAS::/opt/was.xml`]
            AudibleAlarm_m1: ocf:heartbeat:AudibleAlarm nodelist=m1 m2 []
            drbddisk: heartbeat:drbddisk [DRBD resource all]
            drbddisk_r0: heartbeat:drbddisk 1=r0 [DRBD resource r0]
            drbdupper_r1: heartbeat:drbdupper 1=r1 [DRBD resource r1]
        "#]],
    );
}

#[test]
fn everything_else_is_a_script_with_numbered_arguments() {
    check(
        "vz killnfsd OCF::drbd::r0 nfs-kernel-server getty@tty1",
        expect![[r#"
        vz: heartbeat:vz [`vz`]
        killnfsd: heartbeat:killnfsd [`killnfsd`]
        OCF_drbd: heartbeat:OCF 1=drbd 2=r0 [`OCF::drbd::r0`]
        nfs-kernel-server: heartbeat:nfs-kernel-server [`nfs-kernel-server`]
        getty@tty1: heartbeat:getty@tty1 [`getty@tty1`]
    "#]],
    );
}

#[test]
fn arguments_that_do_not_fit_are_an_error_with_the_right_form() {
    check(
        "Filesystem::/dev/a Filesystem::/dev/a::d Filesystem::a::/b::c::d::e LVM portblock::tcp::80 ids::a drbdupper \
         drbddisk::a::b SendArp::10.0.0.1 Delay::soon Delay::9999 WAS::a::b ldirectord::a::b",
        expect![[r#"
            haresources:1:4: error: Filesystem has one argument, which does not fit
             1 | m1 Filesystem::/dev/a Filesystem::/dev/a::d Filesystem::a::/b::c::d::e LVM portblock::tcp::80 ids::a...
               |    ^^^^^^^^^^^^^^^^^^
               remedy: write `Filesystem::device::directory[::fstype[::options]]`
            haresources:1:23: error: the directory `d` does not begin with `/`
             1 | m1 Filesystem::/dev/a Filesystem::/dev/a::d Filesystem::a::/b::c::d::e LVM portblock::tcp::80 ids::a...
               |                       ^^^^^^^^^^^^^^^^^^^^^
               remedy: write `Filesystem::device::/directory::fstype`
            haresources:1:45: error: Filesystem has 5 arguments, which do not fit
             1 | ...em::/dev/a Filesystem::/dev/a::d Filesystem::a::/b::c::d::e LVM portblock::tcp::80 ids::a drbdupper ...
               |                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write `Filesystem::device::directory[::fstype[::options]]`
            haresources:1:72: error: LVM has no arguments, and needs some
             1 | .../a::d Filesystem::a::/b::c::d::e LVM portblock::tcp::80 ids::a drbdupper drbddisk::a::b SendArp::10....
               |                                     ^^^
               remedy: write `LVM::volume-group`
            haresources:1:76: error: portblock has 2 arguments, which do not fit
             1 | ...d Filesystem::a::/b::c::d::e LVM portblock::tcp::80 ids::a drbdupper drbddisk::a::b SendArp::10.0.0....
               |                                     ^^^^^^^^^^^^^^^^^^
               remedy: write `portblock::udp|tcp::port,port::block|unblock`
            haresources:1:95: error: ids has one argument, which does not fit
             1 | ...::c::d::e LVM portblock::tcp::80 ids::a drbdupper drbddisk::a::b SendArp::10.0.0.1 Delay::soon Delay...
               |                                     ^^^^^^
               remedy: write `ids[::directory::server::onconfig]`
            haresources:1:102: error: drbdupper has no arguments, and needs some
             1 | ...:e LVM portblock::tcp::80 ids::a drbdupper drbddisk::a::b SendArp::10.0.0.1 Delay::soon Delay::9999 ...
               |                                     ^^^^^^^^^
               remedy: write `drbdupper::resource`
            haresources:1:112: error: drbddisk has 2 arguments, which do not fit
             1 | ...tblock::tcp::80 ids::a drbdupper drbddisk::a::b SendArp::10.0.0.1 Delay::soon Delay::9999 WAS::a::b ...
               |                                     ^^^^^^^^^^^^^^
               remedy: write `drbddisk[::resource]`
            haresources:1:127: error: SendArp has one argument, which does not fit
             1 | ... ids::a drbdupper drbddisk::a::b SendArp::10.0.0.1 Delay::soon Delay::9999 WAS::a::b ldirectord::a::...
               |                                     ^^^^^^^^^^^^^^^^^
               remedy: write `SendArp::ip/interface`
            haresources:1:145: error: `soon` is no number of seconds, 0 to 600 is allowed
             1 | ...drbddisk::a::b SendArp::10.0.0.1 Delay::soon Delay::9999 WAS::a::b ldirectord::a::b
               |                                     ^^^^^^^^^^^
               remedy: write `Delay::seconds[::seconds-at-stop]`
            haresources:1:157: error: `9999` is no number of seconds, 0 to 600 is allowed
             1 | ...:b SendArp::10.0.0.1 Delay::soon Delay::9999 WAS::a::b ldirectord::a::b
               |                                     ^^^^^^^^^^^
               remedy: write `Delay::seconds[::seconds-at-stop]`
            haresources:1:169: error: WAS has 2 arguments, which do not fit
             1 | ...10.0.0.1 Delay::soon Delay::9999 WAS::a::b ldirectord::a::b
               |                                     ^^^^^^^^^
               remedy: write `WAS[::configuration-file|port]`
            haresources:1:179: error: ldirectord has 2 arguments, which do not fit
             1 | ...elay::soon Delay::9999 WAS::a::b ldirectord::a::b
               |                                     ^^^^^^^^^^^^^^^^
               remedy: write `ldirectord[::configuration-file]`
        "#]],
    );
}

#[test]
fn no_operation_ends_before_its_own_delay() {
    let times = |word: &str| {
        let (file, _) = parse(&Source::of_text("haresources", &format!("m1 {word}\n")));
        let meaning = read(&file.lines[0].resources[0], &mut Report::default()).unwrap();
        meaning.native.unwrap().times
    };
    assert_eq!(times("Delay::100::200"), Times::secs(130, 230, 30, 30));
    assert_eq!(times("Delay"), Times::secs(50, 60, 30, 30));
}
