//! One file per lifecycle: state, command or event, and time become a new state, effects and a reply, or a refusal.
