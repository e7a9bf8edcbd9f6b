//! The disks of all machines of a cluster, as the world orders them about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use haven_env::Volume;

use crate::disk::{DiskProfile, SimVolume, VolumeImage};
use crate::exec::{Machine, Prng, lock};
use crate::world::Disks;

/// The file that the log is in.
const LOG: &str = "log.redb";

/// Orders after which a store need not open again.
const HARMS: &[&str] = &["lose", "restore-image", "flip"];

/// One volume per machine. Fault orders, in the words of `disk <machine> <order>`: `stall`, `release`, `full <bytes>`,
/// `room`, `lose`, `keep-image`, `restore-image`, `flip <byte>`: of the log, counted on from its beginning when it is over.
pub(crate) struct MachineDisks {
    volumes: BTreeMap<Machine, Arc<SimVolume>>,
    images: Mutex<BTreeMap<Machine, VolumeImage>>,
    harmed: Mutex<BTreeSet<Machine>>,
    /// Those that are full now: a store need not open there until there is room again.
    full: Mutex<BTreeSet<Machine>>,
}

impl MachineDisks {
    pub(crate) fn new(seed: u64, machines: u8, profile: DiskProfile) -> Arc<Self> {
        let volume = |n| (n, SimVolume::new(profile, Prng::named(seed, "disk", u64::from(n))));
        Arc::new(Self {
            volumes: (1..=machines).map(volume).collect(),
            images: Mutex::default(),
            harmed: Mutex::default(),
            full: Mutex::default(),
        })
    }
}

impl Disks for Arc<MachineDisks> {
    fn attach(&self, machine: Machine) -> Arc<dyn Volume> {
        match self.volumes.get(&machine) {
            Some(volume) => volume.attach(),
            None => crate::world::NoDisks.attach(machine),
        }
    }

    fn power_lost(&self, machine: Machine) -> usize {
        self.volumes.get(&machine).map_or(0, |volume| volume.power_loss())
    }

    fn daemon_died(&self, machine: Machine) {
        if let Some(volume) = self.volumes.get(&machine) {
            volume.process_death();
        }
    }

    fn fault(&self, machine: Machine, order: &str) -> Result<(), String> {
        let Some(volume) = self.volumes.get(&machine) else { return Err("no such disk".to_owned()) };
        let words: Vec<&str> = order.split_whitespace().collect();
        let number = |text: &str| text.parse::<u64>().map_err(|e| format!("`{text}`: {e}"));
        if let [first, ..] = *words.as_slice()
            && HARMS.contains(&first)
        {
            lock(&self.harmed).insert(machine);
        }
        match *words.as_slice() {
            ["stall"] => volume.stall(),
            ["release"] => volume.release(),
            ["full", bytes] => {
                volume.full_at(Some(volume.used() + number(bytes)?));
                lock(&self.full).insert(machine);
            }
            ["room"] => {
                volume.full_at(None);
                lock(&self.full).remove(&machine);
            }
            ["lose"] => volume.lose_everything(),
            ["keep-image"] => drop(lock(&self.images).insert(machine, volume.image())),
            ["restore-image"] => {
                let images = lock(&self.images);
                volume.rollback(images.get(&machine).ok_or("no image was kept")?);
            }
            ["flip", byte] => {
                let byte = usize::try_from(number(byte)?).map_err(|e| e.to_string())?;
                let mut length = 0;
                volume.read_all(&mut |name, bytes| length += if name == LOG { bytes.len() } else { 0 });
                let place = byte.checked_rem(length).ok_or("there is nothing on this disk")?;
                // A byte has eight bits.
                volume.flip(LOG, place, u32::from(byte.to_le_bytes()[0] % 8));
            }
            _ => return Err(format!("these disks know no order `{order}`")),
        }
        Ok(())
    }

    fn read_all(&self, machine: Machine, look: &mut dyn FnMut(&str, &[u8])) {
        if let Some(volume) = self.volumes.get(&machine) {
            volume.read_all(look);
        }
    }

    fn is_harmed(&self, machine: Machine) -> bool {
        lock(&self.harmed).contains(&machine) || lock(&self.full).contains(&machine)
    }

    fn heal(&self) {
        lock(&self.full).clear();
        for volume in self.volumes.values() {
            volume.release();
            volume.full_at(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cluster::{Cluster, ClusterOptions};
    use crate::exec::run;
    use crate::world::PASSWORD;

    #[test]
    fn a_secret_in_a_file_of_any_machine_is_found() {
        run(1, async {
            let cluster = Cluster::new(1, ClusterOptions::default());
            cluster.world.look_into_disks();
            assert_eq!(cluster.checker.violations(), []);
            let disk = cluster.world.disks().attach(2).open("notes").unwrap();
            let written = disk.clone();
            disk.submit(Box::new(move || written.write(4000, PASSWORD.as_bytes()))).await.unwrap();
            cluster.world.look_into_disks();
            let found: Vec<String> = cluster.checker.violations().iter().map(|v| v.what.clone()).collect();
            assert_eq!(found, ["the password of the fence devices is in the file notes of n2"]);
        });
    }

    #[test]
    fn a_node_that_cannot_start_on_a_disk_that_is_well_is_a_violation() {
        run(1, async {
            let cluster = Cluster::new(1, ClusterOptions::default());
            let disks = cluster.world.disks();
            for order in ["stall", "release", "keep-image"] {
                disks.fault(1, order).unwrap();
            }
            disks.fault(2, "full 0").unwrap();
            cluster.checker.cannot_start(1, "no table");
            cluster.checker.cannot_start(2, "no room");
            disks.fault(2, "room").unwrap();
            cluster.checker.cannot_start(2, "half a page");
            let found: Vec<String> = cluster.checker.violations().iter().map(|v| v.what.clone()).collect();
            let cannot = |node, why| format!("{node} cannot start, and its disk is well: {why}");
            assert_eq!(found, [cannot("n1", "no table"), cannot("n2", "half a page")]);
        });
    }
}
