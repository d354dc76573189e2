//! The pipeline with a user's file of rules.

use std::fs;

use fieldfen_testkit::wait::output;
use tempfile::TempDir;

use crate::pipeline_process::{Workdir, document, package};

/// A folder with one picture, and a folder with this file of rules.
fn with_rules(rules: &str) -> (Workdir, TempDir) {
    let pictures = tempfile::tempdir().unwrap();
    let name = "grey-heron-evening-pond.jpg";
    fs::copy(package().join("pictures").join(name), pictures.path().join(name)).unwrap();
    let workdir = Workdir::new(pictures.path());
    fs::write(workdir.path("fieldfen.toml"), rules).unwrap();
    (workdir, pictures)
}

#[test]
fn a_shop_whose_operator_approves_publishes_nothing_by_itself() {
    let rules = "approval = \"operator\"\n[upscaling]\nscale_factor = 2\n[database]\nurl = \"data/fieldfen.db\"\n";
    let (workdir, _pictures) = with_rules(rules);
    document(&output(workdir.command().args(["--json", "--rules", "fieldfen.toml"])));
    workdir.assert_sound();
    assert_eq!(workdir.number("SELECT count(*) AS n FROM files WHERE status = 'processed'"), 1);
    assert_eq!(workdir.number("SELECT count(*) AS n FROM listings"), 0);
    let factor = "SELECT payload_json ->> '$.scale_factor' AS n FROM jobs WHERE command_type = 'UpscaleImage'";
    assert_eq!(workdir.number(factor), 2);
    // The example's rules approve a file at the end of its job. They do not approve a file that already waits for a
    // person.
    workdir.run();
    assert_eq!(workdir.number("SELECT count(*) AS n FROM listings"), 0);
}

#[test]
fn rules_that_cannot_be_followed_end_the_program_before_it_begins() {
    let (workdir, _pictures) = with_rules("[marketplaces]\ncatalogue = []\n\n[[publish]]\nplatform = \"catalog\"\n");
    let ended = output(workdir.command().args(["--rules", "fieldfen.toml"]));
    let error = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{error}");
    assert!(
        error.contains(r#""fieldfen.toml", line 5, column 12: publish #1, platform is "catalog": a platform of the"#),
        "{error}"
    );
    assert!(!workdir.path("data").exists());
}
