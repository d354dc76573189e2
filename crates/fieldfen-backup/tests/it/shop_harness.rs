//! A shop's folder with a database of files, and the program that runs in it.

use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use diesel::prelude::*;
use diesel::sql_types::Text;
use fieldfen_domain::FileId;
use fieldfen_domain::file::NewFile;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_persistence::{OpenMode, SqliteStore, SqliteUrl, connect, migrations};
pub(crate) use fieldfen_testkit::ProgramOutput;
use fieldfen_testkit::wait::output;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_fieldfen-backup");

/// A user without files.
const NOBODY: u32 = 65_534;

pub(crate) fn new_file(id: FileId, name: String) -> NewFile {
    NewFile::new(id, name, crate::now())
}

/// A folder with a migrated database `data/fieldfen.db`.
pub(crate) struct Shop {
    folder: tempfile::TempDir,
    database: String,
}

impl Shop {
    pub(crate) fn with_files(n: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("data/fieldfen.db").to_str().unwrap().to_owned();
        let shop = Self { folder, database };
        migrations::run_pending(&mut connect(&shop.url(), OpenMode::CreateIfMissing).unwrap()).unwrap();
        shop.add_files(0..n);
        shop
    }

    pub(crate) fn add_files(&self, numbers: Range<u32>) {
        let store = SqliteStore::open(&self.database).unwrap();
        let added = store.write(|s| {
            for n in numbers.clone() {
                s.files().insert(&new_file(FileId::from_random(n.into()), format!("file {n}")))?;
            }
            Ok::<_, StoreError>(())
        });
        added.unwrap();
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    pub(crate) fn url(&self) -> SqliteUrl {
        self.database.parse().unwrap()
    }

    pub(crate) fn backups(&self) -> PathBuf {
        self.folder().join("backups")
    }

    /// The names in the folder of backups, without hidden files.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.backups()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// The command that runs `fieldfen-backup` in the shop's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        self.set_up(command.args(arguments));
        command
    }

    /// Runs `fieldfen-backup` in the shop's folder.
    pub(crate) fn backup(&self, arguments: &[&str]) -> ProgramOutput {
        output(&mut self.command(arguments)).into()
    }

    /// Starts `fieldfen-backup` in the shop's folder.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs a shell script in the shop's folder, with the path of `fieldfen-backup` as `$1`.
    pub(crate) fn shell(&self, script: &str) -> ProgramOutput {
        let mut command = Command::new("sh");
        output(self.set_up(command.args(["-c", script, "sh", PROGRAM]))).into()
    }

    fn set_up<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .env("DATABASE_URL", &self.database)
            .env_remove("RUST_LOG")
    }
}

/// Asserts that each finished backup in the folder is sound and has this number of files.
pub(crate) fn assert_whole(shop: &Shop, files: i64) {
    for name in shop.names() {
        if name.contains(".partial") {
            continue;
        }
        // Read without a log, which would remain beside the backup.
        let uri = format!("file:{}?mode=ro&immutable=1", shop.backups().join(&name).display());
        let mut conn = SqliteConnection::establish(&uri).unwrap();
        let found = "(SELECT integrity_check || ' ' || (SELECT count(*) FROM files) FROM pragma_integrity_check)";
        let found: String = diesel::select(diesel::dsl::sql::<Text>(found)).get_result(&mut conn).unwrap();
        assert_eq!(found, format!("ok {files}"), "{name}");
    }
}

/// Every path under a folder, without the folder itself.
pub(crate) fn all_paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Returns whether the tests run as root, whom permissions do not stop.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Runs `fieldfen-backup` as a user whom permissions stop. If the tests run as root, that is another user, and the
/// shell script `prepare` first gives that user the required access.
pub(crate) fn unprivileged(shop: &Shop, prepare: &str, arguments: &[&str]) -> ProgramOutput {
    if !is_root() {
        return shop.backup(arguments);
    }
    // The other user cannot reach a target folder below root's home.
    let prepare = format!("{prepare} && chmod 755 . data && cp \"$1\" program");
    shop.shell(&prepare).ends_with(0);
    let mut command = Command::new("./program");
    output(shop.set_up(command.args(arguments)).uid(NOBODY).gid(NOBODY)).into()
}
