//! The replicated log: openraft and redb on a Disk, snapshots, and the archive of events.
