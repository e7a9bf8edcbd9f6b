//! The production environment: tokio, quinn, files, processes, watchdog, tracing and metrics.
