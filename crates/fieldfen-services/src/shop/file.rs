//! Reads the file `fieldfen.toml`.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use fieldfen_domain::redacted;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Shop;
use super::setting::InvalidShop;
use super::toml_position::{setting_at, span_of};

/// The section that every program reads.
const DATABASE: &str = "database";

/// The name of the section of the backups.
const BACKUPS: &str = "backups";

/// The largest file that is read, in bytes. The rules of thousands of products need less.
const MAX_BYTES: u64 = 4 << 20;

/// The text of a `fieldfen.toml`: the rules of a shop, and the address of its database.
///
/// The program that runs the workers reads all of it. Other programs only read the section `[database]` and ignore the
/// rest, which a newer version may have written.
///
/// ```
/// use fieldfen_services::Environment;
/// use fieldfen_services::shop::ShopFile;
///
/// let file = ShopFile::parse(
///     r#"
///     approval = "automatic"
///
///     [database]
///     url = "sqlite://./data/fieldfen.db"
///
///     [[publish]]
///     platform = "etsy"
///     variants = "prints"
///     "#,
///     "fieldfen.toml",
/// );
/// assert_eq!(file.database()?.map(|database| database.url().to_owned()).as_deref(), Some("sqlite://./data/fieldfen.db"));
/// let pipeline = file.shop()?.pipeline(Environment::system())?;
/// # let _ = pipeline;
///
/// let misspelt = ShopFile::parse("[[publish]]\nplatform = \"esty\"", "fieldfen.toml");
/// let error = misspelt.shop().map(drop).map_err(|error| error.to_string());
/// assert!(error.is_err_and(|error| error.starts_with(r#""fieldfen.toml", line 2, column 12: publish #1, platform is "esty""#)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ShopFile {
    text: String,
    path: PathBuf,
}

/// The section `[database]`. Its `Debug` form hides secrets in the address.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseSection {
    url: String,
    folder: PathBuf,
    name: Option<String>,
}

impl DatabaseSection {
    /// The address as it is written. A relative path is relative to the [folder](DatabaseSection::folder) of the file.
    /// The program that opens the database resolves the path, since only its store can recognise one.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder of the file, as in the file's path; empty for the current folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A name of this database for people, for example `production`.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl fmt::Debug for DatabaseSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, folder, name } = self;
        let url = redacted(url);
        f.debug_struct("DatabaseSection").field("url", &url).field("folder", folder).field("name", name).finish()
    }
}

impl fmt::Debug for ShopFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text may hold the password of a database.
        f.debug_struct("ShopFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The error of a `fieldfen.toml` that cannot be used. It never shows the text of the section `[database]`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShopFileError {
    /// The file cannot be read.
    #[error("cannot read {path:?}: correct the path, or the permissions of the file")]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A setting breaks a rule.
    #[error("{path:?}, line {line}, column {column}: {problem}")]
    Invalid {
        /// The path of the file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, in characters from 1.
        column: usize,
        /// The setting, its value and the rule.
        problem: String,
    },
}

impl ShopFile {
    /// Reads a file of at most 4 MiB. The path may be a symbolic link.
    ///
    /// # Errors
    /// [`ShopFileError::Unreadable`], also if the path is not a regular file: a FIFO is not opened, so that the call
    /// cannot block.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ShopFileError> {
        let path = path.as_ref().to_owned();
        match text_of(&path) {
            Ok(text) => Ok(Self { text, path }),
            Err(source) => Err(ShopFileError::Unreadable { path, source }),
        }
    }

    /// Makes a shop file from a text. Messages name `path`, and relative addresses are relative to its folder.
    #[must_use]
    pub fn parse(text: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { text: text.into(), path: path.into() }
    }

    /// The rules. A rule that is left out has its default.
    ///
    /// # Errors
    /// [`ShopFileError::Invalid`] for the first setting that breaks a rule, in the section `[database]` too.
    pub fn shop(&self) -> Result<Shop, ShopFileError> {
        self.database()?;
        self.check_database()?;
        let mut table = self.table()?;
        table.get_mut().remove(DATABASE);
        let document = table.clone();
        let shop = Shop::deserialize(toml::Deserializer::from(table)).map_err(|error| {
            let span = error.span().unwrap_or_default();
            let place =
                setting_at(document.get_ref(), &span).map_or_else(String::new, |setting| format!("{setting}: "));
            self.invalid(&span, format!("{place}{}", error.message().replace('\n', " ")))
        })?;
        match shop.check() {
            Ok(()) => Ok(shop),
            Err(error) => Err(self.locate(&error)),
        }
    }

    /// Adds the line of a setting to an error, for checks of the program itself, for example [`Shop::check_publisher`].
    #[must_use]
    pub fn locate(&self, error: &InvalidShop) -> ShopFileError {
        let span = self.table().map_or(0..0, |table| span_of(table.get_ref(), &error.setting));
        self.invalid(&span, error.to_string())
    }

    /// Checks that the section `[database]` has no setting that this version does not know.
    fn check_database(&self) -> Result<(), ShopFileError> {
        let table = self.table()?;
        let settings = table.get_ref().get(DATABASE).and_then(|section| section.get_ref().as_table());
        let mut names = settings.into_iter().flat_map(|settings| settings.keys());
        match names.find(|name| !matches!(name.get_ref().as_ref(), "url" | "name")) {
            Some(name) => {
                let problem = format!("database.{}: unknown setting, expected url or name", name.get_ref());
                Err(self.invalid(&name.span(), problem))
            }
            None => Ok(()),
        }
    }

    /// The section `[database]`; `None` if the file has none. Unknown settings are ignored.
    ///
    /// # Errors
    /// [`ShopFileError::Invalid`] if the text is not TOML, or if an address or name breaks a rule.
    pub fn database(&self) -> Result<Option<DatabaseSection>, ShopFileError> {
        let table = self.table()?;
        let Some(section) = table.get_ref().get(DATABASE) else { return Ok(None) };
        let DeValue::Table(settings) = section.get_ref() else {
            return Err(
                self.invalid(&section.span(), "database: it must be a section [database] with url and name".to_owned())
            );
        };
        let text = |name: &str| match settings.get(name) {
            None => Ok(None),
            Some(value) => match value.get_ref().as_str() {
                Some(text) if !text.trim().is_empty() => Ok(Some(text.to_owned())),
                _ => Err(self.invalid(&value.span(), format!("database.{name}: it must be a text that is not blank"))),
            },
        };
        let Some(url) = text("url")? else {
            return Err(
                self.invalid(&section.span(), "database.url is missing: it must be the database's address".to_owned())
            );
        };
        let folder = self.path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Some(DatabaseSection { url, folder, name: text("name")? }))
    }

    /// The folder in the section `[backups]`; `None` if the file names none. All other settings are ignored, so that
    /// a backup does not depend on them.
    ///
    /// # Errors
    /// [`ShopFileError::Invalid`] if the text is not TOML, or if the folder is not a text that names one.
    pub fn backup_folder(&self) -> Result<Option<PathBuf>, ShopFileError> {
        let table = self.table()?;
        let Some(section) = table.get_ref().get(BACKUPS) else { return Ok(None) };
        let DeValue::Table(settings) = section.get_ref() else {
            let problem = "backups: it must be a section [backups] with folder and max_age_hours".to_owned();
            return Err(self.invalid(&section.span(), problem));
        };
        let Some(folder) = settings.get("folder") else { return Ok(None) };
        match folder.get_ref().as_str() {
            Some(path) if !path.is_empty() => Ok(Some(PathBuf::from(path))),
            _ => Err(self.invalid(&folder.span(), "backups.folder: it must be the path of a folder".to_owned())),
        }
    }

    fn table(&self) -> Result<Spanned<DeTable<'_>>, ShopFileError> {
        DeTable::parse(&self.text)
            .map_err(|error| self.invalid(&error.span().unwrap_or_default(), error.message().replace('\n', " ")))
    }

    fn invalid(&self, span: &Range<usize>, problem: String) -> ShopFileError {
        // An address in a wrong place may contain a password.
        let problem = if problem.contains("://") || problem.contains("password=") {
            "an address is only allowed in database.url; it is not repeated here".to_owned()
        } else {
            problem.chars().flat_map(printable).collect()
        };
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        ShopFileError::Invalid { path: self.path.clone(), line, column, problem }
    }
}

/// The text of a regular file.
fn text_of(path: &Path) -> io::Result<String> {
    let other = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    // Checked before the file is opened: opening a FIFO waits for another program.
    if !fs::metadata(path)?.is_file() {
        return Err(other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    if File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)? as u64 > MAX_BYTES {
        return Err(other("it has more than 4 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| other("it is not valid UTF-8"))
}

/// The character, or its escape if it would control a terminal.
fn printable(c: char) -> impl Iterator<Item = char> {
    let escape = c.is_control().then(|| c.escape_debug());
    let itself = escape.is_none().then_some(c);
    itself.into_iter().chain(escape.into_iter().flatten())
}
