//! Decides which known file an arrival is: the file with its Drive id, or the file with its bytes.

use fieldfen_domain::file::{ContentHash, File, NewFile};
use fieldfen_domain::store::StoreError;

/// Returns whether a file already has a Drive id that has led to it before. No other row must be searched then.
pub(crate) fn has_drive_id(file: &File, drive_file_id: &str) -> bool {
    file.drive_file_id.as_deref() == Some(drive_file_id)
}

/// The known file of an arrival, chosen from the file with its Drive id and the file with its bytes; `None` for a new
/// file.
///
/// # Errors
/// [`StoreError::AlreadyExists`] if the two are different files.
pub(crate) fn known_file(
    new: &NewFile,
    by_drive_id: Option<File>,
    by_content: Option<File>,
) -> Result<Option<File>, StoreError> {
    match (by_drive_id, by_content) {
        (Some(one), Some(other)) if one.id != other.id => Err(StoreError::AlreadyExists {
            what: format!(
                "file {}: its Drive id is that of file {}, its bytes are those of file {}",
                new.id, one.id, other.id
            ),
            source: "two rows of files stand for it".into(),
        }),
        (Some(known), _) | (None, Some(known)) => Ok(Some(known)),
        (None, None) => Ok(None),
    }
}

/// The values that a known file lacks and the arrival has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MissingIdentity<'n> {
    pub(crate) drive_file_id: Option<&'n str>,
    pub(crate) content_hash: Option<ContentHash>,
}

/// The Drive id and the hash that a known file gets from an arrival; `None` if the arrival adds neither.
pub(crate) fn missing_identity<'n>(known: &File, new: &'n NewFile) -> Option<MissingIdentity<'n>> {
    let drive_file_id = new.drive_file_id.as_deref().filter(|_| known.drive_file_id.is_none());
    let content_hash = new.content_hash.filter(|_| known.content_hash.is_none());
    (drive_file_id.is_some() || content_hash.is_some()).then_some(MissingIdentity { drive_file_id, content_hash })
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::file::FileState;
    use fieldfen_testkit::fixtures::{at, file_id};

    use super::*;

    fn hash() -> ContentHash {
        ContentHash::of(b"fox")
    }

    fn file(number: u64, drive_file_id: Option<&str>, content_hash: Option<ContentHash>) -> File {
        let mut file = File::new(file_id(number), "fox.jpg", FileState::Ingested);
        file.drive_file_id = drive_file_id.map(str::to_owned);
        file.content_hash = content_hash;
        file
    }

    fn arrival() -> NewFile {
        NewFile::new(file_id(9), "fox.jpg", at(0)).drive_file_id("drive").content_hash(hash())
    }

    #[test]
    fn an_arrival_is_the_file_that_either_of_its_marks_names() {
        for (by_drive_id, by_content, expected) in [
            (None, None, Some(None)),
            (Some(1), None, Some(Some(1))),
            (None, Some(2), Some(Some(2))),
            (Some(1), Some(1), Some(Some(1))),
            (Some(1), Some(2), None),
        ] {
            let named = |number: Option<u64>| number.map(|number| file(number, None, None));
            let known = known_file(&arrival(), named(by_drive_id), named(by_content));
            let answer = known.as_ref().ok().map(|known| known.as_ref().map(|file| file.id));
            assert_eq!(answer, expected.map(|number| number.map(file_id)), "{by_drive_id:?}, {by_content:?}");
            assert_eq!(matches!(known, Err(StoreError::AlreadyExists { .. })), expected.is_none());
        }
    }

    #[test]
    fn a_known_file_gets_only_what_it_lacks() {
        for (drive_file_id, content_hash, expected) in [
            (None, None, Some((Some("drive"), Some(hash())))),
            (Some("other"), None, Some((None, Some(hash())))),
            (None, Some(hash()), Some((Some("drive"), None))),
            (Some("other"), Some(hash()), None),
        ] {
            let new = arrival();
            let missing = missing_identity(&file(1, drive_file_id, content_hash), &new);
            assert_eq!(missing.map(|missing| (missing.drive_file_id, missing.content_hash)), expected);
        }
        let bare = NewFile::new(file_id(9), "fox.jpg", at(0));
        assert_eq!(missing_identity(&file(1, None, None), &bare), None);
    }

    #[test]
    fn a_file_keeps_a_drive_id_that_its_row_still_has() {
        assert!(has_drive_id(&file(1, Some("drive"), None), "drive"));
        assert!(!has_drive_id(&file(1, Some("other"), None), "drive"));
        assert!(!has_drive_id(&file(1, None, None), "drive"));
    }
}
