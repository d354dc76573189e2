//! The forms in which programs write ids.

use uuid::Uuid;

use super::form::{Form, NULL, no_text};
use super::value::Value;

/// The form of an id, and the id; `None` if the value is none.
pub(super) fn read(value: &Value) -> (Form, Option<Uuid>) {
    let Value::Text(text) = value else { return (no_text(value), None) };
    let Ok(id) = Uuid::try_parse(text) else { return (Form::refused("no UUID"), None) };
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let form = match (text.len(), is_lower) {
        (36, true) => Form::kept("36 characters with hyphens"),
        (32, true) => Form::convertible("32 digits"),
        (32 | 36, false) => Form::convertible("upper case"),
        (38, _) => Form::convertible("in braces"),
        _ => return (Form::refused("no UUID"), None),
    };
    (form, Some(id))
}

/// As [`read`], for a reference that may be NULL.
pub(super) fn read_reference(value: &Value) -> (Form, Option<Uuid>) {
    if *value == Value::Null { (NULL, None) } else { read(value) }
}

/// The text that fieldfen writes for an id.
pub(super) fn written(id: Uuid) -> String {
    id.hyphenated().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adopt::form::Treatment;

    #[test]
    fn the_forms_of_one_id_are_read_as_the_same_id() {
        let id = "0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a11";
        let digits = id.replace('-', "");
        for (text, treatment) in [
            (id.to_owned(), Treatment::Kept),
            (digits.clone(), Treatment::Convertible),
            (id.to_uppercase(), Treatment::Convertible),
            (digits.to_uppercase(), Treatment::Convertible),
            (format!("{{{id}}}"), Treatment::Convertible),
        ] {
            let (form, found) = read(&Value::Text(text.clone()));
            assert_eq!((form.treatment, found.map(written).as_deref()), (treatment, Some(id)), "{text}");
        }
        for value in [
            Value::Null,
            Value::Integer(7),
            Value::Blob(digits.into_bytes()),
            Value::Text(format!("urn:uuid:{id}")),
            Value::Text("fox".to_owned()),
            Value::Text(String::new()),
        ] {
            assert_eq!(read(&value).0.treatment, Treatment::Refused, "{value}");
        }
        assert_eq!(read_reference(&Value::Null), (NULL, None));
    }
}
