//! Tests, still to come.
