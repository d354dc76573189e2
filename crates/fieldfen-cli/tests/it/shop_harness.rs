//! A shop's folder with a migrated database, and the program that runs in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use diesel::connection::SimpleConnection as _;
use fieldfen_persistence::{OpenMode, SqliteStore, SqliteUrl, connect};
use fieldfen_services::Environment;
use fieldfen_services::shop::Shop as Rules;
use fieldfen_services::worker::Worker;
pub(crate) use fieldfen_testkit::ProgramOutput;
use fieldfen_testkit::wait::output;

/// A folder with a migrated `data/fieldfen.db`.
pub(crate) struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let shop = Self::without_database();
        shop.run(&["migrate", "up"]).ends_with(0);
        shop
    }

    /// An empty folder.
    pub(crate) fn without_database() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder().join("data/fieldfen.db")
    }

    /// Runs SQL as a program that does not check foreign keys.
    pub(crate) fn sql(&self, sql: &str) {
        let mut conn = connect(&SqliteUrl::from(&*self.database()), OpenMode::ExistingOnly).unwrap();
        conn.batch_execute(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    }

    pub(crate) fn store(&self) -> SqliteStore {
        SqliteStore::open(self.folder().join("data/fieldfen.db").to_str().unwrap()).unwrap()
    }

    /// Copies the pictures of the examples into the folder `pictures`.
    pub(crate) fn pictures(&self, names: &[&str]) {
        let to = self.folder().join("pictures");
        std::fs::create_dir_all(&to).unwrap();
        for name in names {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/pictures").join(name);
            std::fs::copy(from, to.join(name)).unwrap();
        }
    }

    /// Starts a worker in this process that carries operators' requests out by the default rules.
    pub(crate) fn operators_worker(&self) -> Worker {
        let pipeline = Rules::new().pipeline(Environment::system()).unwrap();
        pipeline.serve_operators(Worker::builder(self.store(), Environment::system())).start().unwrap()
    }

    /// Runs `fieldfen` in the folder as the operator ann.
    pub(crate) fn run(&self, arguments: &[&str]) -> ProgramOutput {
        self.run_program(Command::new(env!("CARGO_BIN_EXE_fieldfen")), arguments)
    }

    /// As [`Shop::run`], as a user who cannot write what is read-only: another one, if this one is root.
    #[cfg(unix)]
    pub(crate) fn run_unprivileged(&self, arguments: &[&str]) -> ProgramOutput {
        use std::os::unix::fs::PermissionsExt as _;
        use std::os::unix::process::CommandExt as _;
        const NOBODY: u32 = 65_534;
        if !rustix::process::geteuid().is_root() {
            return self.run(arguments);
        }
        // The other user cannot reach a target folder below root's home.
        let public = tempfile::tempdir().unwrap();
        let copy = public.path().join("fieldfen");
        // Another process copies the program: a child of another thread that inherits the open copy would keep it from
        // running.
        assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_fieldfen")).arg(&copy).status().unwrap().success());
        for path in [public.path(), &copy] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = Command::new(copy);
        command.uid(NOBODY).gid(NOBODY);
        self.run_program(command, arguments)
    }

    fn run_program(&self, mut command: Command, arguments: &[&str]) -> ProgramOutput {
        command.args(arguments).current_dir(self.folder()).stdin(Stdio::null()).env("FIELDFEN_OPERATOR", "ann");
        for name in ["DATABASE_URL", "RUST_LOG"] {
            command.env_remove(name);
        }
        output(&mut command).into()
    }
}
