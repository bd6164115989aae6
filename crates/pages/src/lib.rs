//! Server-rendered HTML: one folder per page.
