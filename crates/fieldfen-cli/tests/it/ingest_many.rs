//! A large folder is taken in by a process that is killed in the middle, and by another one that begins again.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::JobStatus;
use fieldfen_domain::store::Store as _;
use fieldfen_testkit::wait::wait_until;

use crate::shop_harness::Shop;

/// A PNG of one pixel. Bytes after its end change its hash and nothing else.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDATx\xda\x63\x60\0\0\0\x02\0\x01\xe5\x27\xde\xfc\0\0\0\0IEND\xaeB\x60\x82";

/// The number of files, from `FIELDFEN_INGEST_FILES` or this default.
fn number_of_files() -> usize {
    std::env::var("FIELDFEN_INGEST_FILES").map_or(1_000, |text| text.parse().unwrap())
}

#[test]
fn each_picture_of_a_large_folder_is_taken_in_once_although_the_first_ingest_is_killed() {
    let shop = Shop::new();
    let all = number_of_files();
    let folder = shop.folder().join("pictures");
    fs::create_dir(&folder).unwrap();
    for number in 0..all {
        fs::write(folder.join(format!("{number:06}.png")), [PIXEL, &number.to_be_bytes()].concat()).unwrap();
    }
    let store = shop.store();
    let count_files = || {
        let counts = store.read(|s| s.files().count()).unwrap();
        counts.iter().map(|(_, number)| usize::try_from(*number).unwrap()).sum::<usize>()
    };
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldfen"));
    command.args(["files", "ingest", "pictures", "--quiet"]).current_dir(shop.folder()).env_remove("DATABASE_URL");
    let mut first = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    wait_until("a third of the pictures is taken in", || count_files() >= all / 3);
    first.kill().unwrap();
    first.wait().unwrap();
    let before = count_files();
    assert!(before < all, "the first ingest has ended before it was killed");

    let again = shop.run(&["files", "ingest", "pictures", "--json"]).document(0);
    println!("{all} pictures in {:?}; {before} of them by the process that was killed", began.elapsed());
    let outcomes =
        |outcome: &str| again["items"].as_array().unwrap().iter().filter(|item| item["outcome"] == outcome).count();
    assert_eq!((outcomes("known"), outcomes("created")), (before, all - before));
    let ids: BTreeSet<_> = again["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), count_files()), (all, all), "each picture is one file");
    let jobs = store.read(|s| s.jobs().count()).unwrap();
    let jobs: Vec<_> = jobs.iter().map(|jobs| (jobs.kind.clone(), jobs.status, jobs.jobs)).collect();
    assert_eq!(jobs, [("CreateFileRecord".to_owned(), JobStatus::Pending, all as u64)]);
    assert_eq!(store.read(|s| s.files().count()).unwrap(), [(FileStatus::Ingested, all as u64)]);
}
