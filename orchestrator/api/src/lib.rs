//! HTTP and JSON over the node, its OpenAPI description, and the client.
