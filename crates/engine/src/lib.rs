//! Runs the machine: batch, load, decide, commit once, perform effects, feed back what came of them.
