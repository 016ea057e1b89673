//! The invariants of ARCHITECTURE.md, as tests: see `tests/`.
