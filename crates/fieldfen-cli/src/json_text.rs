//! JSON of the database in the JSON of this program.

use fieldfen_domain::RawJson;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON document of a row. It is printed with its exact text, so that no number loses digits. A text that is no JSON,
/// from a damaged row, is printed as a string.
#[derive(Debug)]
pub(crate) struct JsonText(pub(crate) RawJson);

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(self.0.as_str()) {
            Ok(raw) => raw.serialize(serializer),
            Err(_) => serializer.serialize_str(self.0.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_all_their_digits() {
        let text = r#"{"id":12345678901234567890123,"price":0.10000000000000000001}"#;
        let json = RawJson::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&JsonText(json)).unwrap(), text);
    }
}
