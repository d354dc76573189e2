//! Files that the pipeline cannot use, in one folder with files that it can use.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use fieldfen_testkit::wait::output;
use image::{Rgb, RgbImage};
use serde_json::Value;

use crate::pipeline_process::{Workdir, document, package, program};

/// A user without files.
const NOBODY: u32 = 65_534;

/// Makes the folder, and returns the status and the reason that the report must give for each file; `None` for a file
/// that it must leave out.
fn unusable_files(folder: &Path) -> Vec<(&'static str, Option<(&'static str, &'static str)>)> {
    let sample = |name: &str| fs::read(package().join("pictures").join(name)).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    let deer = sample("whitetail-deer-morning-mist.jpg");
    let mut owl = sample("barn-owl-full-moon.png");
    put("good.jpg", &deer);
    put("truncated.jpg", &sample("red-fox-first-snow.jpg")[..6000]);
    put("empty.jpg", b"");
    put("text.jpg", b"Dear diary, today I saw a fox.");
    put("Füchse im Schnee – 狐.jpg", &sample("grey-heron-evening-pond.jpg"));
    RgbImage::from_pixel(1, 1, Rgb([90, 120, 60])).save(folder.join("pixel.png")).unwrap();
    let middle = owl.len() / 2;
    owl[middle] ^= 0xff;
    put("damaged inside.png", &owl);
    put("animation.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00");
    put("unreadable.jpg", &sample("brown-bear-autumn-ridge.jpg"));
    fs::set_permissions(folder.join("unreadable.jpg"), Permissions::from_mode(0o000)).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("dangling.jpg")).unwrap();
    fs::write(folder.join(OsStr::from_bytes(b"bad\xffname.jpg")), &deer).unwrap();
    put(".hidden.jpg", &sample("brown-hare-summer-meadow.png"));
    fs::create_dir(folder.join("sub")).unwrap();
    put("sub/inner.jpg", &sample("brown-hare-summer-meadow.png"));
    vec![
        ("good.jpg", Some(("published", ""))),
        ("Füchse im Schnee – 狐.jpg", Some(("published", ""))),
        ("pixel.png", Some(("published", ""))),
        ("truncated.jpg", Some(("failed", "a JPEG file whose end is missing"))),
        ("empty.jpg", Some(("failed", "the file is empty"))),
        ("text.jpg", Some(("failed", "not a picture: neither JPEG nor PNG"))),
        ("damaged inside.png", Some(("failed", "UpscaleImage failed for good: a damaged PNG file"))),
        ("animation.gif", Some(("failed", "a picture in the format Gif"))),
        ("dangling.jpg", Some(("not read", "cannot be read: No such file"))),
        ("bad\u{fffd}name.jpg", Some(("not read", "its name is not valid Unicode"))),
        ("unreadable.jpg", Some(("not read", "cannot be read: Permission denied"))),
        (".hidden.jpg", None),
        ("inner.jpg", None),
    ]
}

#[test]
fn each_unusable_file_gets_its_line_and_the_usable_ones_are_published() {
    let pictures = tempfile::tempdir().unwrap();
    let mut expected = unusable_files(pictures.path());
    let workdir = Workdir::new(pictures.path());
    let first = output(unprivileged(&workdir).arg("--json"));
    let report = document(&first);
    let lines = report["files"].as_array().unwrap();
    for (name, outcome) in &expected {
        let line = lines.iter().find(|line| line["name"] == *name);
        let Some((status, reason)) = outcome else {
            assert!(line.is_none(), "{name}");
            continue;
        };
        let line = line.unwrap_or_else(|| panic!("no line for {name}: {report:#}"));
        assert_eq!(line["status"].as_str().unwrap_or("not read"), *status, "{line:#}");
        assert!(line["reason"].as_str().unwrap_or_default().starts_with(reason), "{line:#}");
    }
    assert_eq!(lines.len(), expected.iter().filter(|(_, outcome)| outcome.is_some()).count());
    let count = |what: &str| report[what].as_u64().unwrap();
    assert_eq!([count("published"), count("failed"), count("not_read"), count("unfinished")], [3, 5, 3, 0]);

    // A second run reports the same as text: no file is retried, and none is missing.
    let second = output(&mut unprivileged(&workdir));
    assert!(second.status.success());
    let text = String::from_utf8(second.stdout).unwrap();
    assert!(text.contains("Nothing to do: 3 published, 5 failed, 3 not read"), "{text}");
    expected.retain(|(_, outcome)| outcome.is_some());
    for (name, outcome) in expected {
        let (status, reason) = outcome.unwrap();
        assert!(text.contains(status) && text.contains(name), "{name} in {text}");
        assert!(reason.is_empty() || text.contains(&format!("{name}: {reason}")), "{name} in {text}");
    }
    workdir.assert_sound();
    assert_eq!(workdir.number("SELECT count(*) AS n FROM listings"), 3);
    assert_eq!(workdir.number("SELECT count(*) AS n FROM files WHERE status = 'failed' AND failure <> ''"), 5);
    assert_eq!(workdir.names("data/catalogue/products").len(), 3);
}

/// The command of a pipeline without permission to read every file: as another user if the tests run as root.
fn unprivileged(workdir: &Workdir) -> Command {
    let home = workdir.folder.path();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        return workdir.command();
    }
    // The other user cannot reach a program below root's home. Another process copies the program: a child of another
    // thread that inherits the open copy would keep it from running.
    let program_of_other = home.join("pipeline");
    assert!(Command::new("cp").arg(program()).arg(&program_of_other).status().unwrap().success());
    for path in [home, &workdir.pictures] {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut command = Command::new(program_of_other);
    command.uid(NOBODY).gid(NOBODY);
    workdir.arguments(&mut command);
    command
}

#[test]
fn an_empty_folder_is_nothing_to_do() {
    let pictures = tempfile::tempdir().unwrap();
    let report = Workdir::new(pictures.path()).run();
    assert_eq!((&report["idle"], &report["files"]), (&Value::from(true), &Value::from(Vec::<Value>::new())));
}
