//! Primitives, groups, clones, templates and bundles.

use haven_core::ids::ResourceId;
use haven_core::scheduler::engine::config::{BodyDef, Promotable, ResourceDef};
use haven_core::spec::{AttrSet, Body, Resource, SpecEdit, find_value};
use haven_core::units::Score;

use super::agents;
use super::sets::{Kept, Owner};
use super::tally::{Fate, Thing};
use super::work::Work;
use crate::diagnostic::quoted;

/// How the description of a resource begins whose possible loss of data was accepted.
const ACCEPTED: &str = "loss of data accepted at import: DRBD without protection";
/// Sets of a resource.
const PARAMS: &str = "instance_attributes";
const META: &str = "meta_attributes";
const UTILIZATION: &str = "utilization";

impl<'a> Work<'_, 'a, '_> {
    pub(super) fn template(&mut self, template: &ResourceDef) {
        if self.devices.contains(&template.id) {
            let what = format!("{} is a template of fence devices", quoted(&template.id));
            self.refused_whole(template, &what, "write each device out, and remove the template");
            return;
        }
        let BodyDef::Primitive { agent: Some(agent), .. } = &template.body else {
            self.refused_whole(template, "a template names no agent", "write its class and type");
            return;
        };
        let body = self.agent(&template.id, agent).map(|agent| Body::Template { agent });
        self.made(template, body);
    }

    /// A resource of the top level with all that is in it.
    pub(super) fn resource(&mut self, resource: &ResourceDef) {
        match &resource.body {
            BodyDef::Primitive { .. } if self.devices.contains(&resource.id) => self.device(resource),
            BodyDef::Primitive { agent, template } => {
                let agent = agent.as_ref().map(|agent| self.agent(&resource.id, agent));
                let template =
                    template.as_ref().map(|id| self.resource_id(id, self.places.attribute(&resource.id, "template")));
                let body = match (agent, template) {
                    (Some(None), _) | (_, Some(None)) => None,
                    (agent, template) => Some(Body::Primitive { agent: agent.flatten(), template: template.flatten() }),
                };
                self.made(resource, body);
            }
            BodyDef::Group(members) => {
                if self.devices.contains(&resource.id) {
                    let what = format!("group {} has a fence device in it", quoted(&resource.id));
                    self.refused_whole(
                        resource,
                        &what,
                        "take the device out of the group: haven does not start devices",
                    );
                    return;
                }
                members.iter().for_each(|member| self.resource(member));
                let names: Option<Vec<ResourceId>> =
                    members.iter().map(|member| ResourceId::new(&member.id).ok()).collect();
                self.made(resource, names.map(|members| Body::Group { members }));
            }
            BodyDef::Clone { child, promotable } => self.cloned(resource, child, *promotable),
            BodyDef::Bundle(_) => {
                let what = format!("bundle {}: this version of haven runs no bundles", quoted(&resource.id));
                self.refused_whole(resource, &what, "run the container by a unit of systemd, and make that a resource");
            }
        }
    }

    fn cloned(&mut self, resource: &ResourceDef, child: &ResourceDef, promotable: Promotable) {
        if self.devices.contains(&resource.id) {
            let what = format!("{} makes a clone of a fence device", quoted(&resource.id));
            self.refused_whole(resource, &what, "take the device out of the clone: every node can use it");
            return;
        }
        self.resource(child);
        let body = ResourceId::new(&child.id).ok().map(|child| Body::Clone { child });
        let by_name = [("promotable", "true")];
        let extra = match promotable {
            Promotable::ByName => Some(AttrSet { score: Score::INFINITY, ..AttrSet::of(by_name) }),
            Promotable::ByMeta => None,
        };
        self.made_with(resource, body, extra);
    }

    fn made(&mut self, resource: &ResourceDef, body: Option<Body>) {
        self.made_with(resource, body, None);
    }

    /// The resource, with one more set of meta attributes, put into the configuration if it has a body.
    fn made_with(&mut self, resource: &ResourceDef, body: Option<Body>, extra: Option<AttrSet>) {
        let ResourceDef { id, body: _, own, meta, params, utilization, operations } = resource;
        let object = format!("resource {id}");
        let owner = Owner { id, object: &object };
        let name = self.resource_id(id, self.places.id(id));
        // What stands at the element itself comes before all sets.
        let own = (!own.is_empty()).then(|| AttrSet { score: Score::INFINITY, ..AttrSet::of(own.clone()) });
        let own = self.meta(owner, META, own.as_slice());
        let meta = self.meta(owner, META, meta);
        let params = self.sets(owner, PARAMS, params, |_, _, _, value| Kept::As(value.to_owned()));
        let utilization = self.sets(owner, UTILIZATION, utilization, Self::amount);
        let operations = operations.iter().filter_map(|op| self.operation(id, op)).collect();
        let fate = match name.zip(body) {
            None => Fate::Refused,
            Some((name, body)) => {
                let meta = extra.into_iter().chain(own).chain(meta).collect();
                let new = Resource { params, meta, utilization, operations, ..Resource::new(name, body) };
                self.put(id, new)
            }
        };
        self.count(Thing::Resource, object, fate);
    }

    fn put(&mut self, id: &str, resource: Resource) -> Fate {
        let description = self.places.element(id).and_then(|element| element.text("description"));
        let mut resource = Resource { description, ..resource };
        if let Body::Primitive { agent: Some(agent), .. } = &resource.body
            && agents::uses_drbd(agent, find_value(&resource.params, "device"))
        {
            // A configuration of haven's own says it already.
            let said = resource.description.as_deref().is_some_and(|text| text.starts_with(ACCEPTED));
            if !said && !self.import.accept_data_loss.contains(&resource.id) {
                let what = format!(
                    "{} uses DRBD, which this version of haven does not drive: it may start on data that the other node has \
                     changed since",
                    quoted(id)
                );
                return self.refuse(
                    self.places.id(id),
                    what,
                    format!("accept the loss by name: --data-loss-accepted {}", resource.id),
                );
            }
            if !said {
                let before = resource.description.map(|text| format!("; {text}")).unwrap_or_default();
                resource.description = Some(format!("{ACCEPTED}{before}"));
            }
        }
        self.edit(SpecEdit::PutResource(resource));
        Fate::Taken
    }

    /// The id of a resource. Errors are said.
    pub(super) fn resource_id(&mut self, text: &str, part: &str) -> Option<ResourceId> {
        self.name(text, part, ResourceId::new)
    }

    fn amount(&mut self, part: &str, name: &str, value: &str) -> Kept {
        if value.parse::<i64>().is_ok() {
            return Kept::As(value.to_owned());
        }
        let what = format!("utilization {} is {}, and no whole number", quoted(name), quoted(value));
        Kept::Out(self.refuse(part, what, "write a whole number"))
    }

    /// One error for the resource and all that is in it.
    pub(super) fn refused_whole(&mut self, resource: &ResourceDef, what: &str, remedy: &'static str) {
        self.refuse(self.places.id(&resource.id), what, remedy);
        self.counted_whole(resource, Fate::Refused);
    }

    /// The resource and all that is in it has this fate.
    pub(super) fn counted_whole(&mut self, resource: &ResourceDef, fate: Fate) {
        let ResourceDef { id, body, own, meta, params, utilization, operations } = resource;
        let object = format!("resource {id}");
        self.count(Thing::Resource, object.clone(), fate);
        let mut values = own.len();
        values += meta.iter().chain(params).chain(utilization).map(|set| set.values.len()).sum::<usize>();
        for operation in operations {
            self.count(Thing::Operation, format!("{object} op {}", operation.name), fate);
            values += operation.meta.iter().chain(&operation.params).map(|set| set.values.len()).sum::<usize>();
        }
        for _ in 0..values {
            self.count(Thing::Value, format!("{object} value"), fate);
        }
        match body {
            BodyDef::Primitive { .. } => {}
            BodyDef::Group(members) => members.iter().for_each(|member| self.counted_whole(member, fate)),
            BodyDef::Clone { child, .. } => self.counted_whole(child, fate),
            BodyDef::Bundle(bundle) => bundle.child.iter().for_each(|child| self.counted_whole(child, fate)),
        }
    }
}
