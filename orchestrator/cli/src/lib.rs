//! The one program `haven`: daemon, command line, simulator, demo.
