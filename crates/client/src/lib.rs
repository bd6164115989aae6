//! The merchant SDK: send any operation signed, with a three-way outcome; verify callbacks.
