//! Details and edits of a file as JSON.

use serde::{Deserialize, Serialize};

use super::{Dimensions, FileDetails, FileEdit, Patch};
use crate::json::RawJson;

/// [`FileDetails`] as JSON. The metadata is the exact text of the column `metadata_json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredDetails {
    processed_filename: Option<String>,
    species: Option<String>,
    metadata_json: Option<String>,
    size: Option<Dimensions>,
}

impl From<FileDetails> for StoredDetails {
    fn from(FileDetails { processed_filename, species, metadata, size }: FileDetails) -> Self {
        Self { processed_filename, species, metadata_json: metadata.map(text), size }
    }
}

impl From<StoredDetails> for FileDetails {
    fn from(StoredDetails { processed_filename, species, metadata_json, size }: StoredDetails) -> Self {
        Self { processed_filename, species, metadata: metadata_json.map(RawJson::unchecked), size }
    }
}

/// [`FileEdit`] as JSON. Values that the edit keeps are left out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredEdit {
    #[serde(default = "keep", skip_serializing_if = "Patch::keeps")]
    processed_filename: Patch<String>,
    #[serde(default = "keep", skip_serializing_if = "Patch::keeps")]
    species: Patch<String>,
    #[serde(default = "keep", skip_serializing_if = "Patch::keeps")]
    metadata_json: Patch<String>,
    #[serde(default = "keep", skip_serializing_if = "Patch::keeps")]
    size: Patch<Dimensions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<FileDetails>,
}

impl From<FileEdit> for StoredEdit {
    fn from(FileEdit { processed_filename, species, metadata, size, seen }: FileEdit) -> Self {
        Self { processed_filename, species, metadata_json: metadata.map(text), size, seen }
    }
}

impl From<StoredEdit> for FileEdit {
    fn from(StoredEdit { processed_filename, species, metadata_json, size, seen }: StoredEdit) -> Self {
        Self { processed_filename, species, metadata: metadata_json.map(RawJson::unchecked), size, seen }
    }
}

const fn keep<T>() -> Patch<T> {
    Patch::Keep
}

fn text(json: RawJson) -> String {
    json.as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_survives_its_json_letter_by_letter() {
        let metadata = RawJson::unchecked(r#"{"title": "Fox",  "id": 9007199254740993}"#.to_owned());
        let seen =
            FileDetails { species: Some("fox".to_owned()), metadata: Some(metadata.clone()), ..FileDetails::default() };
        let mut edit = FileEdit::new().species("red-fox").metadata(metadata).size(Dimensions::new(3, 2).unwrap());
        edit.processed_filename = Patch::Clear;
        edit.seen = Some(seen);
        let json = serde_json::to_string(&edit).unwrap();
        assert_eq!(serde_json::from_str::<FileEdit>(&json).unwrap(), edit, "{json}");
        assert_eq!(serde_json::to_string(&FileEdit::new().species("a")).unwrap(), r#"{"species":{"set":"a"}}"#);
    }

    #[test]
    fn an_edit_of_a_value_that_is_not_known_here_is_no_edit() {
        assert!(serde_json::from_str::<FileEdit>(r#"{"rating":{"set":5}}"#).is_err());
    }
}
