//! The migrations of one program, in its own range of versions.

use std::path::PathBuf;

use super::declarations::declared_changes;
use super::embedded::EMBEDDED;
use super::migration_file::MigrationFile;
use super::migration_folder;
use super::sql_digest::text_digest;
use super::sql_statements::statements;

/// The name of fieldfen's own set.
pub const FIELDFEN: &str = "fieldfen";

/// The number of digits of fieldfen's own versions.
const OWN_DIGITS: usize = 4;

/// The number of digits of the versions of importing programs: diesel's time of creation, for example
/// `20260102030405`.
const OTHER_DIGITS: usize = 14;

/// The statements that a migration may not contain: they end the transaction of the run, or reach outside it.
const REFUSED: [&str; 9] = ["begin", "commit", "end", "rollback", "savepoint", "release", "vacuum", "attach", "detach"];

/// The reason why migrations do not form a set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMigrations {
    /// A file or folder cannot be read.
    #[error("{path} cannot be read", path = .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The name of a migration's folder, or its version, is not valid.
    #[error("migration {name:?}: {rule}")]
    Name {
        /// The name of the folder.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// Two migrations have one version.
    #[error("the migrations {first} and {second} have the same version: give one of them a newer version")]
    Duplicate {
        /// The first of them.
        first: String,
        /// The second of them.
        second: String,
    },
    /// A file of a migration is missing, or its content is not allowed.
    #[error("{file} of migration {migration} {problem}")]
    Content {
        /// The migration.
        migration: String,
        /// The name of the file, for example `down.sql`.
        file: &'static str,
        /// The problem, as the end of a sentence.
        problem: String,
    },
}

/// The migrations of one program, sorted by their versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationSet {
    program: String,
    migrations: Vec<MigrationFile>,
}

impl MigrationSet {
    /// The set of an importing program. `program` is the name under which the ledger keeps its migrations. Versions
    /// have fourteen digits, as `diesel migration generate` makes them.
    ///
    /// # Errors
    /// [`InvalidMigrations`] for a version of another length, a version that two migrations have, an invalid name, an
    /// empty `up.sql` or `down.sql`, a statement that ends the transaction (`COMMIT`, for example), and a declaration
    /// `-- fieldfen:changes` without a table or a reason.
    pub fn new(program: &str, migrations: Vec<MigrationFile>) -> Result<Self, InvalidMigrations> {
        let is_name = !program.is_empty() && program.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !is_name || program == FIELDFEN {
            let rule =
                "the name of the program must consist of letters, digits, '-' and '_', and must not be \"fieldfen\"";
            return Err(InvalidMigrations::Name { name: program.to_owned(), rule });
        }
        const RULE: &str = "the version of an importing program's migration must have fourteen digits, for example \
                            20260102030405; the versions with four digits are fieldfen's own";
        Self::checked(program, migrations, OTHER_DIGITS, RULE)
    }

    /// Reads the set of an importing program from a folder of diesel: one folder `VERSION_NAME` for each migration,
    /// with `up.sql`, `down.sql` and optionally `checks.sql`. Hyphens in a version do not count.
    ///
    /// # Errors
    /// As [`MigrationSet::new`], and [`InvalidMigrations`] for a missing file, a file that is not UTF-8, and a
    /// `metadata.toml` that switches the transaction off. diesel also switches it off if the file lacks
    /// `run_in_transaction = true`.
    pub fn read_folder(program: &str, folder: impl Into<PathBuf>) -> Result<Self, InvalidMigrations> {
        Self::new(program, migration_folder::read(&folder.into())?)
    }

    /// Reads fieldfen's own migrations from a folder, for tools of the repository.
    ///
    /// # Errors
    /// As [`MigrationSet::read_folder`]; versions have four digits.
    pub fn read_own_folder(folder: impl Into<PathBuf>) -> Result<Self, InvalidMigrations> {
        let migrations = migration_folder::read(&folder.into())?;
        Self::checked(FIELDFEN, migrations, OWN_DIGITS, "the version of fieldfen's migrations must have four digits")
    }

    /// fieldfen's own migrations, which are embedded in the program.
    #[must_use]
    pub fn fieldfen() -> Self {
        Self { program: FIELDFEN.to_owned(), migrations: EMBEDDED.to_vec() }
    }

    /// The name of the program.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The migrations, the oldest first.
    #[must_use]
    pub fn migrations(&self) -> &[MigrationFile] {
        &self.migrations
    }

    /// The text of `migrations.sum`: the digest of all files, then a line for each migration. Two branches that both
    /// add a migration both change the first line, so that they collide in review.
    #[must_use]
    pub fn sum(&self) -> String {
        let mut lines = String::new();
        for file in &self.migrations {
            let checks = file.checks.as_deref().map(|checks| format!(" checks {}", super::SqlDigest::of(checks)));
            let (up, down) = (file.up_digest(), file.down_digest());
            lines.push_str(&format!("{} up {up} down {down}{}\n", file.migration(), checks.unwrap_or_default()));
        }
        format!("all {}\n{lines}", text_digest(&lines))
    }

    pub(super) fn get(&self, version: &str) -> Option<&MigrationFile> {
        self.migrations.iter().find(|file| file.version == version)
    }

    fn checked(
        program: &str,
        mut migrations: Vec<MigrationFile>,
        digits: usize,
        rule: &'static str,
    ) -> Result<Self, InvalidMigrations> {
        migrations.sort_by(|a, b| (&a.version, &a.name).cmp(&(&b.version, &b.name)));
        for file in &migrations {
            let name = || file.migration().to_string();
            if file.version.len() != digits || !file.version.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(InvalidMigrations::Name { name: name(), rule });
            }
            let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if file.name.is_empty() || !file.name.chars().all(is_valid) {
                let rule = "the name after the version must consist of letters, digits, '_' and '-'";
                return Err(InvalidMigrations::Name { name: name(), rule });
            }
            check_content(file)?;
        }
        if let Some([first, second]) = migrations.windows(2).find(|pair| pair[0].version == pair[1].version) {
            let [first, second] = [first, second].map(|file| file.migration().to_string());
            return Err(InvalidMigrations::Duplicate { first, second });
        }
        Ok(Self { program: program.to_owned(), migrations })
    }
}

/// Whether a version is in the range of fieldfen's own set.
pub(super) fn is_own_version(version: &str) -> bool {
    version.len() == OWN_DIGITS && version.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_content(file: &MigrationFile) -> Result<(), InvalidMigrations> {
    let refuse = |name: &'static str, problem: String| {
        Err(InvalidMigrations::Content { migration: file.migration().to_string(), file: name, problem })
    };
    for (name, sql) in [("up.sql", &file.up), ("down.sql", &file.down)] {
        let statements = statements(sql);
        if statements.is_empty() {
            return refuse(name, "has no statement: a migration is applied and reverted by statements".to_owned());
        }
        let is_refused = |word: &str| REFUSED.contains(&word);
        if let Some(statement) = statements.iter().find(|one| one.words.first().is_some_and(|word| is_refused(word))) {
            let problem = "ends the transaction in which all migrations run, or works outside it: remove it";
            return refuse(name, format!("has the statement {:?}, which {problem}", statement.text));
        }
        if let Err(comment) = declared_changes(sql) {
            let form = "`-- fieldfen:changes TABLE because REASON`";
            return refuse(name, format!("has the declaration {comment:?}, which must have the form {form}"));
        }
    }
    let checks = file.checks.as_deref().map(statements).unwrap_or_default();
    let is_select = |word: &String| ["select", "with", "values"].contains(&word.as_str());
    match checks.iter().find(|check| !check.words.first().is_some_and(is_select)) {
        Some(other) => refuse("checks.sql", format!("has the statement {:?}, which is no SELECT", other.text)),
        None => Ok(()),
    }
}
