//! A shop's folder, and the program that runs in it.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fieldfen_persistence::SqliteUrl;
pub(crate) use fieldfen_testkit::ProgramOutput;
use fieldfen_testkit::wait::output;

/// A user without files.
const NOBODY: u32 = 65534;

/// Returns whether the tests run as root, whom permissions do not stop.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// One file or folder.
#[derive(PartialEq, Eq)]
pub(crate) struct Entry {
    bytes: Vec<u8>,
    owner: u32,
    inode: u64,
    mode: u32,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, owner {}, inode {}, mode {:o}", self.bytes.len(), self.owner, self.inode, self.mode)
    }
}

/// An empty folder for `data/fieldfen.db`.
pub(crate) struct Shop {
    folder: tempfile::TempDir,
    database: String,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("data/fieldfen.db").to_str().unwrap().to_owned();
        Self { folder, database }
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

    /// Runs `fieldfen-migrate` on the shop's database.
    pub(crate) fn migrate(&self, arguments: &[&str]) -> ProgramOutput {
        self.command(arguments, true)
    }

    /// Runs a script in the shop's folder, with `fieldfen-migrate` as `$0` and its arguments, including the shop's
    /// database, as `$@`. The script is run by `sh`, or by a shell in its own namespace, where it may mount file
    /// systems.
    pub(crate) fn script(&self, shell: &[&str], script: &str, arguments: &[&str]) -> ProgramOutput {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", script, env!("CARGO_BIN_EXE_fieldfen-migrate")]);
        self.set_up(&mut command, arguments, true);
        output(&mut command).into()
    }

    /// Runs `fieldfen-migrate` in the shop's folder, with or without the address of its database.
    pub(crate) fn command(&self, arguments: &[&str], told: bool) -> ProgramOutput {
        output(&mut self.prepare(arguments, told)).into()
    }

    /// Starts `fieldfen-migrate` on the shop's database.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.prepare(arguments, true).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub(crate) fn prepare(&self, arguments: &[&str], told: bool) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldfen-migrate"));
        self.set_up(&mut command, arguments, told);
        command
    }

    /// Runs `fieldfen-migrate` as a user whom permissions stop: if the tests run as root, as another user.
    pub(crate) fn migrate_unprivileged(&self, arguments: &[&str]) -> ProgramOutput {
        if is_root() { self.migrate_as_other(arguments) } else { self.migrate(arguments) }
    }

    /// Runs `fieldfen-migrate` as another user, which only root can.
    pub(crate) fn migrate_as_other(&self, arguments: &[&str]) -> ProgramOutput {
        use std::os::unix::fs::PermissionsExt;
        use std::os::unix::process::CommandExt;
        assert!(is_root(), "only root can become another user");
        // The other user cannot reach a target folder below root's home.
        let public = tempfile::tempdir().unwrap();
        let everybody = std::fs::Permissions::from_mode(0o755);
        for folder in [public.path(), self.folder()] {
            let mode = std::fs::metadata(folder).unwrap().permissions().mode();
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode | 0o055)).unwrap();
        }
        let copy = public.path().join("migrate");
        // Another process copies the program: a child of another thread that inherits the open copy would keep it from
        // running.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_fieldfen-migrate")).arg(&copy).status().unwrap();
        assert!(copied.success());
        std::fs::set_permissions(&copy, everybody).unwrap();
        let mut command = Command::new(copy);
        self.set_up(&mut command, arguments, true);
        output(command.uid(NOBODY).gid(NOBODY)).into()
    }

    /// Makes the shop's folder writable for root only.
    pub(crate) fn close_folder(&self) {
        std::fs::set_permissions(self.folder(), std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    }

    /// All files and folders, with the values that show whether one was written, replaced or given another owner.
    pub(crate) fn listing(&self) -> BTreeMap<PathBuf, Entry> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.folder().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let metadata = entry.metadata().unwrap();
                let bytes = if metadata.is_dir() { Vec::new() } else { std::fs::read(entry.path()).unwrap() };
                if metadata.is_dir() {
                    folders.push(entry.path());
                }
                let entry_found = Entry { bytes, owner: metadata.uid(), inode: metadata.ino(), mode: metadata.mode() };
                found.insert(entry.path(), entry_found);
            }
        }
        found
    }

    fn set_up(&self, command: &mut Command, arguments: &[&str], told: bool) {
        command.args(arguments).current_dir(self.folder()).stdin(Stdio::null());
        for name in ["DATABASE_URL", "RUST_LOG"] {
            command.env_remove(name);
        }
        if told {
            command.args(["--database", &self.database]);
        }
    }
}
