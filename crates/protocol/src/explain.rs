//! Names what differs when a signature does not match.
