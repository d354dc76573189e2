//! Replaces ids, times and folders in the output of a program by text that is the same in each run.

use std::collections::HashMap;
use std::path::Path;

use regex_lite::{Captures, Regex};

/// Replaces text that differs from run to run. Ids and times keep their width, so that tables stay as they are.
pub(crate) struct StableText {
    folder: String,
    /// The ids of this run, in the order in which they were first shown.
    ids: HashMap<String, usize>,
    id: Regex,
    /// Regular expressions, each with its replacement.
    others: Vec<(Regex, &'static str)>,
}

impl StableText {
    pub(crate) fn new(folder: &Path) -> Self {
        let regex = |text: &str| Regex::new(text).unwrap();
        Self {
            folder: folder.canonicalize().unwrap().to_str().unwrap().to_owned(),
            ids: HashMap::new(),
            id: regex(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
            others: vec![
                (regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "YYYY-MM-DDTHH:MM:SSZ"),
                (regex(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?( UTC)?"), "YYYY-MM-DD HH:MM:SS$2"),
                (regex(r"\b20\d\d-\d\d-\d\d\b"), "YYYY-MM-DD"),
                (regex(r"forecast( +)(?:about )?\d+\.\d+ ([A-Z]{3})"), "forecast$1<sum> $2"),
                (regex(r#""(forecast\w*|bytes|log_bytes|process)": \d+"#), "\"$1\": <number>"),
                (regex(r": \d+ bytes, \d+ rows, "), ": <number> bytes, <number> rows, "),
                // The column is as wide as its name, "last seen".
                (regex(r"\b\d+ s ago +"), "N s ago     "),
                (regex(r"last seen \d+ s ago,"), "last seen N s ago,"),
                (regex(r"\d+ MiB"), "<number> MiB"),
                (regex(r"(SQLite|had) 3\.\d+\.\d+"), "$1 <version>"),
                (regex(r"((?:page|freelist)_count|schema_version) = \d+"), "$1 = <number>"),
                (regex(r#"(log: |log has |"found": ")\d+ bytes"#), "$1<number> bytes"),
                (regex(r#""rows": \{[^}]*\}"#), "\"rows\": {<one number for each table>}"),
                (regex(r"(fieldfen_queue_read_timestamp_seconds) [\d.]+"), "$1 <seconds>"),
                (regex(r"(fieldfen_oldest_waiting_seconds\{[^}]*\}) [\d.]+"), "$1 <seconds>"),
                (regex(r"fieldfen-\d{8}\.db"), "fieldfen-YYYYMMDD.db"),
                (regex(r"before-migration-\d{8}T\d{6}\.\d{3}Z"), "before-migration-<time>"),
                (regex(r#""((?:\w+_)?(?:took_ms|copy_ms|run_ms|back_ms|grown_bytes))": -?\d+"#), "\"$1\": <number>"),
                (regex(r#""(back_log_bytes|database_bytes)": \d+"#), "\"$1\": <number>"),
                (regex(r" +\d+ ms +fieldfen-migrate"), "   <took>   fieldfen-migrate"),
                (regex(r#""key": "[0-9a-f]{64}""#), "\"key\": \"<digest>\""),
                // A new migration adds a line to some output. The first ones stand for all.
                (
                    regex(r"(?m)^((?:applied|reverted) \d{4}_\w+\n)(?:(?:applied|reverted) \d{4}_\w+\n)+"),
                    "$1<one line for each migration>\n",
                ),
                (regex(r#"(?m)^(\s+"\d{4}_\w+",?\n)(?:\s+"\d{4}_\w+",?\n)+"#), "$1<one line for each migration>\n"),
                (regex(r"(?m)^(│ 0001 .*\n)(│ \d{4} .*\n)+"), "$1<one line for each migration>\n"),
                (
                    regex(r#"(\{\s+"version": "0001"[^}]*\},)(\s+\{\s+"version": [^}]*\},?)+"#),
                    "$1\n<one object for each migration>",
                ),
                (regex(&fieldfen_persistence::migrations::newest().to_string()), "<newest migration>"),
            ],
        }
    }

    /// Replaces ages, durations and keys of products too, for a shop whose rows are not fixtures.
    pub(crate) fn of_a_working_shop(mut self) -> Self {
        // The upkeep runs every ten minutes.
        self.others.push((Regex::new(r"(?m)^│ fieldfen\.upkeep .*\n").unwrap(), ""));
        self.others.push((Regex::new(r"\bff-[0-9a-f]{26}\b").unwrap(), "ff-aaaaaaaaaaaaaaaaaaaaaaaaaa"));
        self.others.push((Regex::new(r"(?m)^[ \d]{3}[smhd]  ").unwrap(), "<age> "));
        self.others.push((Regex::new(r"(│ etsy +\d+ +\d+ +)(?:\d+ ms)? +([\d.]+ USD)").unwrap(), "$1<mean> $2"));
        self
    }

    /// The text with everything replaced that differs from run to run.
    pub(crate) fn of(&mut self, text: &str) -> String {
        let text = text.replace(&self.folder, "<folder>");
        let ids = &mut self.ids;
        let text = self.id.replace_all(&text, |found: &Captures<'_>| {
            // The ids of fixtures are the same in each run.
            if found[0].starts_with("00000000-") {
                return found[0].to_owned();
            }
            let next = ids.len() + 1;
            let number = *ids.entry(found[0].to_owned()).or_insert(next);
            format!("{number:08}-aaaa-4aaa-8aaa-aaaaaaaaaaaa")
        });
        self.others.iter().fold(text.into_owned(), |text, (regex, with)| regex.replace_all(&text, *with).into_owned())
    }
}
