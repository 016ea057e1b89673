//! RFC 9605, appendix C: the published test vectors of the SFrame header and of the two AES-GCM suites, run on the code that
//! seals our frames.
#![cfg(test)]

use serde_json::Value;
use sframe::CipherSuite;
use sframe::frame::{EncryptedFrameView, MediaFrameView, SingleUseCounter};
use sframe::header::SframeHeader;
use sframe::key::{DecryptionKey, EncryptionKey};

fn vectors(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("rfc9605.json")).expect("json");
    all[kind].as_array().expect("a list").clone()
}

fn number(vector: &Value, name: &str) -> u64 {
    vector[name].as_u64().expect("a number")
}

fn bytes(vector: &Value, name: &str) -> Vec<u8> {
    let hex = vector[name].as_str().expect("hex");
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect("hex")).collect()
}

#[test]
fn headers() {
    let headers = vectors("header");
    assert_eq!(headers.len(), 289);
    for vector in headers {
        let (kid, counter, encoded) = (number(&vector, "kid"), number(&vector, "ctr"), bytes(&vector, "encoded"));
        let header = SframeHeader::new(kid, counter);
        assert_eq!(Vec::from(&header), encoded);
        assert_eq!(SframeHeader::deserialize(&encoded).expect("a header"), header);
    }
}

#[test]
fn aes_gcm_suites() {
    let suites = vectors("sframe");
    assert_eq!(suites.len(), 2);
    for vector in suites {
        let suite = match number(&vector, "cipher_suite") {
            4 => CipherSuite::AesGcm128Sha256,
            5 => CipherSuite::AesGcm256Sha512,
            other => panic!("suite {other}"),
        };
        let (kid, counter) = (number(&vector, "kid"), number(&vector, "ctr"));
        let (base_key, metadata) = (bytes(&vector, "base_key"), bytes(&vector, "metadata"));
        let (plain, sealed) = (bytes(&vector, "pt"), bytes(&vector, "ct"));

        let key = EncryptionKey::derive_from(suite, kid, &base_key).expect("a key");
        let mut once = SingleUseCounter::new(counter);
        let frame = MediaFrameView::try_with_meta_data(&mut once, &plain, &metadata).expect("a fresh counter");
        let mut out = Vec::new();
        let view = frame.encrypt_into(&key, &mut out).expect("it seals");
        assert_eq!(view.sframe_cipher_text(), sealed, "suite {suite}");

        let key = DecryptionKey::derive_from(suite, kid, &base_key).expect("a key");
        let view = EncryptedFrameView::try_with_meta_data(&sealed, &metadata).expect("a header");
        let mut out = Vec::new();
        assert_eq!(view.decrypt_into(&key, &mut out).expect("it opens").payload(), plain);
    }
}
