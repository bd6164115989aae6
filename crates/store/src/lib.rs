//! What is remembered: migrations, SQL, outbox, idempotency records; one narrow port, kept in SQLite.
