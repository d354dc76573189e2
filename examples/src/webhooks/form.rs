//! Reads bodies that are sent as forms.

use axum::http::{HeaderMap, header};
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::signature_scheme::RefuseReason;

/// The JSON of a form body: its field `payload`, or an object of all its fields. `None` for any other body.
///
/// A body that begins like a JSON object is not a form, whatever the content type says: the signature does not cover
/// that header.
///
/// # Errors
/// [`RefuseReason::Encoding`] if the fields are not UTF-8.
pub(super) fn unwrap_form(headers: &HeaderMap, body: &[u8]) -> Result<Option<String>, RefuseReason> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") || body.starts_with(b"{") {
        return Ok(None);
    }
    // The form parser silently replaces bytes that are not UTF-8.
    if percent_decode(body).decode_utf8().is_err() {
        return Err(RefuseReason::Encoding { found: "it is not UTF-8" });
    }
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        if name == "payload" {
            return Ok(Some(value.into_owned()));
        }
        fields.insert(name.into_owned(), Value::String(value.into_owned()));
    }
    Ok(Some(Value::Object(fields).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwrapped(content_type: &'static str, body: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        unwrap_form(&headers, body.as_bytes()).unwrap()
    }

    #[test]
    fn a_form_is_its_payload_or_its_fields() {
        let form = "application/x-www-form-urlencoded";
        let payload = Some(r#"{"a": "b&c+d é"}"#.to_owned());
        assert_eq!(unwrapped(form, "payload=%7B%22a%22%3A+%22b%26c%2Bd+%C3%A9%22%7D"), payload);
        assert_eq!(unwrapped(form, "x=1&payload=7&payload=8").as_deref(), Some("7"));
        let fields = Some(r#"{"command":"/list","text":""}"#.to_owned());
        assert_eq!(unwrapped("Application/X-WWW-Form-Urlencoded; charset=utf-8", "command=%2Flist&text="), fields);
        assert_eq!(unwrapped("application/json", "payload=7"), None);
        assert_eq!(unwrapped(form, r#"{"title": "&payload={}"}"#), None, "JSON is never taken apart as a form");
    }
}
