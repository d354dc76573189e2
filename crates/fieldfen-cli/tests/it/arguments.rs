//! Wrong arguments and missing things: the exit code, and what the error names.

use crate::shop_harness::Shop;

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

#[test]
fn every_command_is_found_from_the_programs_name_alone() {
    let shop = Shop::new();
    let help = shop.run(&["--help"]);
    help.ends_with(0);
    for noun in ["files", "jobs", "publications", "listings", "posts", "usage", "recurring"] {
        assert!(help.out.contains(noun), "{noun}: {}", help.out);
        let help = shop.run(&[noun, "--help"]);
        help.ends_with(0);
        assert!(help.out.contains("list") || noun == "usage", "{}", help.out);
    }
    let nothing = shop.run(&[]);
    nothing.ends_with(2);
}

#[test]
fn empty_lists_say_so_and_are_documents_with_json() {
    let shop = Shop::new();
    for (arguments, text) in [
        (&["files", "list"][..], "no file: "),
        (&["jobs", "list"][..], "no job: "),
        (&["publications", "list"][..], "no publication: "),
        (&["listings", "list"][..], "no listing: "),
        (&["posts", "list"][..], "no post: "),
        (&["usage", "calls"][..], "no call: "),
        (&["usage", "limits"][..], "no rate limit is known: "),
        (&["recurring", "list"][..], "no recurring work is defined: "),
        (&["pauses"][..], "nothing is paused: "),
        (&["log"][..], "no action: "),
    ] {
        let list = shop.run(arguments);
        list.ends_with(0);
        assert!(list.out.starts_with(text), "{arguments:?}: {}", list.out);
        let document = shop.run(&[arguments, &["--json"]].concat()).document(0);
        assert_eq!(document["items"].as_array().map(Vec::len), Some(0), "{arguments:?}: {document}");
    }
}

#[test]
fn what_does_not_exist_is_named_and_has_its_own_exit_code() {
    let shop = Shop::new();
    for arguments in [
        &["files", "show", NOWHERE][..],
        &["files", "edit", NOWHERE, "--species", "red-fox"][..],
        &["jobs", "show", NOWHERE][..],
        &["jobs", "retry", NOWHERE][..],
        &["jobs", "delete", NOWHERE, "--yes", "--reason", "old"][..],
        &["publications", "show", NOWHERE][..],
        &["publications", "resolve", NOWHERE, "--nothing-there", "--reason", "looked"][..],
    ] {
        let answer = shop.run(arguments);
        answer.ends_with(11);
        assert!(answer.err.contains(NOWHERE), "{arguments:?}: {}", answer.err);
    }
    let answer = shop.run(&["recurring", "pause", "upkeep"]);
    answer.ends_with(11);
    assert!(answer.err.contains("upkeep"), "{}", answer.err);
}

#[test]
fn wrong_arguments_name_the_value_and_the_rule() {
    let shop = Shop::new();
    for (arguments, parts) in [
        (&["files", "show", "fox"][..], &["fox", "UUID"][..]),
        (&["files", "list", "--status", "sold"][..], &["sold", "approved"][..]),
        (&["files", "list", "--since", "yesterday"][..], &["yesterday", "2h"][..]),
        (&["files", "edit", NOWHERE][..], &["--species"][..]),
        (&["files", "edit", NOWHERE, "--size", "3000"][..], &["3000", "6000x4000"][..]),
        (&["jobs", "cancel", NOWHERE][..], &["--reason"][..]),
        (&["jobs", "list", "--limit", "0"][..], &["0"][..]),
        (&["jobs", "list", "--cursor", "half"][..], &["half"][..]),
        (&["pause", "--service", "etsy/main", "--reason", "x"][..], &["etsy/main", "--account"][..]),
        (&["pause", "--kind", "UpscaleImage", "--service", "etsy", "--reason", "x"][..], &["--service"][..]),
        (&["pause", "--service", "etsy", "--reason", " "][..], &["reason"][..]),
        (&["log", "--subject", "cow", "1"][..], &["cow"][..]),
    ] {
        let answer = shop.run(arguments);
        assert!(answer.code == 2 || answer.code == 1, "{arguments:?}: {answer:?}");
        for part in parts {
            assert!(answer.err.contains(part), "{arguments:?}: {part}: {}", answer.err);
        }
        assert_eq!(answer.out, "", "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_undone_is_not_done_without_a_confirmation() {
    let shop = Shop::new();
    shop.pictures(&["red-fox-first-snow.jpg"]);
    shop.run(&["files", "ingest", "pictures"]).ends_with(0);
    let jobs = shop.run(&["jobs", "list", "--json"]).document(0);
    let job = jobs["items"][0]["id"].as_str().unwrap().to_owned();
    let refused = shop.run(&["jobs", "delete", &job, "--reason", "a test"]);
    refused.ends_with(2);
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    shop.run(&["jobs", "show", &job]).ends_with(0);
    shop.run(&["jobs", "delete", &job, "--reason", "a test", "--yes"]).ends_with(0);
    shop.run(&["jobs", "show", &job]).ends_with(11);
}

#[test]
fn a_database_that_is_not_there_is_named() {
    let shop = Shop::new();
    let answer = shop.run(&["files", "list", "--database", "other.db"]);
    answer.ends_with(3);
    assert!(answer.err.contains("other.db"), "{}", answer.err);
}
