//! A BMC that speaks IPMI 2.0 over the lab's network: `ipmi_sim`, whose machine is one of the lab's.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::bmc::Bmc;
use super::shell::{Fallible, line, until};
use super::{Lab, Programs};

/// What it needs on this computer.
pub const IPMI_PROGRAMS: [&str; 2] = ["/usr/bin/ipmi_sim", "/usr/bin/ipmitool"];
/// Its user.
pub const USER: &str = "fence";
/// The user's password.
pub const PASSWORD: &str = "lab-s3cret";
const PORT: u16 = 623;

const CONTROL: &str = include_str!("chassis_control.sh");
const EMULATED: &str =
    "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n";

/// The BMC of one machine; it ends when it is dropped.
#[derive(Debug)]
pub struct IpmiBmc {
    simulator: Child,
    address: String,
}

impl IpmiBmc {
    /// A BMC for `machine` at `10.77.0.LAST`, which asks `switch` to do the work.
    pub fn new(lab: &Lab, switch: &Bmc, programs: &Programs, machine: &str, last: u8) -> Fallible<Self> {
        let address = format!("10.77.0.{last}");
        lab.network().address_at_switch(&address)?;
        let folder = lab.folder().join(format!("bmc-{machine}"));
        fs::create_dir_all(&folder)?;
        let control = folder.join("chassis_control");
        let script = CONTROL
            .replace("@MACHINE@", machine)
            .replace("@SOCKET@", &switch.address())
            .replace("@HAVEN@", &programs.haven.display().to_string());
        fs::write(&control, script)?;
        fs::set_permissions(&control, fs::Permissions::from_mode(0o755))?;
        fs::write(folder.join("lan.conf"), settings(machine, &address, &control.display().to_string()))?;
        fs::write(folder.join("bmc.emu"), EMULATED)?;
        let log = File::create(folder.join("sim.log"))?;
        let namespace = format!("--net=/run/netns/{}", lab.network().switch());
        let simulator = Command::new("nsenter")
            .args([&namespace, "ipmi_sim", "-n", "-c"])
            .arg(folder.join("lan.conf"))
            .arg("-f")
            .arg(folder.join("bmc.emu"))
            .arg("-s")
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let bmc = Self { simulator, address };
        let sockets = format!("nsenter {namespace} ss -Hlun src {}", bmc.address);
        until("the BMC listens", Duration::from_secs(10), || {
            Ok(line(&sockets)?.contains(&format!(":{PORT} ")).then_some(()))
        })?;
        Ok(bmc)
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for IpmiBmc {
    fn drop(&mut self) {
        let _ = self.simulator.kill();
        let _ = self.simulator.wait();
    }
}

fn settings(machine: &str, address: &str, control: &str) -> String {
    let methods = ["callback", "user", "operator", "admin"]
        .map(|level| format!("    allowed_auths_{level} none md2 md5 straight\n"))
        .concat();
    format!(
        "name \"{machine}\"\nset_working_mc 0x20\n  startlan 1\n    addr {address} {PORT}\n    priv_limit admin\n\
         {methods}    guid a123456789abcdefa123456789abcdef\n  endlan\n  chassis_control \"{control} 0x20\"\n  \
         user 1 true \"\" \"test\" user 10 none md2 md5 straight\n  \
         user 2 true \"{USER}\" \"{PASSWORD}\" admin 10 none md2 md5 straight\n"
    )
}
