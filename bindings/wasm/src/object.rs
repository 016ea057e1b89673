//! Plain JavaScript objects, built field by field: byte arrays stay byte arrays.

use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;

pub(crate) struct Fields(Object);

impl Fields {
    pub(crate) fn new() -> Self {
        Self(Object::new())
    }

    pub(crate) fn kind(kind: &str) -> Self {
        Self::new().with("kind", kind)
    }

    pub(crate) fn with(self, name: &str, value: impl Into<JsValue>) -> Self {
        // Setting a field of a fresh plain object has no way to fail.
        let _ = Reflect::set(&self.0, &name.into(), &value.into());
        self
    }

    pub(crate) fn bytes(self, name: &str, value: &[u8]) -> Self {
        self.with(name, Uint8Array::from(value))
    }
}

impl From<Fields> for JsValue {
    fn from(fields: Fields) -> Self {
        fields.0.into()
    }
}
