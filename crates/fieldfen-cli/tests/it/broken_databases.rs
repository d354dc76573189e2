//! Every list on a database that is damaged, read-only or not a database: an error with its exit code, and no byte changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

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

/// A command line of a user who owns nothing here. A test of root needs one, since root may write everything.
fn run_as_reader(program: &Path, folder: &Path, arguments: &[&str]) -> ProgramOutput {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env_remove("DATABASE_URL").env_remove("RUST_LOG");
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    output(&mut command).into()
}

#[test]
fn a_database_that_the_user_cannot_write_is_named_as_read_only_and_stays_as_it_is() {
    let shop = Shop::new();
    let data = shop.folder().join("data");
    // The folder of the build may be closed for other users.
    let program = shop.folder().join("fieldfen");
    fs::copy(env!("CARGO_BIN_EXE_fieldfen"), &program).unwrap();
    let set_modes = |files: u32, folder: u32| {
        for entry in fs::read_dir(&data).unwrap() {
            fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(files)).unwrap();
        }
        fs::set_permissions(&data, fs::Permissions::from_mode(folder)).unwrap();
    };
    set_modes(0o444, 0o555);
    for path in [shop.folder(), &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let before = bytes_in(&data);
    for command in reading_commands() {
        let failed = run_as_reader(&program, shop.folder(), &command.split(' ').collect::<Vec<_>>());
        failed.ends_with(7);
        assert!(failed.err.contains("read-only") && failed.err.contains("data/fieldfen.db"), "{}", failed.err);
        assert!(bytes_in(&data) == before, "{command} has changed a file beside the database");
    }
    // The folder is removed at the end.
    set_modes(0o600, 0o700);
}
