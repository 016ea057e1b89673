//! Real browsers, a real server and native members in one meeting: one file in `tests/` for each scene, its script in `scenes/`.
