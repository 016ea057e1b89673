//! The published vectors, and what no public function reaches.

use super::index::{srtcp_nonce, srtp_nonce};
use super::keys::{SessionKey, derive};
use super::*;
use crate::packet::{Outgoing, Packet};

/// Of RFC 7714, section 16: session keys, and the salt "Quid pro quo".
const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SALT: &str = "517569642070726f2071756f";
const RTP: &str = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
const SRTP_128: &str =
    "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce";
const SRTP_256: &str =
    "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13";
/// Of section 17.
const RTCP: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
const SRTCP_128: &str = "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4";
const SRTCP_256: &str = "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4";
const SRTCP_INDEX: u32 = 0x5d4;
/// Section 17.3: proved, and not encrypted.
const SRTCP_128_CLEAR: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef841dd9683dd78ec92ae58790125f62b3000005d4";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

fn salt() -> [u8; 12] {
    hex(SALT).try_into().expect("12 bytes")
}

fn session(key: &str) -> SessionKey {
    SessionKey::new(&hex(key), salt()).expect("a key")
}

fn sealer(key: &str) -> Sealer {
    Sealer::new(session(key), session(key))
}

fn opener(key: &str) -> Opener {
    Opener::new(session(key), session(key))
}

#[test]
fn nonces_are_those_of_rfc_7714() {
    assert_eq!(srtp_nonce(&salt(), 0x5501_a0b2, 0xf17b).to_vec(), hex("51753c6580c2726f20718414"));
    assert_eq!(srtcp_nonce(&salt(), 0x4d61_7273, SRTCP_INDEX).to_vec(), hex("517524055203726f207170bb"));
    assert_eq!(
        srtp_nonce(&[0; 12], 1, 0x1234_5678_9abc).to_vec(),
        hex("000000000001123456789abc"),
        "the rollover counter stands before the number"
    );
}

#[test]
fn rtp_is_sealed_and_opened_as_in_rfc_7714() {
    for (key, sealed) in [(KEY_128, SRTP_128), (KEY_256, SRTP_256)] {
        let (plain, sealed) = (hex(RTP), hex(sealed));
        let mut sealer = sealer(key);
        let stream = sealer.add_stream(0x5501_a0b2).expect("the first");
        let header = Outgoing { payload_type: 0x40, timestamp: 0x8041_f8d3, ..Outgoing::default() };
        let mut out = [0; 200];
        let len = sealer.claim(stream, 0xf17b).expect("fresh").seal(&header, &[&plain[12..20], &plain[20..]], &mut out).expect("room");
        assert_eq!(out[..len], sealed);

        let mut out = [0; 200];
        let opened = opener(key).open(&Packet::read(&sealed).expect("a header"), &mut out).expect("it is proved");
        assert_eq!((opened.number, &out[..opened.len]), (0xf17b, &plain[12..]));
    }
}

#[test]
fn rtcp_is_sealed_and_opened_as_in_rfc_7714() {
    for (key, sealed) in [(KEY_128, SRTCP_128), (KEY_256, SRTCP_256)] {
        let (plain, sealed) = (hex(RTCP), hex(sealed));
        let mut out = [0; 200];
        let len = sealer(key).with_next_report(SRTCP_INDEX).seal_rtcp(&plain, &mut out).expect("room");
        assert_eq!(out[..len], sealed);

        let mut out = [0; 200];
        let len = opener(key).open_rtcp(&sealed, &mut out).expect("it is proved");
        assert_eq!(out[..len], plain);
    }
}

#[test]
fn rtcp_that_is_only_proved_is_refused() {
    assert_eq!(opener(KEY_128).open_rtcp(&hex(SRTCP_128_CLEAR), &mut [0; 200]), Err(OpenRefused::Clear));
}

/// libsrtp's reference packets (test/srtp_driver.c), which begin at the master key.
#[test]
fn packets_are_those_of_libsrtp() {
    let mut material = hex("000102030405060708090a0b0c0d0e0f");
    material.extend([0; 16]);
    material.extend(hex("a0a1a2a3a4a5a6a7a8a9aaab"));
    material.extend([0; 12]);
    let keys = |role| KeyingMaterial::new(Profile::AeadAes128Gcm, &material).expect("its length").into_keys(role).expect("keys");
    let (rtp, srtp) = (
        hex("800f1234decafbadcafebabeabababababababababababababababab"),
        hex("800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392"),
    );
    let (rtcp, srtcp) = (
        hex("81c8000bcafebabeabababababababababababababababab"),
        hex("81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001"),
    );
    let (_, sealer) = keys(Role::Client);
    let mut sealer = sealer.with_next_report(1);
    let (mut opener, _) = keys(Role::Server);

    let stream = sealer.add_stream(0xcafe_babe).expect("the first");
    let header = Outgoing { payload_type: 15, timestamp: 0xdeca_fbad, ..Outgoing::default() };
    let mut out = [0; 100];
    let len = sealer.claim(stream, 0x1234).expect("fresh").seal(&header, &[&rtp[12..]], &mut out).expect("room");
    assert_eq!(out[..len], srtp);
    let opened = opener.open(&Packet::read(&srtp).expect("a header"), &mut out).expect("it is proved");
    assert_eq!(out[..opened.len], rtp[12..]);

    let len = sealer.seal_rtcp(&rtcp, &mut out).expect("room");
    assert_eq!(out[..len], srtcp);
    let len = opener.open_rtcp(&srtcp, &mut out).expect("it is proved");
    assert_eq!(out[..len], rtcp);
}

/// RFC 3711, appendix B.3; RFC 6188, section 7.2.
#[test]
fn session_keys_are_derived_as_published() {
    for (key, salt, session_key, session_salt) in [
        (
            "e1f97a0d3e018be0d64fa32c06de4139",
            "0ec675ad498afeebb6960b3aabe6",
            "c61e7a93744f39ee10734afe3ff7a087",
            "30cbbc08863d8c85d49db34a9ae1",
        ),
        (
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
            "3b04803de51ee7c96423ab5b78d2",
            "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
            "fa31791685ca444a9e07c6c64e93",
        ),
    ] {
        let (mut derived_key, mut derived_salt) = (hex(session_key), hex(session_salt));
        derived_key.fill(0);
        derived_salt.fill(0);
        derive(&hex(key), &hex(salt), 0, &mut derived_key).expect("a key");
        derive(&hex(key), &hex(salt), 2, &mut derived_salt).expect("a salt");
        assert_eq!((derived_key, derived_salt), (hex(session_key), hex(session_salt)));
    }
}

#[test]
fn the_last_rtcp_index_is_the_last_one() {
    let mut sealer = sealer(KEY_128).with_next_report((1 << 31) - 1);
    let mut out = [0; 200];
    assert!(sealer.seal_rtcp(&hex(RTCP), &mut out).is_ok());
    assert_eq!(sealer.seal_rtcp(&hex(RTCP), &mut out), Err(SealRefused::Exhausted));
}

#[test]
fn numbers_are_guessed_as_rfc_3711_says() {
    assert_eq!(nearest(None, 40_000), 40_000);
    assert_eq!(nearest(Some(65_535), 0), 65_536);
    assert_eq!(nearest(Some(65_536), 65_535), 65_535);
    assert_eq!(nearest(Some(10), 65_535), 65_535, "there is nothing below the first round");
    assert_eq!(nearest(Some(3 << 16), 0x7fff), (3 << 16) + 0x7fff);
    assert_eq!(nearest(Some(3 << 16), 0x8001), (2 << 16) + 0x8001);
    // Appendix A, for every distance.
    for highest in [0x1_0000_u64, 0x1_7fff, 0x1_8000, 0x1_8001, 0x1_ffff] {
        for seq in 0..=u16::MAX {
            let (last, roc, seq64) = (highest & 0xffff, highest >> 16, u64::from(seq));
            let guess = if last < 0x8000 {
                if seq64 as i64 - last as i64 > 0x8000 { roc - 1 } else { roc }
            } else if last as i64 - 0x8000 > seq64 as i64 {
                roc + 1
            } else {
                roc
            };
            assert_eq!(nearest(Some(highest), seq), guess << 16 | seq64, "{highest:#x} {seq:#x}");
        }
    }
}
