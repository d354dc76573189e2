//! Every list on a database that is damaged or not a database: an error with its exit code, and no byte changed. A
//! database that the user can only read is shown as it is.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use fieldfen_domain::store::Store as _;
use fieldfen_testkit::wait::output;

use crate::output::reading_commands;
use crate::shop_harness::{ProgramOutput, Shop};

/// The size of a page of the database.
const PAGE: usize = 4096;

/// The files beside a database, with their bytes.
fn bytes_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// Changes the bytes of the database of a new shop, and runs every list on it.
fn every_list_fails(change: impl Fn(&mut Vec<u8>), code: i32, says: &str) {
    let shop = Shop::new();
    let data = shop.folder().join("data");
    let mut bytes = fs::read(data.join("fieldfen.db")).unwrap();
    change(&mut bytes);
    fs::write(data.join("fieldfen.db"), bytes).unwrap();
    let before = bytes_in(&data);
    for command in reading_commands() {
        let arguments: Vec<_> = command.split(' ').collect();
        let failed = shop.run(&arguments);
        failed.ends_with(code);
        assert!(failed.err.contains(says) && !failed.err.contains("panicked"), "{command}: {}", failed.err);
        let document = shop.run(&[&arguments[..], &["--json"]].concat()).document(code);
        // The status is a document of its own if migrations are pending: it names them.
        if !(command == "status" && document["needs"][0]["what"] == "pending_migrations") {
            assert_eq!(failed.out, "", "{command}");
            assert_eq!(document["error"]["exit_code"], code, "{command}: {document}");
        }
        assert!(bytes_in(&data) == before, "{command} has changed a file beside the database");
    }
}

#[test]
fn a_damaged_database_is_named_as_damaged_and_stays_as_it_is() {
    every_list_fails(|bytes| bytes[PAGE..].fill(0xa5), 6, "damaged");
    every_list_fails(|bytes| bytes.truncate(3 * PAGE), 6, "damaged");
    every_list_fails(|bytes| bytes[..16].copy_from_slice(b"GIF89a, no SQLit"), 6, "not a database");
}

#[test]
fn an_empty_file_and_a_database_of_another_program_have_no_known_schema() {
    every_list_fails(Vec::clear, 5, "fieldfen");
}

/// A limit on the size of files is for SQLite the same as a full disk. Blocks have 512 bytes: room for nothing, for a page,
/// and for almost the index of the log.
#[test]
fn every_list_shows_a_database_whose_disk_is_full() {
    for blocks in [0, 8, 63] {
        let shop = Shop::new();
        let id = "11111111-1111-4111-8111-111111111111";
        shop.sql(&format!("INSERT INTO jobs (id, command_type, status) VALUES ('{id}', 'a.b', 'pending')"));
        let limited = |command: &str| {
            let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
            let mut shell = Command::new("sh");
            shell.args(["-c", &script, env!("CARGO_BIN_EXE_fieldfen")]).args(command.split(' '));
            shell.current_dir(shop.folder()).stdin(Stdio::null()).env_remove("DATABASE_URL").env_remove("RUST_LOG");
            let ended: ProgramOutput = output(&mut shell).into();
            ended
        };
        for command in reading_commands() {
            let shown = limited(command);
            shown.ends_with(0);
            assert!(command != "jobs list" || shown.out.contains("a.b"), "{}", shown.out);
        }
        limited("jobs run-now 11111111").ends_with(8);
    }
}

/// A command line of a user who owns nothing here. A test of root needs one, since root may write everything.
fn run_as_reader(program: &Path, folder: &Path, arguments: &[&str]) -> ProgramOutput {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env_remove("DATABASE_URL").env_remove("RUST_LOG");
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    output(&mut command).into()
}

/// A shop with one picture and one job, and a copy of the program for a user who owns nothing there.
fn shop_for_reader() -> (Shop, PathBuf) {
    let shop = Shop::new();
    shop.sql(
        "INSERT INTO files (id, original_filename, species, status, created_at)
         VALUES ('0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a10', 'owl.jpg', 'owl', 'processed', '2026-01-01 00:00:00.000000');
         INSERT INTO jobs (id, command_type, status, created_at)
         VALUES ('0b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a11', 'test.work', 'pending', '2026-01-01 00:00:00.000000')",
    );
    // The folder of the build may be closed for other users.
    let program = shop.folder().join("fieldfen");
    assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_fieldfen")).arg(&program).status().unwrap().success());
    for path in [shop.folder(), &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    (shop, program)
}

/// Sets the mode of the files of the database and of their folder.
fn set_modes(shop: &Shop, files: u32, folder: u32) {
    let data = shop.folder().join("data");
    for entry in fs::read_dir(&data).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(files)).unwrap();
    }
    fs::set_permissions(&data, fs::Permissions::from_mode(folder)).unwrap();
}

/// The files beside a database, with their sizes and times. Reading the files would drop the locks of a store of this
/// process.
fn files_in(folder: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let file = |entry: fs::DirEntry| {
        let found = entry.metadata().unwrap();
        (entry.file_name().into_string().unwrap(), (found.len(), found.modified().unwrap()))
    };
    entries.map(file).collect()
}

/// Runs every list as the owner, and as a reader who may use the files and their folder with these modes. Both see the
/// same, and no byte changes.
fn every_list_is_shown(shop: &Shop, program: &Path, (files, folder): (u32, u32)) {
    let data = shop.folder().join("data");
    let shown_rows = ["files show 0b5a4f0e-4f5c-4b0e", "jobs show 0b5a4f0e-4f5c-4b0e", "jobs why 0b5a4f0e-4f5c-4b0e"];
    let commands = reading_commands().into_iter().chain(shown_rows).chain(["usage budget"]);
    let commands: Vec<Vec<_>> = commands.map(|command| command.split(' ').collect()).collect();
    let expected: Vec<_> = commands.iter().map(|arguments| shop.run(arguments)).collect();
    set_modes(shop, files, folder);
    let before = files_in(&data);
    for (arguments, expected) in commands.iter().zip(expected) {
        let read = run_as_reader(program, shop.folder(), arguments);
        let modes = format!("files {files:o}, folder {folder:o}");
        assert_eq!((&read.out, &read.err), (&expected.out, &expected.err), "{arguments:?}, {modes}");
        assert!(files_in(&data) == before, "{arguments:?} has changed a file beside the database, {modes}");
    }
    let refused =
        run_as_reader(program, shop.folder(), &["pause", "--kind", "test.work", "--reason", "no ink", "--as", "ann"]);
    refused.ends_with(7);
    assert!(refused.err.contains("read-only") && refused.err.contains("data"), "{}", refused.err);
    assert!(files_in(&data) == before, "the refused command has changed a file beside the database");
    // The folder is removed at the end.
    set_modes(shop, 0o600, 0o700);
}

/// Files and folder that only the owner may write, files alone, and the folder alone.
const READ_ONLY_MODES: [(u32, u32); 3] = [(0o444, 0o555), (0o444, 0o777), (0o666, 0o555)];

#[test]
fn a_database_that_the_user_cannot_write_is_shown_and_stays_as_it_is() {
    let (shop, program) = shop_for_reader();
    for modes in READ_ONLY_MODES {
        every_list_is_shown(&shop, &program, modes);
    }
}

#[test]
fn a_database_that_a_worker_uses_is_shown_to_a_user_who_cannot_write_it() {
    let (shop, program) = shop_for_reader();
    let store = shop.store();
    store.write(|_| Ok(())).unwrap();
    // A row that is in the log only.
    shop.sql(
        "INSERT INTO jobs (id, command_type, status, created_at)
         VALUES ('1b5a4f0e-4f5c-4b0e-9a53-0c2a6f4f9a12', 'test.work', 'pending', '2026-01-01 00:00:00.000000')",
    );
    for (files, folder) in [(0o444, 0o555), (0o444, 0o777)] {
        every_list_is_shown(&shop, &program, (files, folder));
    }
}

#[test]
fn a_log_that_only_the_owner_can_recover_is_named() {
    let (shop, program) = shop_for_reader();
    let data = shop.folder().join("data");
    let store = shop.store();
    shop.sql("UPDATE jobs SET priority = 3");
    let crashed = shop.folder().join("crashed");
    fs::create_dir(&crashed).unwrap();
    for name in ["fieldfen.db", "fieldfen.db-wal"] {
        fs::copy(data.join(name), crashed.join(name)).unwrap();
    }
    drop(store);
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&crashed, &data).unwrap();
    set_modes(&shop, 0o444, 0o555);
    let refused = run_as_reader(&program, shop.folder(), &["jobs", "list"]);
    refused.ends_with(3);
    assert!(refused.err.contains("only its owner can recover it"), "{}", refused.err);
    set_modes(&shop, 0o600, 0o700);
}
