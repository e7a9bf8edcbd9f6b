//! Bundles: containers with what runs in them.
//!
//! Source: Pacemaker Explained, "Bundles - Containerized Resources".

use std::collections::BTreeMap;

use haven_core::scheduler::engine::config::{BodyDef, BundleDef, ResourceDef};

use super::reading::Reading;
use super::resources::{common, resource};
use super::tree::Element;
use crate::diagnostic::quoted;

const ENGINES: [&str; 3] = ["docker", "podman", "rkt"];
/// Attributes of a container that are counts.
const COUNTS: [&str; 4] = ["replicas", "replicas-per-host", "promoted-max", "masters"];

pub(super) fn bundle<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<ResourceDef> {
    let known = ["docker", "podman", "rkt", "network", "storage", "primitive", "meta_attributes"];
    let children = r.children(element, &known);
    let mut bundle = BundleDef::default();
    let mut inner = None;
    for child in &children {
        match child.name() {
            "network" => network(r, *child, &mut bundle),
            "storage" => bundle.storage.extend(storage(r, *child)),
            "primitive" if inner.is_none() => inner = Some(*child),
            "primitive" => {
                r.said.error(child.name(), "a bundle runs more than one resource", "put one primitive into it");
            }
            engine if ENGINES.contains(&engine) && bundle.engine.is_empty() => container(r, *child, &mut bundle),
            engine if ENGINES.contains(&engine) => {
                r.said.error(child.name(), "a bundle has two kinds of containers", "keep one of them");
            }
            _ => {}
        }
    }
    if bundle.engine.is_empty() {
        r.said.error(element.name(), "a bundle has no container", "put `podman` or `docker` into it");
        return None;
    }
    let reached = ["control-port", "ip-range-start"].iter().any(|name| bundle.network.contains_key(*name));
    if let Some(inner) = inner {
        if !reached {
            let what = "nothing says how the resource in this bundle is reached";
            r.said.error(inner.name(), what, "give its network a control-port or an ip-range-start");
        }
        bundle.child = resource(r, inner);
    }
    Some(common(r, element, &children, BodyDef::Bundle(Box::new(bundle))))
}

fn container<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>, bundle: &mut BundleDef) {
    r.children(element, &[]);
    for attribute in element.attributes().iter().filter(|attribute| COUNTS.contains(&attribute.name)) {
        if attribute.value.parse::<u32>().is_err() {
            let what = format!("{} {} is no count", attribute.name, quoted(&attribute.value));
            r.said.error(attribute.whole, what, "write a whole number");
        }
    }
    element.name().clone_into(&mut bundle.engine);
    bundle.container = values(element);
}

fn network<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>, bundle: &mut BundleDef) {
    bundle.network = values(element);
    bundle.ports = r.children(element, &["port-mapping"]).into_iter().map(values).collect();
}

fn storage<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Vec<BTreeMap<String, String>> {
    r.children(element, &["storage-mapping"]).into_iter().map(values).collect()
}

/// All attributes as they were written.
fn values(element: Element) -> BTreeMap<String, String> {
    let attributes = element.attributes().iter();
    attributes.map(|attribute| (attribute.name.to_owned(), attribute.value.clone().into_owned())).collect()
}
