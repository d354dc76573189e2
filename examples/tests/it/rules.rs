//! The rules of the pipeline, from a file of the user's own.

use std::fs;

use tempfile::TempDir;

use crate::program::{Place, document, package};

/// A place with one picture, and a folder with this file of rules.
fn with_rules(rules: &str) -> (Place, TempDir) {
    let pictures = tempfile::tempdir().unwrap();
    let name = "grey-heron-evening-pond.jpg";
    fs::copy(package().join("pictures").join(name), pictures.path().join(name)).unwrap();
    let place = Place::new(pictures.path());
    fs::write(place.path("fieldfen.toml"), rules).unwrap();
    (place, pictures)
}

#[test]
fn a_shop_whose_operator_approves_publishes_nothing_by_itself() {
    let rules = "approval = \"operator\"\n[upscaling]\nscale_factor = 2\n[database]\nurl = \"data/fieldfen.db\"\n";
    let (place, _pictures) = with_rules(rules);
    document(&place.command().args(["--json", "--rules", "fieldfen.toml"]).output().unwrap());
    place.assert_sound();
    assert_eq!(place.number("SELECT count(*) AS n FROM files WHERE status = 'processed'"), 1);
    assert_eq!(place.number("SELECT count(*) AS n FROM listings"), 0);
    let factor = "SELECT payload_json ->> '$.scale_factor' AS n FROM jobs WHERE command_type = 'UpscaleImage'";
    assert_eq!(place.number(factor), 2);
    // The rules of the example approve it where its job is done, not what waits for a person already.
    place.run();
    assert_eq!(place.number("SELECT count(*) AS n FROM listings"), 0);
}

#[test]
fn rules_that_cannot_be_followed_end_the_program_before_it_begins() {
    let (place, _pictures) = with_rules("[marketplaces]\ncatalogue = []\n\n[[publish]]\nplatform = \"catalog\"\n");
    let ended = place.command().args(["--rules", "fieldfen.toml"]).output().unwrap();
    let error = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{error}");
    assert!(
        error.contains(r#""fieldfen.toml", line 5, column 12: publish #1, platform is "catalog": a platform of the"#),
        "{error}"
    );
    assert!(!place.path("data").exists());
}
