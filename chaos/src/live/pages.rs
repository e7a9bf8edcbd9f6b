//! What the API tells that could hold a secret.

/// Pages of the cluster and of the node that answers.
const PAGES: [&str; 10] = [
    "/v1/status",
    "/v1/plan",
    "/v1/config",
    "/v1/config/history",
    "/v1/log?from=1",
    "/v1/links",
    "/v1/local",
    "/v1/doctor",
    "/v1/state",
    "/v1/metrics",
];
/// Pages about a node.
const OF_NODES: [&str; 2] = ["/v1/why/node/", "/v1/failover/"];
/// Pages about a resource.
const OF_RESOURCES: [&str; 1] = ["/v1/why/resource/"];

/// All pages of a cluster.
pub(super) fn all(nodes: &[String], resources: &[String]) -> Vec<String> {
    let about = |pages: &[&str], names: &[String]| -> Vec<String> {
        pages.iter().flat_map(|page| names.iter().map(move |name| format!("{page}{name}"))).collect()
    };
    [PAGES.map(str::to_owned).to_vec(), about(&OF_NODES, nodes), about(&OF_RESOURCES, resources)].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// A page that is not there would never hold a secret.
    #[test]
    fn every_page_is_one_of_the_api() {
        let text = include_str!("../../../docs/reference/openapi.json");
        let api: Value = serde_json::from_str(text).unwrap();
        let names = ["{id}".to_owned()];
        let pages = all(&names, &names);
        assert!(pages.contains(&"/v1/why/node/{id}".to_owned()) && pages.contains(&"/v1/plan".to_owned()), "{pages:?}");
        for page in pages {
            let path = page.split('?').next().unwrap();
            assert!(api["paths"][path]["get"].is_object(), "{path} is no question of the API");
        }
    }
}
