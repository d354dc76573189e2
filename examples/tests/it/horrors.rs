//! A folder full of things that are no pictures.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use serde_json::Value;

use crate::program::{Place, document, package, program};

/// The user that owns nothing.
const NOBODY: u32 = 65_534;

/// Makes the folder, with what must become of each file: `None` when it must not be mentioned.
fn horrors(folder: &Path) -> Vec<(&'static str, Option<(&'static str, &'static str)>)> {
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
fn each_horror_gets_its_line_and_the_good_ones_are_published() {
    let pictures = tempfile::tempdir().unwrap();
    let mut expected = horrors(pictures.path());
    let place = Place::new(pictures.path());
    let Some(runner) = Runner::unprivileged(&place) else {
        println!("skipped: this is root, who can read everything, and there is no setpriv to become somebody else");
        return;
    };

    let first = runner.run(&["--json"]);
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

    // The same for people, by a second run: nothing is tried again, and nothing is forgotten.
    let second = runner.run(&[]);
    assert!(second.status.success());
    let text = String::from_utf8(second.stdout).unwrap();
    assert!(text.contains("Nothing to do: 3 published, 5 failed, 3 not read"), "{text}");
    expected.retain(|(_, outcome)| outcome.is_some());
    for (name, outcome) in expected {
        let (status, reason) = outcome.unwrap();
        assert!(text.contains(status) && text.contains(name), "{name} in {text}");
        assert!(reason.is_empty() || text.contains(&format!("{name}: {reason}")), "{name} in {text}");
    }
    place.assert_sound();
    assert_eq!(place.number("SELECT count(*) AS n FROM listings"), 3);
    assert_eq!(place.number("SELECT count(*) AS n FROM files WHERE status = 'failed' AND failure <> ''"), 5);
    assert_eq!(place.names("data/catalogue/products").len(), 3);
}

/// Runs the pipeline as somebody who may not read everything.
struct Runner<'a> {
    place: &'a Place,
    as_nobody: bool,
}

impl<'a> Runner<'a> {
    /// `None` when that is impossible here.
    fn unprivileged(place: &'a Place) -> Option<Self> {
        let home = place.folder.path();
        let is_root = fs::metadata(home).unwrap().uid() == 0;
        if is_root {
            let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()];
            let works = Command::new("setpriv").args(&ids).arg("true").status().is_ok_and(|status| status.success());
            if !works {
                return None;
            }
            // The program may lie where only root can go. Another process copies it: a child of another thread that
            // inherits the open copy would keep it from running.
            assert!(Command::new("cp").arg(program()).arg(home.join("pipeline")).status().unwrap().success());
            for path in [home, &place.pictures] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        Some(Self { place, as_nobody: is_root })
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = if self.as_nobody {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()]);
            command.arg(self.place.path("pipeline"));
            command
        } else {
            Command::new(program())
        };
        self.place.arguments(&mut command);
        command.args(arguments).output().unwrap()
    }
}

#[test]
fn an_empty_folder_is_nothing_to_do() {
    let pictures = tempfile::tempdir().unwrap();
    let report = Place::new(pictures.path()).run();
    assert_eq!((&report["idle"], &report["files"]), (&Value::from(true), &Value::from(Vec::<Value>::new())));
}
