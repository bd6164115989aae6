//! What we promise callers: one file per operation and per notification, and the tables behind them.
