//! A person takes a folder of pictures through a day, with the program and its README only.

mod lossy_etsy;

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use fieldfen_testkit::wait::{exit_status, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::output::{StableText, Typed};
use crate::shop_harness::Shop;
use lossy_etsy::LossyEtsy;

const README: &str = include_str!("../../README.md");

/// The chapter of the README about the day.
fn chapter() -> &'static str {
    let (_, rest) = README.split_once("\n## A day in the shop\n").unwrap();
    rest.split_once("\n## ").unwrap().0
}

/// The blocks of code in the chapter: language and text.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let fences: Vec<_> = chapter().split("```").collect();
    fences.iter().skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect()
}

/// Writes the files of the chapter, of which each has its name in a comment.
fn write_files(shop: &Shop) {
    for (language, text) in blocks().into_iter().filter(|(language, _)| *language != "console") {
        let name = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap();
        let path = shop.folder().join(name);
        fs::write(&path, text).unwrap();
        let mode = if language == "sh" { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let order = r#"{"receipt_id": 9007199254740993, "grandtotal": {"amount": 1900, "divisor": 100}}"#;
    fs::write(shop.folder().join("order.json"), order).unwrap();
    shop.pictures(&["barn-owl-full-moon.png", "brown-bear-autumn-ridge.jpg", "red-fox-first-snow.jpg"]);
}

/// The rows that this list has.
fn items(shop: &Shop, list: &str) -> Vec<Value> {
    let arguments: Vec<_> = list.split(' ').chain(["--json"]).collect();
    shop.run(&arguments).document(0)["items"].as_array().unwrap().clone()
}

/// The words that stand for ids: the list that shows the id, and the value in the row that a person looks for.
const IDS: [(&str, &str, &str, &str); 6] = [
    ("LISTING_JOB", "jobs list --kind CreateListing", "status", "pending"),
    ("ORDER_JOB", "jobs list --kind webhook.received", "status", "completed"),
    ("JOB", "jobs list --dead", "status", "failed"),
    ("NEXT_FILE", "files list --status processed", "name", "brown-bear-autumn-ridge.jpg"),
    ("FILE", "files list --status processed", "name", "red-fox-first-snow.jpg"),
    ("PUBLICATION", "publications list", "state", "unknown"),
];

/// Replaces the words that stand for ids, as soon as the program shows these ids.
fn with_ids(shop: &Shop, known: &mut HashMap<&'static str, String>, line: &str) -> String {
    let mut line = line.to_owned();
    for (word, list, key, value) in IDS {
        if line.split(' ').any(|part| part == word) {
            let id = known.entry(word).or_insert_with(|| {
                wait_for(word, || {
                    let found = items(shop, list).into_iter().find(|row| row[key] == value)?;
                    Some(found["id"].as_str()?.to_owned())
                })
            });
            line =
                line.split(' ').map(|part| if part == word { id.as_str() } else { part }).collect::<Vec<_>>().join(" ");
        }
    }
    line
}

/// Whether the workers have done everything that the output of this command shows.
fn is_settled(shop: &Shop, line: &str, is_etsy_served: bool) -> bool {
    let count = |list: &str| items(shop, list).len();
    let idle = || count("jobs list --status running") == 0;
    match line {
        "fieldfen status" if !is_etsy_served => {
            count("files list --status processed") == 2 && count("jobs list --dead") == 1 && idle()
        }
        "fieldfen files list --status processed" => count("files list --status processed") == 3 && idle(),
        "fieldfen status" => {
            let publications = items(shop, "publications list");
            !publications.is_empty() && publications.iter().all(|row| row["state"] != "reserved") && idle()
        }
        "fieldfen files show FILE" => has_updated_listing(shop) && idle(),
        "fieldfen listings list" => count("listings list") == 2 && idle(),
        _ => true,
    }
}

/// Whether the listing that a person has reported was compared with Etsy.
fn has_updated_listing(shop: &Shop) -> bool {
    let updates = items(shop, "jobs list --kind UpdateListing");
    !updates.is_empty() && updates.iter().all(|job| job["status"] == "completed")
}

/// The worker in the second terminal. It is killed if the test fails.
struct SecondTerminal(Child);

impl SecondTerminal {
    fn new(shop: &Shop, line: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldfen"));
        command.args(line.split(' ').skip(1)).current_dir(shop.folder());
        command.env_remove("DATABASE_URL").env_remove("RUST_LOG");
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn end(mut self) {
        kill_process(Pid::from_raw(self.0.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
        let status = exit_status(&mut self.0);
        assert!(status.success(), "{status}");
    }
}

impl Drop for SecondTerminal {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_person_with_the_readme_takes_a_folder_of_pictures_through_a_day() {
    let shop = Shop::without_database();
    write_files(&shop);
    let commands: Vec<_> = blocks()
        .into_iter()
        .filter(|(language, _)| *language == "console")
        .flat_map(|(_, text)| text.lines().map(|line| line.strip_prefix("$ ").unwrap()))
        .collect();
    let mut stable = StableText::new(shop.folder()).of_a_working_shop();
    let (mut known, mut transcript) = (HashMap::new(), Vec::new());
    let (mut worker, mut etsy) = (None, None);
    for line in commands {
        if line == "fieldfen work" {
            worker = Some(SecondTerminal::new(&shop, line));
            transcript.push(format!("(in a second terminal)\n$ {line}\n"));
            continue;
        }
        if line.starts_with("fieldfen pause ") {
            etsy = Some(LossyEtsy::start(&shop));
        }
        wait_until(&format!("the shop is ready for {line}"), || is_settled(&shop, line, etsy.is_some()));
        if line.starts_with("fieldfen publications resolve ") {
            etsy.as_ref().unwrap().search_is_up();
        }
        let line = with_ids(&shop, &mut known, line);
        let typed = Typed::run(&shop, &line);
        typed.output.ends_with(0);
        transcript.push(typed.transcript(&mut stable));
    }
    etsy.unwrap().stop();
    worker.unwrap().end();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("a_day_in_the_shop", transcript.join("\n")));
}
