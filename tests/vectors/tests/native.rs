//! The vectors, natively; and that each of them can fail.

use conclave_vectors::ALL;
use serde_json::Value;

#[test]
fn every_vector_holds() {
    let held: Vec<_> = ALL.iter().map(|vectors| (vectors.name, vectors.run().expect("they hold"))).collect();
    let expected = [
        ("crypto-basics", 1),
        ("key-schedule", 1),
        ("welcome", 1),
        ("passive-client-welcome", 8),
        ("passive-client-handling-commit", 13),
        ("passive-client-random", 1),
    ];
    assert_eq!(held, expected);
}

/// Values of one vector that are changed, one at a time.
const CHANGED: usize = 24;

#[test]
fn a_changed_digit_is_noticed_wherever_it_stands() {
    for vectors in ALL {
        let all: Vec<Value> = serde_json::from_str(vectors.json).expect("an array");
        let vector = all.last().expect("a vector");
        let mut places = hex_strings(vector);
        // Where no commit follows, nobody needs the leaf's private key.
        places.retain(|place| vectors.name != "passive-client-welcome" || place != "/encryption_priv");
        let step = places.len().div_ceil(CHANGED);
        for place in places.iter().step_by(step) {
            let mut changed = vector.clone();
            let Some(Value::String(text)) = changed.pointer_mut(place) else { panic!("{place} is a string") };
            let middle = text.len() / 2;
            let digit = if &text[middle..=middle] == "0" { "1" } else { "0" };
            text.replace_range(middle..=middle, digit);
            let json = Value::Array(vec![changed]).to_string();
            assert!(vectors.run_on(&json).is_err(), "{}: nobody noticed that {place} was changed", vectors.name);
        }
    }
}

/// Where in `value` bytes stand, as JSON pointers.
fn hex_strings(value: &Value) -> Vec<String> {
    let below = |at: String, inner: &Value| hex_strings(inner).into_iter().map(|rest| format!("/{at}{rest}")).collect::<Vec<_>>();
    match value {
        Value::String(text) if !text.is_empty() && text.chars().all(|digit| digit.is_ascii_hexdigit()) => vec![String::new()],
        Value::Array(inner) => inner.iter().enumerate().flat_map(|(n, inner)| below(n.to_string(), inner)).collect(),
        Value::Object(inner) => inner.iter().flat_map(|(name, inner)| below(name.clone(), inner)).collect(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
