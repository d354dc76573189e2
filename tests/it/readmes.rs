//! Checks the READMEs: complete examples, valid links, and services instead of repositories.

use std::fs;
use std::path::{Path, PathBuf};

/// Calls of repositories, which skip the rules of the services. No example may contain one.
const REPOSITORIES: [&str; 9] = [
    ".jobs().enqueue",
    ".jobs().claim",
    ".jobs().complete",
    ".job_admin()",
    ".files().insert",
    ".files().edit",
    ".files().change",
    ".recurring().define",
    ".publications().reserve",
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The README of the repository, of the examples and of each crate.
fn readmes() -> Vec<PathBuf> {
    let crates = fs::read_dir(repository().join("crates")).unwrap();
    let mut readmes: Vec<PathBuf> = crates.map(|folder| folder.unwrap().path().join("README.md")).collect();
    readmes.extend([repository().join("README.md"), repository().join("examples/README.md")]);
    readmes
}

/// The lines of a README in code of this language, or outside of code.
fn lines(text: &str, language: Option<&str>) -> Vec<String> {
    let (mut within, mut found) = (None, Vec::new());
    for line in text.lines() {
        match (line.strip_prefix("```"), &within) {
            (Some(named), None) => within = Some(named.split(',').next().unwrap_or_default().to_owned()),
            (Some(_), Some(_)) => within = None,
            (None, code) if code.as_deref() == language => found.push(line.to_owned()),
            (None, _) => {}
        }
    }
    found
}

/// The targets of the links in some prose.
fn links(prose: &[String]) -> Vec<String> {
    let rest = prose.iter().flat_map(|line| line.split("](").skip(1));
    rest.map(|rest| rest.split(')').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_link_leads_somewhere_on_a_code_host_too() {
    for readme in readmes() {
        let prose = lines(&fs::read_to_string(&readme).unwrap(), None);
        for link in links(&prose).into_iter().filter(|link| !link.starts_with("https://")) {
            let (path, _) = link.split_once('#').unwrap_or((&link, ""));
            let target = readme.parent().unwrap().join(path);
            assert!(target.exists(), "{}: {link:?} leads nowhere", readme.display());
        }
        // On a code host, a link that only rustdoc resolves shows its brackets.
        let bare = prose.iter().find(|line| line.replace("`](", "").contains("`]"));
        assert_eq!(bare, None, "{}", readme.display());
    }
}

#[test]
fn examples_hide_no_line_and_show_no_repository() {
    let mut examples = 0;
    for readme in readmes() {
        for line in lines(&fs::read_to_string(&readme).unwrap(), Some("rust")) {
            examples += 1;
            assert!(
                !line.starts_with("# ") && line != "#",
                "{}: {line:?} is hidden by rustdoc alone",
                readme.display()
            );
            let repository = REPOSITORIES.iter().find(|repository| line.contains(**repository));
            assert_eq!(repository, None, "{}: {line:?}", readme.display());
        }
    }
    assert!(examples > 100, "{examples} lines of examples");
}

#[test]
fn each_crate_says_how_to_depend_on_it() {
    let version: Vec<&str> = env!("CARGO_PKG_VERSION").split('.').take(2).collect();
    for readme in readmes() {
        let folder = readme.parent().unwrap().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if folder.starts_with("fieldfen-") {
            let wanted = format!("{folder} = \"{}\"", version.join("."));
            let manifest = lines(&fs::read_to_string(&readme).unwrap(), Some("toml"));
            let with_features = wanted.replacen("= ", "= { version = ", 1);
            let is_wanted = |line: &String| line.starts_with(&wanted) || line.starts_with(&with_features);
            assert!(manifest.iter().any(is_wanted), "{}: {wanted}", readme.display());
        }
    }
}

#[test]
fn each_crate_that_an_example_imports_is_among_the_dependencies_above_it() {
    for readme in readmes().into_iter().filter(|readme| !readme.ends_with("examples/README.md")) {
        let text = fs::read_to_string(&readme).unwrap();
        let manifest = lines(&text, Some("toml"));
        for line in lines(&text, Some("rust")) {
            let Some(path) = line.trim_start().strip_prefix("use ") else { continue };
            let name = path.split([':', ';', ' ']).next().unwrap_or_default().replace('_', "-");
            if !["std", "crate", "conformance"].contains(&name.as_str()) {
                let is_there = manifest.iter().any(|line| line.replace('_', "-").starts_with(&format!("{name} = ")));
                assert!(is_there, "{}: {name} of {line:?} is not among the dependencies", readme.display());
            }
        }
    }
}
