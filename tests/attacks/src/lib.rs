//! The operator of a server, gone bad, and somebody with a link, gone bad: `tests/` has one file per attack, `conclave-kit` who carries
//! them out.
//!
//! The operator holds the media server's API secret and stands between the server and whomever it likes. What it cannot do is change the
//! client: every attack runs against the program that people run, natively and in a browser.
