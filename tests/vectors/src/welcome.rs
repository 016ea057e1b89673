use serde::Deserialize;

use crate::hex::Hex;
use crate::key_schedule::Secrets;
use crate::labels::{HASH, Labels};
use crate::reader::Reader;
use crate::same;

#[derive(Deserialize)]
pub(crate) struct Vector {
    init_priv: Hex,
    signer_pub: Hex,
    key_package: Hex,
    welcome: Hex,
}

/// Version and wire format before an MLSMessage (RFC 9420, 6).
const MESSAGE_HEADER: usize = 4;
/// `PSK_0` in place of no PSK.
const NO_PSK: [u8; HASH] = [0; HASH];

/// Opens a Welcome (RFC 9420, 12.4.3.1) with our primitives alone: no tree comes with it, so that OpenMLS would not take it.
pub(crate) fn check(it: &Vector) -> Result<(), String> {
    let ours = Labels::new();
    let reference = ours.ref_hash("MLS 1.0 KeyPackage Reference", it.key_package.get(MESSAGE_HEADER..).ok_or("too short")?)?;
    let mut message = Reader(&it.welcome);
    message.bytes(MESSAGE_HEADER)?;
    message.number(2)?;
    let mut recipients = Reader(message.vector()?);
    let encrypted_group_info = message.vector()?;
    message.end()?;

    let (kem_output, ciphertext) = loop {
        let (newcomer, sealed) = (recipients.vector()?, (recipients.vector()?, recipients.vector()?));
        if newcomer == reference {
            break sealed;
        }
    };
    let group_secrets = ours.decrypt(&it.init_priv, "Welcome", encrypted_group_info, kem_output, ciphertext)?;
    let joiner_secret = Reader(&group_secrets).vector()?;

    let welcome = Secrets::new(&ours, joiner_secret, &NO_PSK, b"")?.welcome;
    let (key, nonce) = (ours.expand(&welcome, "key", b"", 16)?, ours.expand(&welcome, "nonce", b"", 12)?);
    let group_info = ours.0.aead_open(&key, &nonce, encrypted_group_info)?;

    let mut info = Reader(&group_info);
    let transcript_hash = read_context(&mut info)?;
    let context = &group_info[..group_info.len() - info.0.len()];
    let _extensions = info.vector()?;
    let confirmation_tag = info.vector()?;
    let _signer = info.number(4)?;
    let signed = &group_info[..group_info.len() - info.0.len()];
    ours.verify(&it.signer_pub, "GroupInfoTBS", signed, info.vector()?)?;
    info.end()?;

    let epoch = Secrets::new(&ours, joiner_secret, &NO_PSK, context)?.epoch;
    same("confirmation_tag", &ours.0.mac(&ours.derive(&epoch, "confirm")?, transcript_hash)?, confirmation_tag)
}

/// Reads past a GroupContext (8.1); the confirmed transcript hash.
fn read_context<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], String> {
    let (_version_and_suite, _group, _epoch, _tree) = (reader.number(4)?, reader.vector()?, reader.number(8)?, reader.vector()?);
    let transcript_hash = reader.vector()?;
    let _extensions = reader.vector()?;
    Ok(transcript_hash)
}
