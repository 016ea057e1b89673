use serde::Deserialize;

use crate::hex::Hex;
use crate::labels::Labels;
use crate::same;

#[derive(Deserialize)]
pub(crate) struct Vector {
    ref_hash: RefHash,
    expand_with_label: ExpandWithLabel,
    derive_secret: DeriveSecret,
    derive_tree_secret: DeriveTreeSecret,
    sign_with_label: SignWithLabel,
    encrypt_with_label: EncryptWithLabel,
}

#[derive(Deserialize)]
struct RefHash {
    label: String,
    value: Hex,
    out: Hex,
}

#[derive(Deserialize)]
struct ExpandWithLabel {
    secret: Hex,
    label: String,
    context: Hex,
    length: u16,
    out: Hex,
}

#[derive(Deserialize)]
struct DeriveSecret {
    secret: Hex,
    label: String,
    out: Hex,
}

#[derive(Deserialize)]
struct DeriveTreeSecret {
    secret: Hex,
    label: String,
    generation: u32,
    length: u16,
    out: Hex,
}

#[derive(Deserialize)]
struct SignWithLabel {
    r#priv: Hex,
    r#pub: Hex,
    content: Hex,
    label: String,
    signature: Hex,
}

#[derive(Deserialize)]
struct EncryptWithLabel {
    r#priv: Hex,
    r#pub: Hex,
    label: String,
    context: Hex,
    plaintext: Hex,
    kem_output: Hex,
    ciphertext: Hex,
}

pub(crate) fn check(vector: &Vector) -> Result<(), String> {
    let ours = Labels::new();
    let it = &vector.ref_hash;
    same("RefHash", &ours.ref_hash(&it.label, &it.value)?, &it.out)?;
    let it = &vector.expand_with_label;
    same("ExpandWithLabel", &ours.expand(&it.secret, &it.label, &it.context, it.length)?, &it.out)?;
    let it = &vector.derive_secret;
    same("DeriveSecret", &ours.derive(&it.secret, &it.label)?, &it.out)?;
    let it = &vector.derive_tree_secret;
    same("DeriveTreeSecret", &ours.expand(&it.secret, &it.label, &it.generation.to_be_bytes(), it.length)?, &it.out)?;

    let it = &vector.sign_with_label;
    ours.verify(&it.r#pub, &it.label, &it.content, &it.signature)?;
    // Ed25519 has one signature for a key and a content.
    same("SignWithLabel", &ours.sign(&it.r#priv, &it.label, &it.content)?, &it.signature)?;

    let it = &vector.encrypt_with_label;
    let open = |kem_output: &[u8], ciphertext: &[u8]| ours.decrypt(&it.r#priv, &it.label, &it.context, kem_output, ciphertext);
    same("DecryptWithLabel", &open(&it.kem_output, &it.ciphertext)?, &it.plaintext)?;
    let (kem_output, ciphertext) = ours.encrypt(&it.r#pub, &it.label, &it.context, &it.plaintext)?;
    same("EncryptWithLabel", &open(&kem_output, &ciphertext)?, &it.plaintext)
}
