//! The address of the database, from the arguments, the environment, `.env`, `fieldfen.toml` or the default.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::str::FromStr;

use fieldfen_domain::redacted;

use crate::address_error::{DEFAULT_DATABASE, DatabaseAddressError, SHOP_FILE, VARIABLE};
use crate::exit_code::{Exit, ExitError};
use crate::regular_file::{is_readable_by_all, open_regular_file};
use crate::shop_file;

/// The address of a database, as it was given. It dereferences to `str`, and it is displayed as [`redacted`] shows it,
/// since the address of another kind of database, given by mistake, may contain a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseAddress(String);

impl DatabaseAddress {
    /// Parses the address as a store does. An address that cannot be parsed ends the program with [`Exit::Usage`]. A
    /// program therefore parses it before it opens the store.
    ///
    /// # Errors
    /// The error of `T` with [`Exit::Usage`].
    pub fn parse<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(&self) -> Result<T, ExitError> {
        self.0.parse().map_err(|error| Exit::Usage.with(error))
    }
}

impl From<String> for DatabaseAddress {
    fn from(address: String) -> Self {
        Self(address)
    }
}

impl Deref for DatabaseAddress {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&redacted(&self.0), f)
    }
}

/// The argument, otherwise the environment's value, otherwise the value in `.env` in the folder, otherwise the address
/// in `fieldfen.toml` there, otherwise the default. An empty variable counts as missing. `note` gets warnings for the
/// user.
pub(crate) fn address(
    argument: Option<&DatabaseAddress>,
    environment: Option<OsString>,
    folder: &Path,
    note: impl Fn(&str),
) -> Result<DatabaseAddress, DatabaseAddressError> {
    match argument {
        Some(url) if url.is_empty() => return Err(DatabaseAddressError::Empty),
        Some(url) => return Ok(url.clone()),
        None => {}
    }
    if let Some(value) = environment.filter(|value| !value.is_empty()) {
        return value.into_string().map(DatabaseAddress).map_err(|_| DatabaseAddressError::NotText);
    }
    let url = match from_dotenv(&folder.join(".env"), &note)?.filter(|url| !url.is_empty()) {
        Some(url) => Some(url),
        None => shop_file::address_in(&folder.join(SHOP_FILE), &note)?,
    };
    Ok(DatabaseAddress(url.unwrap_or_else(|| DEFAULT_DATABASE.to_owned())))
}

/// As [`address`], with this process's environment and current folder.
pub(crate) fn address_here(
    argument: Option<&DatabaseAddress>,
    note: impl Fn(&str),
) -> Result<DatabaseAddress, DatabaseAddressError> {
    address(argument, std::env::var_os(VARIABLE), Path::new("."), note)
}

/// The value in a file of assignments; the first assignment counts. `None` if the file does not exist.
fn from_dotenv(path: &Path, note: impl FnOnce(&str)) -> Result<Option<String>, DatabaseAddressError> {
    let file = match open_regular_file(File::options().read(true), path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(DatabaseAddressError::Unreadable)?,
    };
    if is_readable_by_all(&file.metadata().map_err(DatabaseAddressError::Unreadable)?) {
        note("warning: every user of this machine can read .env, which may hold secrets: `chmod 600 .env`");
    }
    let text = io::read_to_string(file).map_err(DatabaseAddressError::Unreadable)?;
    let mut url = None;
    for assignment in dotenvy::from_read_iter(text.as_bytes()) {
        match assignment {
            Ok((name, value)) if name == VARIABLE && url.is_none() => url = Some(value),
            Ok(_) => {}
            Err(dotenvy::Error::LineParse(bad, _)) => {
                let bad = bad.lines().next().unwrap_or_default();
                let line = text.lines().position(|line| line.contains(bad)).map_or(1, |index| index + 1);
                return Err(DatabaseAddressError::Malformed { line });
            }
            Err(error) => return Err(DatabaseAddressError::Unreadable(io::Error::other(error))),
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::with_causes;

    use super::*;

    fn folder(dotenv: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), dotenv).unwrap();
        folder
    }

    fn address(
        argument: Option<&str>,
        environment: Option<OsString>,
        folder: &Path,
    ) -> Result<String, DatabaseAddressError> {
        let argument = argument.map(|argument| DatabaseAddress::from(argument.to_owned()));
        super::address(argument.as_ref(), environment, folder, |_| {}).map(|address| address.to_string())
    }

    #[test]
    fn an_address_is_shown_without_what_it_hides() {
        let address = DatabaseAddress::from("postgres://shop:hunter2@db/shop?password=hunter3".to_owned());
        for shown in [format!("{address}"), format!("{address:?}")] {
            assert!(shown.contains("postgres://***@db/***"), "{shown}");
        }
        assert!(address.contains("hunter2"), "what opens the database has the whole");
    }

    #[test]
    fn the_argument_wins_over_the_environment_over_dotenv_over_the_shops_file_over_the_default() {
        let folder = folder("# shop\nOTHER=1\nexport DATABASE_URL=\"dot env.db\"\nDATABASE_URL=second.db\n");
        let environment = || Some(OsString::from("environment.db"));
        assert_eq!(address(Some("argument.db"), environment(), folder.path()).unwrap(), "argument.db");
        assert_eq!(address(None, environment(), folder.path()).unwrap(), "environment.db");
        assert_eq!(address(None, None, folder.path()).unwrap(), "dot env.db");
        assert_eq!(address(None, Some(OsString::new()), folder.path()).unwrap(), "dot env.db");
        let other = tempfile::tempdir().unwrap();
        assert_eq!(address(None, None, other.path()).unwrap(), DEFAULT_DATABASE);
        let shop = "[database]\nurl = \"shop.db\"\n";
        std::fs::write(other.path().join("fieldfen.toml"), shop).unwrap();
        assert_eq!(address(None, None, other.path()).unwrap(), "shop.db");
        std::fs::write(folder.path().join("fieldfen.toml"), shop).unwrap();
        assert_eq!(address(None, None, folder.path()).unwrap(), "dot env.db");
    }

    #[test]
    fn an_empty_argument_is_an_error() {
        let folder = folder("DATABASE_URL=x.db");
        assert!(matches!(address(Some(""), None, folder.path()), Err(DatabaseAddressError::Empty)));
    }

    #[test]
    fn a_malformed_dotenv_is_an_error_that_names_the_line_and_keeps_its_text_to_itself() {
        let folder = folder("A=1\nthe password is hunter2\nDATABASE_URL=x.db\n");
        let error = address(None, None, folder.path()).unwrap_err();
        assert!(matches!(error, DatabaseAddressError::Malformed { line: 2 }), "{error}");
        assert!(!error.to_string().contains("hunter2"));
        assert_eq!(address(Some("y.db"), None, folder.path()).unwrap(), "y.db", "it is not read when not needed");
    }

    #[test]
    fn a_dotenv_that_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".env")).unwrap();
        assert!(matches!(address(None, None, folder.path()), Err(DatabaseAddressError::Unreadable(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_dotenv_that_is_a_link_or_a_pipe_is_refused_at_once() {
        use rustix::fs::{CWD, Mode, mkfifoat};
        let place = folder("DATABASE_URL=x.db");
        let dotenv = place.path().join(".env");
        std::fs::rename(&dotenv, place.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", &dotenv).unwrap();
        let refused = || with_causes(&address(None, None, place.path()).unwrap_err());
        assert!(refused().contains("a symbolic link"), "{}", refused());
        std::fs::remove_file(&dotenv).unwrap();
        mkfifoat(CWD, &dotenv, Mode::RUSR | Mode::WUSR).unwrap();
        assert!(refused().contains("a pipe"), "{}", refused());
    }

    #[cfg(unix)]
    #[test]
    fn a_dotenv_that_everybody_can_read_is_warned_of() {
        use std::os::unix::fs::PermissionsExt;
        let place = folder("DATABASE_URL=x.db");
        for (mode, warned) in [(0o644, true), (0o640, false), (0o600, false)] {
            std::fs::set_permissions(place.path().join(".env"), std::fs::Permissions::from_mode(mode)).unwrap();
            let notes = std::cell::RefCell::new(Vec::new());
            super::address(None, None, place.path(), |note| notes.borrow_mut().push(note.to_owned())).unwrap();
            assert_eq!(notes.borrow().iter().any(|note| note.contains("chmod 600")), warned, "{mode:o}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_environment_that_is_not_text_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let value = OsString::from_vec(vec![b'x', 0xff]);
        assert!(matches!(address(None, Some(value), Path::new("/")), Err(DatabaseAddressError::NotText)));
    }
}
