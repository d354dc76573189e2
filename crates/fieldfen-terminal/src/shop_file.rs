//! Reads the address of the database from `fieldfen.toml` in the current folder.

use std::fs;
use std::io;
use std::path::Path;

use fieldfen_domain::redacted;
use fieldfen_services::shop::{ShopFile, ShopFileError};

use crate::address_error::DatabaseAddressError;
use crate::regular_file::is_readable_by_all;

/// The address in the section `[database]`; `None` if there is no file or no such section. The rules of the shop in the
/// file are ignored, since they may be of another version than this program.
///
/// A symbolic link is followed, as by every program that reads the rules: the file belongs to the shop, and deployments
/// often use a link. A dangling link is an error, because the program would otherwise use another database.
pub(crate) fn address_in(path: &Path, note: impl FnOnce(&str)) -> Result<Option<String>, DatabaseAddressError> {
    let file = match ShopFile::read(path) {
        Err(ShopFileError::Unreadable { source, .. }) if is_missing(path, &source) => return Ok(None),
        Err(ShopFileError::Unreadable { source, .. }) => return Err(DatabaseAddressError::UnreadableShopFile(source)),
        read => read.map_err(DatabaseAddressError::MalformedShopFile)?,
    };
    let database = file.database().map_err(DatabaseAddressError::MalformedShopFile)?;
    // The file is in the current folder. A relative address in it therefore means the same as in an argument.
    let url = database.map(|database| database.url().to_owned());
    let for_all = fs::metadata(path).is_ok_and(|found| is_readable_by_all(&found));
    if for_all && url.as_ref().is_some_and(|url| redacted(url) != *url) {
        note(
            "warning: every user of this machine can read fieldfen.toml, which may hold a secret: `chmod 600 fieldfen.toml`",
        );
    }
    Ok(url)
}

/// Returns whether the error means that nothing has this path, not even a link.
fn is_missing(path: &Path, error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address_error::SHOP_FILE;

    fn address(text: &str) -> Result<Option<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SHOP_FILE);
        std::fs::write(&path, text).unwrap();
        address_in(&path, |_| {}).map_err(|error| error.to_string())
    }

    #[test]
    fn the_address_is_read_and_everything_else_passed_over() {
        let text =
            "approval = \"of a newer version\"\n[database]\nurl = \"x.db\"\nreplica = 7\n[[publish]]\nplatform = 8\n";
        assert_eq!(address(text), Ok(Some("x.db".to_owned())));
        assert_eq!(address("approval = \"operator\""), Ok(None));
        assert_eq!(address_in(Path::new("/nowhere/fieldfen.toml"), |_| {}).ok(), Some(None));
    }

    #[test]
    fn a_section_that_cannot_be_read_names_its_line_and_keeps_its_text_to_itself() {
        for (text, problem) in [
            ("\ndatabase = \"postgres://u:hunter2@h\"", "line 2, column 12: database: it must be a section"),
            ("[database]\nname = \"hunter2\"", "line 1, column 1: database.url is missing"),
            ("[database]\nurl = [\"hunter2\"]", "line 2, column 7: database.url: it must be a text"),
            ("[database]\nurl = \"  \"", "line 2, column 7: database.url: it must be a text"),
            ("[database]\nurl = \"hunter2", "line 2, column "),
        ] {
            let error = address(text).unwrap_err();
            assert!(error.contains(&format!("fieldfen.toml\", {problem}")) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_no_set_of_rules_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SHOP_FILE);
        std::fs::File::create(&path).unwrap().set_len((4 << 20) + 1).unwrap();
        let error = address_in(&path, |_| {}).unwrap_err();
        assert!(fieldfen_domain::with_causes(&error).contains("more than 4 MiB"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_file_is_followed_and_a_link_to_nothing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SHOP_FILE);
        std::os::unix::fs::symlink("rules.toml", &path).unwrap();
        assert!(matches!(address_in(&path, |_| {}), Err(DatabaseAddressError::UnreadableShopFile(_))));
        std::fs::write(folder.path().join("rules.toml"), "[database]\nurl = \"x.db\"\n").unwrap();
        assert_eq!(address_in(&path, |_| {}).unwrap().as_deref(), Some("x.db"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_a_secret_that_everybody_can_read_is_warned_of() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SHOP_FILE);
        for (url, mode, warned) in
            [("x.db", 0o644, false), ("postgres://u:hunter2@h", 0o644, true), ("postgres://u:hunter2@h", 0o600, false)]
        {
            std::fs::write(&path, format!("[database]\nurl = \"{url}\"\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let mut notes = Vec::new();
            address_in(&path, |note| notes.push(note.to_owned())).unwrap();
            assert_eq!(!notes.is_empty(), warned, "{url} {mode:o}");
        }
    }
}
