//! The forms in which programs write JSON.
//!
//! SQLAlchemy's `JSON` stores None as the document `null`, not as NULL. Python's `json.dumps` writes `NaN`, `Infinity`
//! and `-Infinity`, which JSON does not have, and Python reads them back.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::form::{Form, NULL, no_text};
use super::value::Value;

/// The form of a JSON document.
pub(super) fn read(value: &Value) -> Form {
    let text = match value {
        Value::Null => return NULL,
        Value::Text(text) => text.trim(),
        other => return no_text(other),
    };
    match text {
        "" => return Form::refused("an empty text"),
        "null" => return Form::kept("JSON null"),
        "\"null\"" => return Form::kept("the string \"null\""),
        _ => {}
    }
    if is_json(text) {
        return of_document(text);
    }
    let finite = without_non_finite(text);
    match finite {
        Some(finite) if is_json(&finite) => Form::kept("with NaN or Infinity of Python"),
        _ => Form::refused("no JSON"),
    }
}

fn of_document(text: &str) -> Form {
    if text.starts_with('"') {
        let inner: Option<Cow<'_, str>> = serde_json::from_str(text).ok();
        let is_document = |inner: &str| inner.trim_start().starts_with(['{', '[']) && is_json(inner);
        return match inner {
            Some(inner) if is_document(&inner) => Form::kept("JSON inside a JSON string"),
            _ => Form::kept("JSON string"),
        };
    }
    // A document too deep for the visitor is JSON all the same.
    let has_duplicates = serde_json::from_str(text).is_ok_and(|DuplicateKeys(found)| found);
    match text.as_bytes().first() {
        _ if has_duplicates => Form::kept("with a key twice"),
        Some(b'{') => Form::kept("JSON object"),
        Some(b'[') => Form::kept("JSON array"),
        _ => Form::kept("JSON number or boolean"),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The text with numbers in the places of `NaN` and `Infinity` outside of strings; `None` if there are none.
fn without_non_finite(text: &str) -> Option<String> {
    let mut finite = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let string = &rest[..end_of_string(rest)];
            finite.push_str(string);
            rest = &rest[string.len()..];
        } else if let Some(behind) = rest.strip_prefix("NaN").or_else(|| rest.strip_prefix("Infinity")) {
            finite.push('0');
            (found, rest) = (true, behind);
        } else {
            finite.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    found.then_some(finite)
}

/// The length of the JSON string at the start of a text, with its quotes; the whole text if the string does not end.
fn end_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether any object of a document has a key twice.
struct DuplicateKeys(bool);

impl<'de> Deserialize<'de> for DuplicateKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor).map(Self)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let (mut keys, mut found) = (BTreeSet::new(), false);
        while let Some(key) = map.next_key::<String>()? {
            let DuplicateKeys(inside) = map.next_value()?;
            found |= inside | !keys.insert(key);
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(DuplicateKeys(inside)) = seq.next_element()? {
            found |= inside;
        }
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adopt::form::Treatment;

    #[test]
    fn the_forms_of_python_are_told_apart() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for (text, name) in [
            (r#"{"title": "Fox"}"#, "JSON object"),
            ("null", "JSON null"),
            (r#""null""#, "the string \"null\""),
            (r#""fox""#, "JSON string"),
            (r#""{\"title\": \"Fox\"}""#, "JSON inside a JSON string"),
            (r#"{"a": 1, "b": {"c": 1, "c": 2}}"#, "with a key twice"),
            ("[1, null, true]", "JSON array"),
            ("7.5", "JSON number or boolean"),
            (r#"{"score": NaN, "best": -Infinity}"#, "with NaN or Infinity of Python"),
            (&deep, "JSON array"),
        ] {
            assert_eq!(read(&Value::Text(text.to_owned())), Form::kept(name), "{text}");
        }
        for text in ["", " ", "{", "{'title': 'Fox'}", r#"{"file_id": "#, "None", "fox", r#"{"a": NaN"#, r#"{"\"#] {
            assert_eq!(read(&Value::Text(text.to_owned())).treatment, Treatment::Refused, "{text}");
        }
        assert_eq!(read(&Value::Text(r#"{"a": "NaN \" NaN"}"#.to_owned())), Form::kept("JSON object"));
        assert_eq!(read(&Value::Blob(b"{}".to_vec())).treatment, Treatment::Refused);
    }
}
