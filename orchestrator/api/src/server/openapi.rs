//! The description of the API, made from the handlers.

use utoipa::OpenApi;

use super::{routes, routes_act, routes_export, routes_view};

/// The description as data.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "haven",
        description = "The cluster as one node sees it. Served on a unix socket, by default /run/haven/haven.sock."
    ),
    paths(
        routes::status,
        routes::log,
        routes::log_follow,
        routes_export::header,
        routes_export::entries,
        routes::wait,
        routes_view::why_resource,
        routes_view::why_node,
        routes_view::plan,
        routes_view::what_if,
        routes_view::config,
        routes_view::config_history,
        routes_view::config_diff,
        routes_view::doctor,
        routes_view::links,
        routes_view::failover,
        routes_view::state,
        routes_view::local,
        routes::metrics,
        routes::description,
        routes_act::command,
        routes_act::token,
        routes_act::ca,
        routes_act::ca_rotate,
        routes_act::fence_test,
        routes_act::fence_confirm,
        routes_act::shutdown,
    )
)]
struct Description;

/// The OpenAPI description as JSON, ending with a newline.
pub fn openapi_json() -> String {
    // Serializing a tree of strings does not fail; an empty text would fail the tests.
    Description::openapi().to_pretty_json().map(|json| json + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use expect_test::expect_file;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let json: serde_json::Value = serde_json::from_str(&openapi_json()).unwrap();
        let mut described = BTreeSet::new();
        for (path, methods) in json["paths"].as_object().unwrap() {
            described.extend(methods.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
        }
        let served: BTreeSet<String> =
            routes::routes().iter().map(|(method, path, _)| format!("{method} {path}")).collect();
        assert_eq!(described, served);
    }

    #[test]
    fn the_description_in_the_docs_is_in_step() {
        expect_file!["../../../../docs/reference/openapi.json"].assert_eq(&openapi_json());
    }
}
