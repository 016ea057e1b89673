//! The words that JavaScript uses for small enums, and the TypeScript types that list them.

use conclave_base::{Codec, Source};
use conclave_session::{CreateError, InputError, SealError};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::*;

#[cfg(target_arch = "wasm32")]
#[wasm_bindgen(typescript_custom_section)]
const SECTION: &str = TYPES;

#[cfg(any(test, target_arch = "wasm32"))]
const TYPES: &str = r#"
/** What an encoded frame is. */
export type Codec = "opus" | "vp8" | "vp9";
/** Why no meeting was made. */
export type CreateRefusal = "title" | "seed";
/** Why an input was not taken; the meeting goes on as if it had not come. */
export type InputRefusal = "outOfTurn" | "text" | "notHost" | "noMember" | "busy" | "malformed";
/** Why a frame was not sealed; it must not be sent. */
export type SealRefusal = "noKey" | "malformed" | "exhausted";
"#;

/// A value or argument from JavaScript that is none of the words.
pub(crate) const MALFORMED: &str = "malformed";

pub(crate) fn codec(word: &str) -> Option<Codec> {
    match word {
        "opus" => Some(Codec::Opus),
        "vp8" => Some(Codec::Vp8),
        "vp9" => Some(Codec::Vp9),
        _ => None,
    }
}

/// The words that serde gives [`Source`] in the snapshot.
pub(crate) fn source(word: &str) -> Option<Source> {
    match word {
        "camera" => Some(Source::Camera),
        "microphone" => Some(Source::Microphone),
        "screen" => Some(Source::Screen),
        "screenAudio" => Some(Source::ScreenAudio),
        _ => None,
    }
}

pub(crate) const fn of_source(source: Source) -> &'static str {
    match source {
        Source::Camera => "camera",
        Source::Microphone => "microphone",
        Source::Screen => "screen",
        Source::ScreenAudio => "screenAudio",
    }
}

pub(crate) const fn create(error: CreateError) -> &'static str {
    match error {
        CreateError::Title => "title",
    }
}

pub(crate) const fn input(error: InputError) -> &'static str {
    match error {
        InputError::OutOfTurn => "outOfTurn",
        InputError::Text => "text",
        InputError::NotHost => "notHost",
        InputError::NoMember => "noMember",
        InputError::Busy => "busy",
    }
}

pub(crate) const fn seal(error: SealError) -> &'static str {
    match error {
        SealError::NoKey => "noKey",
        SealError::Malformed => MALFORMED,
        SealError::Exhausted => "exhausted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_types() {
        for each in Source::ALL {
            assert_eq!(source(of_source(each)), Some(each));
        }
        assert_eq!(source("Camera"), None);
        for error in [InputError::OutOfTurn, InputError::Text, InputError::NotHost, InputError::NoMember, InputError::Busy] {
            assert!(TYPES.contains(&format!("\"{}\"", input(error))));
        }
    }
}
