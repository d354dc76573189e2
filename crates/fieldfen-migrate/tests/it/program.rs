//! A shop's folder, and the program started in it.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use fieldfen_persistence::SqliteUrl;
use serde_json::Value;

/// A folder with nothing in it, where `data/fieldfen.db` will be.
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

    /// Runs `migrate` on the shop's database.
    pub(crate) fn migrate(&self, arguments: &[&str]) -> Ended {
        self.command(arguments, true)
    }

    /// Runs `migrate` in the shop's folder, told its database or not.
    pub(crate) fn command(&self, arguments: &[&str], told: bool) -> Ended {
        self.prepare(arguments, told).output().unwrap().into()
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.prepare(arguments, true).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub(crate) fn prepare(&self, arguments: &[&str], told: bool) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_migrate"));
        self.set_up(&mut command, arguments, told);
        command
    }

    /// As [`Shop::migrate`], as somebody who may not write in the shop's folder. Root may write everywhere, so that it
    /// becomes nobody where that can be done; `None` where it cannot.
    pub(crate) fn migrate_unprivileged(&self, arguments: &[&str]) -> Option<Ended> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let mode = std::fs::Permissions::from_mode(0o555);
        std::fs::set_permissions(self.folder(), mode.clone()).unwrap();
        if self.folder().join("data").exists() {
            std::fs::set_permissions(self.folder().join("data"), mode).unwrap();
        }
        let is_root = std::fs::metadata("/proc/self").map(|process| process.uid() == 0).unwrap_or(false);
        if !is_root {
            return Some(self.migrate(arguments));
        }
        // Nobody cannot reach a target folder below root's home: the program is copied to where everybody can.
        let public = tempfile::tempdir().unwrap();
        std::fs::set_permissions(public.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let copy = public.path().join("migrate");
        std::fs::copy(env!("CARGO_BIN_EXE_migrate"), &copy).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy);
        self.set_up(&mut command, arguments, true);
        command.output().ok().map(Ended::from)
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
