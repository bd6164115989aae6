//! The HTTP door: limits, trust, one pipeline for all operations, one entrance for provider notices, mounts the pages.
