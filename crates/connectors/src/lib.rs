//! One folder per outside system: builds its requests, reads its answers and notices, declares its products, imitates it.
