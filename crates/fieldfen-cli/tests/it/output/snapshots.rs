//! The snapshots of the commands: each group of steps has a shop and a file of its own.

use std::collections::BTreeSet;

use super::command_tree::commands;
use super::steps::{GROUPS, Group};
use super::{StableText, Typed};
use crate::shop_harness::Shop;

/// The commands whose output is another program's format: these tests only see that there is some.
const FORMATS_OF_OTHERS: [&str; 2] = ["completions", "man"];

/// The commands that have no snapshot yet.
const WITHOUT_SNAPSHOT: [&str; 0] = [];

/// Compares a text with the snapshot of this name.
pub(super) fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn assert_group(name: &str) {
    let group = GROUPS.iter().find(|group| group.name == name).unwrap();
    let Group { prepare, steps, .. } = group;
    let shop = Shop::new();
    let worker = prepare(&shop);
    let mut stable = StableText::new(shop.folder());
    let text: Vec<_> = steps.iter().map(|line| Typed::run(&shop, line).transcript(&mut stable)).collect();
    if let Some(worker) = worker {
        worker.stop_handle().stop();
        worker.join().unwrap();
    }
    assert_snapshot(name, &text.join("\n"));
}

macro_rules! groups {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            assert_group(stringify!($name));
        })*

        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

groups!(
    status,
    files,
    file_actions,
    jobs,
    job_actions,
    queue_actions,
    bulk_actions,
    publications,
    publication_actions,
    webhooks,
    usage,
    pauses,
    recurring,
    metrics,
    workers,
    watch,
    work,
    log,
    migrate,
    backup,
    doctor,
    upkeep,
    empty,
    errors
);

#[test]
fn every_command_has_a_snapshot_of_its_table_and_of_its_document() {
    let typed: Vec<_> = GROUPS.iter().flat_map(|group| group.steps).collect();
    let mut missing = BTreeSet::new();
    for command in commands() {
        let own = format!("fieldfen {command}");
        let runs = |json: bool| {
            typed.iter().any(|line| {
                let rest = line.strip_prefix(own.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')) && line.contains(" --json") == json
            })
        };
        let has_both = runs(false) && runs(true);
        if !has_both && !FORMATS_OF_OTHERS.contains(&command.as_str()) {
            missing.insert(command);
        }
    }
    let expected: BTreeSet<_> = WITHOUT_SNAPSHOT.iter().map(ToString::to_string).collect();
    assert_eq!(missing, expected, "add steps to output/steps.rs, once without and once with --json");
    let groups: Vec<_> = GROUPS.iter().map(|group| group.name).collect();
    assert_eq!(groups, TESTED);
}

#[test]
fn every_list_is_tried_on_an_empty_and_on_a_broken_database() {
    let tried = super::steps::reading_commands();
    for command in commands() {
        assert!(
            !command.ends_with(" list") || tried.contains(&command.as_str()),
            "add {command:?} to the group `empty`"
        );
    }
}

#[test]
fn completions_and_manual_pages_are_written() {
    let shop = Shop::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let completions = shop.run(&["completions", shell]);
        completions.ends_with(0);
        assert!(completions.out.contains("ingest"), "{shell}: {}", completions.out);
    }
    for arguments in [&["man"][..], &["man", "jobs"]] {
        let page = shop.run(arguments);
        page.ends_with(0);
        assert!(page.out.contains(".TH"), "{arguments:?}: {}", page.out);
    }
}
