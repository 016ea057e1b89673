//! The MLS working group's test vectors for RFC 9420, run against what people run: OpenMLS on our primitives and our store, natively and in
//! WebAssembly.
//!
//! ```text
//!   data/*.json --> crypto_basics, key_schedule, welcome --> primitives (core/client/mls/src/{crypto, hpke}.rs)
//!               \-> passive_client ------------------------> OpenMLS on them, and on store.rs
//! ```
//!
//! `data/README.md` says where the vectors come from, which part of them is here, and which cannot be run from outside OpenMLS.

mod crypto_basics;
mod hex;
mod key_schedule;
mod labels;
mod passive_client;
mod reader;
mod welcome;

use serde::de::DeserializeOwned;

/// How many vectors held, or what did not.
type Outcome = Result<usize, String>;

/// One file of vectors.
pub struct Vectors {
    /// Name in `data/`, without its extension.
    pub name: &'static str,
    /// What stands in it.
    pub json: &'static str,
    run: fn(&str) -> Outcome,
}

macro_rules! vectors {
    ($($name:literal by $one:path,)*) => {
        &[$(Vectors { name: $name, json: include_str!(concat!("../data/", $name, ".json")), run: |json| each(json, $one) }),*]
    };
}

/// All of them.
pub const ALL: &[Vectors] = vectors![
    "crypto-basics" by crypto_basics::check,
    "key-schedule" by key_schedule::check,
    "welcome" by welcome::check,
    "passive-client-welcome" by passive_client::check,
    "passive-client-handling-commit" by passive_client::check,
    "passive-client-random" by passive_client::check,
];

impl Vectors {
    /// Runs them as they are.
    pub fn run(&self) -> Outcome {
        self.run_on(self.json)
    }

    /// Runs what somebody made of them.
    pub fn run_on(&self, json: &str) -> Outcome {
        (self.run)(json).map_err(|error| format!("{}: {error}", self.name))
    }
}

/// Checks each vector of an array.
fn each<T: DeserializeOwned>(json: &str, check: impl Fn(&T) -> Result<(), String>) -> Outcome {
    let vectors: Vec<T> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    for (number, vector) in vectors.iter().enumerate() {
        check(vector).map_err(|error| format!("vector {number}: {error}"))?;
    }
    Ok(vectors.len())
}

/// `Ok` if both are the same.
fn same(what: &str, found: &[u8], expected: &[u8]) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} is {}, not {}", hex::encode(found), hex::encode(expected))) }
}

/// Runs all in the browser's engine: the name of each file and how many of its vectors held.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn run_all() -> Result<String, String> {
    ALL.iter().map(|vectors| Ok(format!("{} {}\n", vectors.name, vectors.run()?))).collect()
}
