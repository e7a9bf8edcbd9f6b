//! Timeouts of operations, as an agent advises them.
//! Source: crm(8), "default-timeouts".

use super::EditFault;
use crate::crm::Configuration;
use crate::crm::object::resource::{Agent, Operation, Operations};
use crate::crm::object::{Body, Object};
use crate::diagnostic::quoted;

/// Operations that get a timeout even where they are not written.
const ALWAYS: [&str; 2] = ["start", "stop"];

impl Object {
    /// The agent of a primitive or a template, as `ocf:heartbeat:IPaddr2`; nothing if a template has it.
    pub fn agent(&self) -> Option<String> {
        let (Body::Primitive(primitive) | Body::Template(primitive)) = &self.body else { return None };
        match &primitive.agent {
            Agent::Named { class, provider: Some(provider), kind } => Some(format!("{class}:{provider}:{kind}")),
            Agent::Named { class, provider: None, kind } => Some(format!("{class}:{kind}")),
            Agent::Template(_) => None,
        }
    }
}

impl Configuration {
    /// Gives the operations of a primitive the timeouts of `advice`, by the names of the operations.
    pub fn set_timeouts(&self, primitive: &str, advice: &[(String, String)]) -> Result<Self, EditFault> {
        let mut changed = self.clone();
        let at = changed.index_of(primitive)?;
        let Some(Body::Primitive(found) | Body::Template(found)) = changed.objects.get_mut(at).map(|o| &mut o.body)
        else {
            return Err(EditFault::new(format!("{} is no primitive", quoted(primitive)), "name a primitive"));
        };
        found.with_operations(|operations| {
            for (name, timeout) in advice {
                set(operations, name, timeout);
            }
        });
        Ok(changed)
    }
}

fn set(operations: &mut Operations, name: &str, timeout: &str) {
    let there = operations.all.iter().any(|operation| operation.name == name);
    if !there && ALWAYS.contains(&name) {
        let attributes = vec![("interval".to_owned(), "0".to_owned())];
        operations.all.push(Operation { id: None, name: name.to_owned(), attributes, sets: Vec::new() });
    }
    for operation in operations.all.iter_mut().filter(|operation| operation.name == name) {
        match operation.attributes.iter_mut().find(|(name, _)| name == "timeout") {
            Some((_, known)) => timeout.clone_into(known),
            None => operation.attributes.push(("timeout".to_owned(), timeout.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::tests::{base, difference};

    #[test]
    fn timeouts_that_an_agent_advises_are_taken() {
        let before = base();
        let advice =
            [("start", "20s"), ("monitor", "15s"), ("notify", "5s")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        expect![[r#"
            - 	op monitor interval=10
            + 	op monitor interval=10 timeout=15s \
            + 	op start interval=0 timeout=20s
        "#]]
        .assert_eq(&difference(&before, &before.set_timeouts("a", &advice).unwrap()));
        assert!(before.set_timeouts("g1", &advice).is_err());
    }
}
