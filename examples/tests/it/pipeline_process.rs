//! Runs the built pipeline in its own folder, and inspects the files and rows that it leaves behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use fieldfen_persistence::{OpenMode, connect};
use fieldfen_testkit::wait::{exit_status_within, output};
use serde_json::Value;
use tempfile::TempDir;

/// A build that takes longer has failed. Another cargo may hold the lock of the target folder for minutes.
const BUILD_PATIENCE: Duration = Duration::from_secs(1200);

/// The built pipeline.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example("pipeline"))
}

/// A built example. It is beside the tests, where `cargo test` puts it. If it is missing or older than its sources,
/// because only the tests were built, it is built here.
pub(crate) fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(Path::parent).unwrap();
    let program = profile.join(format!("examples/{name}{}", std::env::consts::EXE_SUFFIX));
    if !is_fresh(&program, name) {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "fieldfen-examples", "--example", name]);
        build.args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
        build.arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let status = exit_status_within(BUILD_PATIENCE, &mut build.spawn().unwrap());
        assert!(status.success(), "the example cannot be built: {status}");
    }
    program
}

fn is_fresh(program: &Path, name: &str) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|found| found.modified());
    let Ok(built) = changed(program) else { return false };
    let mut folders = vec![package().join("src"), package().join(name)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if changed(&path).unwrap() > built {
                return false;
            }
        }
    }
    true
}

pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder for the runs of a pipeline.
pub(crate) struct Workdir {
    pub(crate) folder: TempDir,
    pub(crate) pictures: PathBuf,
}

impl Workdir {
    /// A folder for a pipeline whose pictures are in `pictures`.
    pub(crate) fn new(pictures: &Path) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), pictures: pictures.to_owned() }
    }

    pub(crate) fn samples() -> Self {
        Self::new(&package().join("pictures"))
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    /// The command that runs the pipeline in this folder.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(program());
        self.arguments(&mut command);
        command
    }

    /// Adds the pipeline's arguments and environment to a command.
    pub(crate) fn arguments(&self, command: &mut Command) {
        command.arg(&self.pictures).current_dir(self.folder.path()).env_remove("DATABASE_URL").env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    }

    /// Starts the pipeline without waiting for its end.
    pub(crate) fn start(&self) -> Child {
        self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs the pipeline to its end, and parses its document.
    pub(crate) fn run(&self) -> Value {
        document(&output(self.command().arg("--json")))
    }

    /// The number that a query returns.
    pub(crate) fn number(&self, query: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let mut conn = connect(&self.database().parse().unwrap(), OpenMode::ExistingOnly).unwrap();
        sql_query(query).get_result::<Number>(&mut conn).unwrap().n
    }

    /// Changes the database like another program.
    pub(crate) fn execute(&self, statement: &str) {
        let mut conn = connect(&self.database().parse().unwrap(), OpenMode::ExistingOnly).unwrap();
        sql_query(statement).execute(&mut conn).unwrap();
    }

    fn database(&self) -> String {
        self.path("data/fieldfen.db").to_str().unwrap().to_owned()
    }

    /// The names in a folder, sorted.
    pub(crate) fn names(&self, inside: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(inside)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Checks the rules for a finished run: each of `count` pictures is published exactly once, no job and no
    /// unfinished file is left, and another run finds nothing to do.
    pub(crate) fn assert_done(&self, count: i64) {
        self.assert_sound();
        assert_eq!(self.number("SELECT count(*) AS n FROM files WHERE status = 'published'"), count);
        assert_eq!(self.number("SELECT count(*) AS n FROM listings WHERE status = 'active'"), count);
        assert_eq!(self.number("SELECT count(*) AS n FROM listings"), count);
        assert_eq!(self.number("SELECT count(DISTINCT file_id) AS n FROM listings"), count);
        assert_eq!(self.number("SELECT count(*) AS n FROM publications WHERE state = 'confirmed'"), count);
        assert_eq!(self.number("SELECT count(*) AS n FROM jobs WHERE status <> 'completed'"), 0);
        let products = usize::try_from(count).unwrap();
        for part in ["records", "products", "pictures"] {
            assert_eq!(self.names(&format!("data/catalogue/{part}")).len(), products, "{part}");
        }
        let index = fs::read_to_string(self.path("data/catalogue/index.html")).unwrap();
        assert_eq!(index.matches("class=\"card\"").count(), products);
        for part in ["prints", "previews"] {
            assert_eq!(self.names(&format!("data/pictures/{part}")).len(), products, "{part}");
        }
        let again = self.run();
        assert_eq!((&again["idle"], &again["unfinished"]), (&Value::Bool(true), &Value::from(0)), "{again:#}");
    }

    /// Checks the rules that hold whenever no pipeline runs here.
    pub(crate) fn assert_sound(&self) {
        #[derive(QueryableByName)]
        struct Verdict {
            #[diesel(sql_type = Text)]
            integrity_check: String,
        }
        let mut conn = connect(&self.database().parse().unwrap(), OpenMode::ExistingOnly).unwrap();
        let verdict: Vec<Verdict> = sql_query("PRAGMA integrity_check").load(&mut conn).unwrap();
        assert_eq!(verdict.iter().map(|v| v.integrity_check.as_str()).collect::<Vec<_>>(), ["ok"]);
        assert_eq!(self.number("SELECT count(*) AS n FROM pragma_foreign_key_check"), 0);
        assert_eq!(left_over(self.folder.path()), Vec::<PathBuf>::new());
    }
}

/// The document of a successful run: all of its standard output.
pub(crate) fn document(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

/// The unfinished files under a folder.
fn left_over(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(left_over(&path));
        } else if path.extension().is_some_and(|extension| extension == "partial") {
            found.push(path);
        }
    }
    found
}
