//! The outside world: imitated providers over real HTTP, the demo merchant, and the customer.
