//! Owner and mode of the database, the files beside it, and its folder.

use std::path::{Path, PathBuf};

use fieldfen_domain::health::Finding;

/// The files beside a database: SQLite's, and those of the store.
#[cfg(unix)]
const ENDINGS: [&str; 7] = ["", "-wal", "-shm", "-journal", "-lock", "-lock-queue", "-wake"];

/// The path of a file beside the database.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Looks at the files of the database at this path.
#[cfg(unix)]
pub(super) fn check(path: &Path) -> Vec<Finding> {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    use fieldfen_domain::health::Check;
    use rustix::fs::{Access, access};

    let looked_at = format!("{} and the files beside it", path.display());
    let Ok(database) = fs::metadata(path) else { return Vec::new() };
    let (mut open_to_write, mut open_to_read, mut strange, mut not_writable) = (vec![], vec![], vec![], vec![]);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let files = ENDINGS.map(|ending| beside(path, ending));
    for file in files.iter().map(PathBuf::as_path).chain(folder) {
        let Ok(found) = fs::symlink_metadata(file) else { continue };
        let named = || format!("{} has mode {:03o}", file.display(), found.mode() & 0o777);
        let is_sticky = found.is_dir() && found.mode() & 0o1000 != 0;
        if found.mode() & 0o002 != 0 && !is_sticky {
            open_to_write.push(named());
        } else if found.is_file() && found.mode() & 0o004 != 0 {
            open_to_read.push(named());
        }
        if found.is_file() && found.uid() != database.uid() && found.mode() & 0o022 == 0 {
            let (owner, other) = (database.uid(), found.uid());
            strange.push(format!("{} belongs to user {other}, the database to user {owner}", file.display()));
        }
        if access(file, Access::WRITE_OK).is_err() {
            not_writable.push(file.display().to_string());
        }
    }
    let mut findings = Vec::new();
    if !open_to_write.is_empty() {
        let advice = "take the permission from the others: `chmod o-w` of each";
        let finding =
            Finding::problem(Check::Permissions, &*looked_at, "every user of the machine can write them", advice);
        findings.push(finding.details(open_to_write));
    }
    if !strange.is_empty() {
        let advice = "give them to the owner of the database with `chown`, or stop all programs and remove an empty -wal and -shm";
        let found = "the owner of the database cannot write files beside it";
        findings.push(Finding::problem(Check::Permissions, &*looked_at, found, advice).details(strange));
    }
    if !not_writable.is_empty() {
        let advice =
            "work as the owner of the database, or check the modes and whether the file system is mounted read-only";
        let finding = Finding::warning(Check::Permissions, &*looked_at, "this user can only read them", advice);
        findings.push(finding.details(not_writable));
    }
    if !open_to_read.is_empty() {
        let advice =
            "take the permission from the others, if they should not read the shop's data: `chmod o-r` of each";
        let finding =
            Finding::warning(Check::Permissions, &*looked_at, "every user of the machine can read them", advice);
        findings.push(finding.details(open_to_read));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(Check::Permissions, looked_at, "only their owner and group have access"));
    }
    findings
}

#[cfg(not(unix))]
pub(super) fn check(_: &Path) -> Vec<Finding> {
    Vec::new()
}
