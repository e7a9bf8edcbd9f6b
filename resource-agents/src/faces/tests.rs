use super::*;

#[derive(Default)]
struct Table {
    values: BTreeMap<(String, String, Lifetime), String>,
    away: bool,
}

impl Table {
    fn ask(&self) -> Result<(), StoreError> {
        if self.away { Err(StoreError("no socket".to_owned())) } else { Ok(()) }
    }
}

fn key(node: &str, name: &str, lifetime: Lifetime) -> (String, String, Lifetime) {
    (node.to_owned(), name.to_owned(), lifetime)
}

impl AttributeStore for Table {
    fn get(&mut self, node: &str, name: &str, lifetime: Lifetime) -> Result<Option<String>, StoreError> {
        self.ask()?;
        Ok(self.values.get(&key(node, name, lifetime)).cloned())
    }

    fn set(&mut self, node: &str, name: &str, lifetime: Lifetime, value: &str) -> Result<(), StoreError> {
        self.ask()?;
        self.values.insert(key(node, name, lifetime), value.to_owned());
        Ok(())
    }

    fn delete(&mut self, node: &str, name: &str, lifetime: Lifetime) -> Result<(), StoreError> {
        self.ask()?;
        self.values.remove(&key(node, name, lifetime));
        Ok(())
    }

    fn my_name(&mut self) -> Result<String, StoreError> {
        self.ask().map(|()| "m1".to_owned())
    }

    fn members(&mut self) -> Result<Vec<Member>, StoreError> {
        let member = |number, name: &str, present| Member { number, name: name.to_owned(), present };
        Ok(vec![member(1, "m1", Presence::Member), member(2, "m2", Presence::Lost), member(3, "m3", Presence::Member)])
    }

    fn quorum(&mut self) -> Result<Quorum, StoreError> {
        Ok(Quorum::Held)
    }

    fn locate(&mut self, resource: &str) -> Result<Vec<Place>, StoreError> {
        let place = |node: &str, promoted| Place { node: node.to_owned(), promoted };
        Ok(match resource {
            "drbd" => vec![place("m1", Promoted::Yes), place("m3", Promoted::No)],
            _ => Vec::new(),
        })
    }
}

/// Runs lines as a shell would split them; shows each with what it printed and its code.
fn check(store: &mut Table, lines: &[(&str, &str)]) {
    let env = BTreeMap::from([("OCF_RESOURCE_INSTANCE".to_owned(), "db:0".to_owned())]);
    for (line, expected) in lines {
        let mut words = line.split_whitespace().map(str::to_owned);
        let face = words.next().unwrap();
        let args: Vec<String> = words.collect();
        let spoken = speak(&face, &args, &env, store);
        let shown = match (spoken.code, spoken.stdout.is_empty()) {
            (0, _) => spoken.stdout.trim_end_matches('\n').to_owned(),
            (code, true) => format!("{code}"),
            (code, false) => format!("{code} {}", spoken.stdout),
        };
        assert_eq!(&shown, expected, "{line}: {}", spoken.stderr);
    }
}

#[test]
fn promotion_scores_are_set_asked_and_deleted_in_every_form_that_agents_use() {
    check(
        &mut Table::default(),
        &[
            ("crm_master -q -l reboot -G", "105"),
            ("crm_master -Q -l reboot -v 1000", ""),
            ("crm_master -q -l reboot -G", "1000"),
            ("crm_attribute --promotion -v 5", ""),
            ("crm_attribute -p -G --quiet", "5"),
            ("crm_attribute -p db -G -q", "5"),
            ("crm_attribute -l reboot -n master-db -G -q", "5"),
            ("crm_attribute -p -D", ""),
            ("crm_master -N m1 -l reboot -G --quiet", "105"),
        ],
    );
}

#[test]
fn node_attributes_live_until_the_boot_or_for_ever() {
    check(
        &mut Table::default(),
        &[
            ("crm_attribute -N m2 -l reboot --name gtid --update=7", ""),
            ("crm_attribute -N m2 -l reboot --name gtid --query", "scope=status  name=gtid value=7"),
            ("crm_attribute -N m2 -l forever --name gtid --query -q", "105"),
            ("crm_attribute -N m2 --name gtid --query -q -d none", "none"),
            ("crm_attribute --type nodes --node m2 -n gtid -v 9", ""),
            ("crm_attribute -N m2 -n gtid -q", "9"),
            ("crm_attribute --quiet -t nodes --node m2 -z -n cpu", "105"),
            ("crm_attribute -t nodes --node m2 -z -n cpu -v 4", ""),
            ("crm_attribute -t nodes --node m2 -z -n cpu -q", "4"),
        ],
    );
}

#[test]
fn replication_positions_are_the_clusters() {
    check(
        &mut Table::default(),
        &[
            ("crm_attribute --type crm_config --name db_REPL_INFO -s mysql_replication -v m1|bin.1|4", ""),
            ("crm_attribute --type crm_config --name db_REPL_INFO -s mysql_replication --query -q", "m1|bin.1|4"),
        ],
    );
}

#[test]
fn attrd_updater_speaks_lines_that_a_shell_can_read() {
    let mut table = Table::default();
    check(
        &mut table,
        &[
            ("attrd_updater -n #health-cpu -U red -d 30s", ""),
            ("attrd_updater -n pingd -B 100 -d 5s", ""),
            ("attrd_updater -n pingd -Q", "name=\"pingd\" host=\"m1\" value=\"100\""),
            ("attrd_updater -p -N m3 -n db-gtid -Q", "105"),
            ("attrd_updater -p --name db-gtid --node m3 --update 0-1-2", ""),
            ("attrd_updater --query -n db-gtid -N m3", "name=\"db-gtid\" host=\"m3\" value=\"0-1-2\""),
            ("attrd_updater -n pingd -D -d 5s", ""),
            ("attrd_updater -n pingd -Q", "105"),
            ("attrd_updater -S status -n machines -v 3", ""),
            ("attrd_updater -Q -A -n machines", "name=\"machines\" host=\"m1\" value=\"3\""),
        ],
    );
    table.set("m1", "odd", Lifetime::Boot, "$(reboot)").unwrap();
    check(&mut table, &[("attrd_updater -n odd -Q", "name=\"odd\" host=\"m1\" value=\"\\$(reboot)\"")]);
}

#[test]
fn counters_count() {
    check(
        &mut Table::default(),
        &[
            ("attrd_updater -n fails -v fails++", ""),
            ("attrd_updater -n fails -v fails+=2", ""),
            ("attrd_updater -n fails -Q", "name=\"fails\" host=\"m1\" value=\"3\""),
            ("crm_attribute -l reboot -n word -v c++x", ""),
            ("crm_attribute -l reboot -n word -q", "c++x"),
        ],
    );
}

#[test]
fn nodes_are_listed_as_agents_expect() {
    check(
        &mut Table::default(),
        &[
            ("crm_node -n", "m1"),
            ("crm_node -l", "1 m1 member\n2 m2 lost\n3 m3 member"),
            ("crm_node -l -p", "m1 m3"),
            ("crm_node -p", "m1 m3"),
            ("crm_node -q", "1"),
            ("crm_node -i", "1"),
            ("crm_node --name-for-id 3", "m3"),
            ("crm_node", "64"),
            ("pacemakerd -$", "Pacemaker 2.1.5"),
        ],
    );
}

#[test]
fn a_resource_is_located_in_words_that_drbds_agent_looks_for() {
    check(
        &mut Table::default(),
        &[
            (
                "crm_resource --resource drbd --locate",
                "resource drbd is running on: m1 Master\nresource drbd is running on: m3 ",
            ),
            ("crm_resource -W -Q -r drbd", "m1\nm3"),
            ("crm_resource -W -r ip", "resource ip is NOT running"),
            ("crm_resource -Q -r vm -z -g cpu", "102"),
            ("crm_resource -B -r db -N m1 -Q", "69"),
        ],
    );
}

#[test]
fn what_haven_cannot_answer_it_refuses() {
    for face in NAMES {
        let spoken = speak(face, &["--nonsense".to_owned()], &BTreeMap::new(), &mut Table::default());
        assert_ne!(spoken.code, 0, "{face}");
        assert!(spoken.stderr.starts_with(face), "{}", spoken.stderr);
    }
}

#[test]
fn without_the_daemon_nothing_succeeds() {
    let mut away = Table { away: true, ..Table::default() };
    check(&mut away, &[("crm_attribute -N m1 -l reboot -n x -v 1", "102"), ("crm_node -n", "102")]);
}
