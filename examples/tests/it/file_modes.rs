//! The modes of the files and folders that the pipeline creates.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use fieldfen_testkit::wait::output;

use crate::pipeline_process::{Workdir, document, package};

/// The files and folders under a folder with their modes.
fn modes(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push((path.clone(), fs::metadata(&path).unwrap().mode() & 0o777));
        if path.is_dir() {
            found.extend(modes(&path));
        }
    }
    found
}

#[test]
fn only_the_owner_can_read_what_the_pipeline_makes_until_the_catalogue_is_opened_up() {
    let pictures = tempfile::tempdir().unwrap();
    fs::copy(package().join("pictures/red-fox-first-snow.jpg"), pictures.path().join("fox.jpg")).unwrap();
    let workdir = Workdir::new(pictures.path());
    workdir.run();
    let made = modes(&workdir.path("data"));
    assert!(made.len() > 12, "{made:?}");
    let open: Vec<_> = made.iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
    assert!(open.is_empty(), "{open:?}");

    document(&output(workdir.command().args(["--json", "--public-catalogue"])));
    let catalogue = workdir.path("data/catalogue");
    let open: Vec<_> = modes(&workdir.path("data")).into_iter().filter(|(_, mode)| mode & 0o004 != 0).collect();
    let shown = |path: &Path| {
        path == catalogue
            || ["index.html", "products", "pictures"].iter().any(|part| path.starts_with(catalogue.join(part)))
    };
    assert!(open.iter().all(|(path, _)| shown(path)), "{open:?}");
    assert_eq!(open.len(), 6, "the folder, its index, two folders, a page and a picture: {open:?}");
}

#[test]
fn a_lock_that_is_a_link_and_a_pipe_among_the_partial_files_hold_nothing_up() {
    let workdir = Workdir::samples();
    fs::create_dir_all(workdir.path("data/catalogue/records")).unwrap();
    let mkfifo = std::process::Command::new("mkfifo").arg(workdir.path("data/catalogue/records/.x.partial")).status();
    assert!(mkfifo.unwrap().success());
    symlink("../victim", workdir.path("data/catalogue/.lock")).unwrap();
    let refused = output(&mut workdir.command());
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && text.contains("a symbolic link"), "{text}");
    assert!(!workdir.path("data/victim").exists());
    fs::remove_file(workdir.path("data/catalogue/.lock")).unwrap();
    assert_eq!(workdir.run()["published"], 6);
}
