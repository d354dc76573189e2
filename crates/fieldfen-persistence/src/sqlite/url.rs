//! The address of a SQLite database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fieldfen_domain::redacted;

/// Characters that are frequent in addresses of other databases and rare in paths.
const OF_ADDRESSES: [char; 8] = ['?', '#', ';', '&', ':', '=', '@', '%'];

/// The address of a SQLite database.
///
/// | written | means |
/// | --- | --- |
/// | `data/fieldfen.db` | that path |
/// | `sqlite://./data/fieldfen.db` | the path after `sqlite://` |
/// | `sqlite:///./data/fieldfen.db` | as SQLAlchemy reads it: three slashes, then a relative path |
/// | `sqlite:////srv/fieldfen.db` | as SQLAlchemy reads it: four slashes, an absolute path |
/// | `sqlite:///srv/fieldfen.db` | the same absolute path: three slashes, then neither `./` nor `../` |
/// | `:memory:`, `sqlite://:memory:`, `sqlite://`, `sqlite:///:memory:` | a database in memory |
///
/// SQLAlchemy would read `sqlite:///srv/fieldfen.db` as the relative path `srv/fieldfen.db`, most other programs as the
/// absolute one. If both kinds of programs share the address, write `./` or four slashes.
///
/// A path that may be the address of another database is refused: a path with `:`, `?`, `#`, `&`, `;`, `=`, `@` or `%`
/// must begin with `./`, `../` or one `/`; behind `sqlite://` it must begin with `./` or `../`. A path that begins with
/// `//` and an address with parameters are always refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteUrl(Option<PathBuf>);

impl SqliteUrl {
    /// A database in memory. It is lost when the store is dropped.
    #[must_use]
    pub const fn memory() -> Self {
        Self(None)
    }

    /// The path of the file; `None` for a database in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// The same database, with a relative path taken as relative to this folder, for example the folder of the
    /// configuration file.
    ///
    /// ```
    /// use fieldfen_persistence::SqliteUrl;
    ///
    /// let url: SqliteUrl = "sqlite://./data/fieldfen.db".parse()?;
    /// assert_eq!(url.in_folder("/srv/shop".as_ref()).to_string(), "sqlite:///srv/shop/data/fieldfen.db");
    /// # Ok::<(), fieldfen_persistence::InvalidUrl>(())
    /// ```
    #[must_use]
    pub fn in_folder(&self, folder: &Path) -> Self {
        Self(self.0.as_ref().map(|path| folder.join(path.strip_prefix(".").unwrap_or(path))))
    }

    /// The name under which SQLite opens the database. It is written so that SQLite takes it for a path and nothing
    /// else.
    pub(crate) fn file_name(&self) -> String {
        match &self.0 {
            None => ":memory:".to_owned(),
            Some(path) => {
                let name = path.to_string_lossy();
                if path.is_absolute() || name.starts_with('.') { name.into_owned() } else { format!("./{name}") }
            }
        }
    }
}

impl SqliteUrl {
    /// The name under which SQLite opens the database only if it exists.
    pub(crate) fn existing(&self) -> String {
        self.uri("mode=rw")
    }

    /// The name under which SQLite opens the database with these parameters.
    pub(crate) fn uri(&self, parameters: &str) -> String {
        let Some(path) = &self.0 else { return self.file_name() };
        let mut uri = String::from("file:");
        for &byte in path.to_string_lossy().as_bytes() {
            if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
                uri.push(char::from(byte));
            } else {
                uri.push_str(&format!("%{byte:02X}"));
            }
        }
        uri.push('?');
        uri.push_str(parameters);
        uri
    }
}

impl From<&Path> for SqliteUrl {
    fn from(path: &Path) -> Self {
        Self(Some(path.to_owned()))
    }
}

impl FromStr for SqliteUrl {
    type Err = InvalidUrl;

    fn from_str(url: &str) -> Result<Self, InvalidUrl> {
        let invalid = |rule| InvalidUrl { url: redacted(url), rule };
        if url.contains('\0') {
            return Err(invalid("must not hold a NUL character"));
        }
        let path = match url.split_once("://") {
            Some(("sqlite", rest)) => match rest.strip_prefix('/') {
                Some(path) if path.starts_with('/') || path.starts_with("./") || path.starts_with("../") => path,
                Some(":memory:") => ":memory:",
                Some("") => return Err(invalid("names no file")),
                _ if rest.is_empty() => ":memory:",
                _ => rest,
            },
            Some(_) => return Err(invalid("must be a path or begin with sqlite://")),
            None if url.is_empty() => return Err(invalid("must not be empty")),
            None => url,
        };
        if path.split_once('?').is_some_and(|(_, rest)| path != url || rest.contains('=')) {
            return Err(invalid("must not carry parameters: settings are the program's"));
        }
        if path != ":memory:" && !is_surely_path(url) {
            return Err(invalid(
                "must be a path or begin with sqlite://; write ./ or / before a path that holds one of : ? # & ; = @ %",
            ));
        }
        Ok(Self((path != ":memory:").then(|| PathBuf::from(path))))
    }
}

impl fmt::Display for SqliteUrl {
    /// Writes an address that parses to this one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(path) = &self.0 else { return f.write_str("sqlite://:memory:") };
        let path = path.to_string_lossy();
        match path.contains(OF_ADDRESSES) {
            true if path.starts_with('/') => f.write_str(&path),
            true if !is_relative_path(&path) => write!(f, "sqlite://./{path}"),
            _ => write!(f, "sqlite://{path}"),
        }
    }
}

/// Returns whether an address can only be the path of a file, and not the address of another database.
fn is_surely_path(address: &str) -> bool {
    match address.strip_prefix("sqlite://") {
        Some(path) => is_relative_path(path) || !path.contains(OF_ADDRESSES),
        None if is_relative_path(address) => true,
        None => !address.starts_with("//") && (Path::new(address).is_absolute() || !address.contains(OF_ADDRESSES)),
    }
}

fn is_relative_path(text: &str) -> bool {
    text.starts_with("./") || text.starts_with("../")
}

/// The error of a text that is not the address of a SQLite database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("database address {url:?} {rule}")]
pub struct InvalidUrl {
    /// The given text, without secrets: see [`redacted`].
    pub url: String,
    /// The rule that the text breaks.
    pub rule: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(url: &str) -> Option<String> {
        url.parse::<SqliteUrl>().unwrap().path().map(|path| path.display().to_string())
    }

    #[test]
    fn every_form_in_the_table_is_read_as_it_says() {
        for (url, expected) in [
            ("data/fieldfen.db", "data/fieldfen.db"),
            ("sqlite://./data/fieldfen.db", "./data/fieldfen.db"),
            ("sqlite://data/fieldfen.db", "data/fieldfen.db"),
            ("sqlite:///./data/fieldfen.db", "./data/fieldfen.db"),
            ("sqlite:///../fieldfen.db", "../fieldfen.db"),
            ("sqlite:////srv/fieldfen.db", "/srv/fieldfen.db"),
            ("sqlite:///srv/fieldfen.db", "/srv/fieldfen.db"),
            ("./what?.db", "./what?.db"),
            ("./data/12:00@shop.db", "./data/12:00@shop.db"),
            ("/srv/u:me@shop.db", "/srv/u:me@shop.db"),
            ("sqlite://./me@shop:1.db", "./me@shop:1.db"),
        ] {
            assert_eq!(path(url).as_deref(), Some(expected), "{url}");
        }
        for url in [":memory:", "sqlite://:memory:", "sqlite://", "sqlite:///:memory:"] {
            assert_eq!(path(url), None, "{url}");
        }
    }

    #[test]
    fn other_addresses_are_refused_without_their_passwords() {
        for (url, message) in [
            ("", r#"database address "" must not be empty"#),
            ("sqlite:///", r#"database address "sqlite:///" names no file"#),
            (
                "postgres://shop:secret@db/fieldfen",
                r#"database address "postgres://***@db/***" must be a path or begin with sqlite://"#,
            ),
            (
                "sqlite://a.db?mode=ro",
                r#"database address "sqlite://a.db?***" must not carry parameters: settings are the program's"#,
            ),
            (
                "sqlite://a.db?password=secret",
                r#"database address "sqlite://a.db?***" must not carry parameters: settings are the program's"#,
            ),
            (
                "a.db?authToken=secret",
                r#"database address "a.db?***" must not carry parameters: settings are the program's"#,
            ),
        ] {
            assert_eq!(url.parse::<SqliteUrl>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn an_address_that_may_be_another_kind_of_database_is_no_path_and_is_shown_without_its_password() {
        for url in [
            "postgres:shop:secret@db",
            "sqlite://shop:secret@db/a.db",
            "sqlite://shop:secret/a.db",
            "sqlite:////shop:secret@db/a.db",
            "sqlite:///db;password=secret",
            "sqlite://host=db password=secret",
            "file:a.db",
            "host=db password=secret",
            "Server=db;Password=secret;",
            "a.db;password=secret",
            "a.db&password=secret",
            "a.db#secret",
            "data/shop:secret@db",
            "postgres//shop:secret@db/shop",
            "postgres%3A%2F%2Fshop%3Asecret",
            "secret@db:5432/shop",
            "//shop:secret@db/shop",
            "///shop:secret@db/shop",
        ] {
            let refused = url.parse::<SqliteUrl>().unwrap_err();
            assert!(
                refused.rule.contains("write ./ or / before a path that holds one of : ? # & ; = @ %"),
                "{refused}"
            );
            assert!(!refused.to_string().contains("secret"), "{refused}");
        }
    }

    #[test]
    fn a_relative_path_is_relative_to_the_folder_that_is_given() {
        for (folder, url, resolved) in [
            ("", "sqlite://./data/x.db", "sqlite://data/x.db"),
            ("/srv/shop", "sqlite://./data/x.db", "sqlite:///srv/shop/data/x.db"),
            ("/srv/shop", "data/x.db", "sqlite:///srv/shop/data/x.db"),
            ("shop", "sqlite://data/x.db", "sqlite://shop/data/x.db"),
            ("../shop", "./x.db", "sqlite://../shop/x.db"),
            ("/srv/shop", "sqlite:///./data/x.db", "sqlite:///srv/shop/data/x.db"),
            ("/srv/me@home", "../x.db", "/srv/me@home/../x.db"),
            ("me@home", "x.db", "sqlite://./me@home/x.db"),
            ("/srv", "sqlite:///var/x.db", "sqlite:///var/x.db"),
            ("/srv", "sqlite://:memory:", "sqlite://:memory:"),
        ] {
            let url = url.parse::<SqliteUrl>().unwrap().in_folder(Path::new(folder));
            assert_eq!(url.to_string(), resolved);
            let again = resolved.parse::<SqliteUrl>().unwrap();
            assert_eq!(again.to_string(), resolved, "its text is read as the same address");
        }
    }

    #[test]
    fn a_name_for_what_is_there_says_every_character_to_sqlite() {
        let url: SqliteUrl = "/srv/a b?c%20#ü.db".parse().unwrap();
        assert_eq!(url.existing(), "file:/srv/a%20b%3Fc%2520%23%C3%BC.db?mode=rw");
        assert_eq!(SqliteUrl::memory().existing(), ":memory:");
    }

    #[test]
    fn names_that_mean_something_to_sqlite_stay_names() {
        assert_eq!("./file:x".parse::<SqliteUrl>().unwrap().file_name(), "./file:x");
        assert_eq!(SqliteUrl::from(Path::new("file:x")).file_name(), "./file:x");
        assert_eq!("/srv/a.db".parse::<SqliteUrl>().unwrap().file_name(), "/srv/a.db");
    }
}
