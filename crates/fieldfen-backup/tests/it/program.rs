//! A shop's folder with a database of files, and the program started in it.

use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use fieldfen_domain::FileId;
use fieldfen_domain::file::NewFile;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_persistence::{OpenMode, SqliteStore, SqliteUrl, connect, migrations};
use serde_json::Value;

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

    /// The names in the folder of backups, without the hidden ones.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.backups()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// The command that runs `fieldfen-backup` in the shop's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldfen-backup"));
        self.set_up(command.args(arguments));
        command
    }

    /// Runs `fieldfen-backup` in the shop's folder.
    pub(crate) fn backup(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs a shell script in the shop's folder, with the program's path as `$1`.
    pub(crate) fn shell(&self, script: &str, program: &Path) -> Ended {
        let mut command = Command::new("sh");
        self.set_up(command.args(["-c", script, "sh"]).arg(program)).output().unwrap().into()
    }

    fn set_up<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .env("DATABASE_URL", &self.database)
            .env_remove("RUST_LOG")
    }
}

/// Runs the program as a user who is not root, after a script of this user's. Root becomes a user who owns nothing; `None`
/// where that is impossible.
pub(crate) fn unprivileged(shop: &Shop, prepare: &str, arguments: &str, program: &Path) -> Option<Ended> {
    if !std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        return Some(shop.shell(&format!("exec \"$1\" {arguments}"), program));
    }
    // That user can reach a copy of the program, and the database.
    let prepare = format!("{prepare} && chmod 755 . data && cp \"$1\" program && setpriv --version");
    if shop.shell(&prepare, program).code != 0 {
        return None;
    }
    let run = format!("exec setpriv --reuid=65534 --regid=65534 --clear-groups ./program {arguments}");
    Some(shop.shell(&run, program))
}

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn ends_with(&self, code: i32) {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
    }

    /// The one document on stdout of a program that ended with this code.
    #[track_caller]
    pub(crate) fn document(&self, code: i32) -> Value {
        self.ends_with(code);
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}
