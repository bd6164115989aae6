//! Tests over every connector.
