//! The command lines whose output is compared with snapshots.
//!
//! `$ID` is the beginning of the id of every fixture. The last two digits are its number in hexadecimal: the id of job
//! 14 is `${ID}0e`.

use super::filled_shop::{
    OperatorsWorker, files, jobs, nothing, pictures, publications, publications_with_worker, recurring_work, usage,
};
use crate::shop_harness::Shop;

/// Steps on one shop, one after the other.
pub(super) struct Group {
    pub(super) name: &'static str,
    /// Fills the shop.
    pub(super) prepare: fn(&Shop) -> OperatorsWorker,
    pub(super) steps: &'static [&'static str],
}

const fn group(name: &'static str, prepare: fn(&Shop) -> OperatorsWorker, steps: &'static [&'static str]) -> Group {
    Group { name, prepare, steps }
}

/// The commands of the group `empty`: each list, and the other commands that need nothing but a database.
pub(crate) fn reading_commands() -> Vec<&'static str> {
    let group = GROUPS.iter().find(|group| group.name == "empty").unwrap();
    group
        .steps
        .iter()
        .filter_map(|line| line.strip_prefix("fieldfen "))
        .filter(|line| !line.contains("--json"))
        .collect()
}

/// The commands that list rows: those of [`reading_commands`] without `status`, which lists needs.
pub(crate) fn list_commands() -> Vec<&'static str> {
    reading_commands().into_iter().filter(|line| *line != "status").collect()
}

/// All groups.
pub(super) const GROUPS: &[Group] = &[
    group("status", publications, &["fieldfen status", "fieldfen status --json"]),
    group(
        "files",
        publications,
        &[
            "fieldfen files list",
            "fieldfen files list --limit 2 --oldest --json",
            "fieldfen files list --status processed --species whitetail-deer",
            "fieldfen files show ${ID}05",
            "fieldfen files show ${ID}05 --json",
        ],
    ),
    group(
        "file_actions",
        publications_with_worker,
        &[
            "fieldfen files ingest pictures/red-fox-first-snow.jpg --species red-fox --drive-id 1BxiMVs0XRA5",
            "fieldfen files ingest pictures --json",
            "fieldfen files approve ${ID}03 --reason 'sharp, and well lit' --wait 60",
            "fieldfen files approve ${ID}03 --wait 60 --json",
            "fieldfen files reject ${ID}04 --reason 'a branch before the eyes' --wait 60",
            "fieldfen files reject ${ID}05 --reason 'too late' --wait 60 --json",
            "fieldfen files fail ${ID}01 --reason 'not sharp' --wait 60",
            "fieldfen files fail ${ID}07 --reason 'not sharp' --wait 60 --json",
            "fieldfen files retry ${ID}06 --wait 60",
            "fieldfen files retry ${ID}0c --wait 60 --json",
            "fieldfen files edit ${ID}02 --species mule-deer --size 6000x4000 --wait 60",
            "fieldfen files edit ${ID}08 --species mule-deer --wait 60 --json",
            "fieldfen files delete ${ID}09 --reason 'sold elsewhere'",
            "fieldfen files delete ${ID}09 --reason 'sold elsewhere' --yes --wait 60",
            "fieldfen files delete ${ID}05 --reason 'sold elsewhere' --yes --wait 60 --json",
        ],
    ),
    group(
        "jobs",
        jobs,
        &[
            "fieldfen jobs list",
            "fieldfen jobs list --status running --json",
            "fieldfen jobs list --dead --limit 1",
            "fieldfen jobs list --dead --limit 1 --json",
            "fieldfen jobs list --parked",
            "fieldfen jobs show ${ID}0e",
            "fieldfen jobs show ${ID}0e --json",
            "fieldfen jobs show ${ID}12 --json",
            "fieldfen jobs why ${ID}0b",
            "fieldfen jobs why ${ID}0b --json",
            "fieldfen jobs why ${ID}0c",
            "fieldfen jobs why ${ID}11 --json",
            "fieldfen jobs why ${ID}12",
            "fieldfen jobs errors",
            "fieldfen jobs errors --json",
            "fieldfen jobs kinds",
            "fieldfen jobs kinds --json",
        ],
    ),
    group(
        "job_actions",
        jobs,
        &[
            r#"fieldfen jobs enqueue acme.count --payload '{"text": "grey heron"}' --dedup-key heron"#,
            "fieldfen jobs enqueue acme.count --dedup-key heron --json",
            "fieldfen jobs retry ${ID}0e",
            "fieldfen jobs retry ${ID}0f --reason 'more memory' --json",
            "fieldfen jobs retry ${ID}0f",
            "fieldfen jobs cancel ${ID}0b --reason 'wrong picture'",
            "fieldfen jobs cancel ${ID}0c --reason 'wrong picture' --json",
            "fieldfen jobs kill ${ID}0c --reason 'it hangs'",
            "fieldfen jobs kill ${ID}0c --reason 'it hangs' --json",
            "fieldfen jobs delete ${ID}10 --reason 'old'",
            "fieldfen jobs delete ${ID}10 --reason 'old' --yes",
            "fieldfen jobs delete ${ID}10 --reason 'old' --yes --json",
        ],
    ),
    group(
        "queue_actions",
        jobs,
        &[
            "fieldfen jobs reschedule ${ID}0b --at 2027-01-01",
            "fieldfen jobs reschedule ${ID}0c --at 2h --json",
            "fieldfen jobs run-now ${ID}0b --reason 'the upscaler is free'",
            "fieldfen jobs run-now ${ID}0d --json",
            "fieldfen jobs priority ${ID}0b ${ID}12 ${ID}0d --to 0",
            "fieldfen jobs priority ${ID}0b --to 4",
            "fieldfen jobs priority ${ID}0b ${ID}12 --to 3 --json",
            "fieldfen jobs requeue ${ID}0e",
            "fieldfen jobs requeue ${ID}0d --json",
            "fieldfen jobs requeue ${ID}11 --json",
            "fieldfen jobs release ${ID}0c --reason 'another worker is faster'",
            "fieldfen jobs release ${ID}0c --json",
        ],
    ),
    group(
        "bulk_actions",
        jobs,
        &[
            "fieldfen jobs retry",
            "fieldfen jobs retry ${ID}0e --all",
            "fieldfen jobs retry --dead",
            "fieldfen jobs retry ${ID}0e --dry-run",
            "fieldfen jobs retry 00000000 --reason 'which of them?'",
            "fieldfen jobs bulk list",
            "fieldfen jobs retry --all --dead --kind UpscaleImage --dry-run",
            "fieldfen jobs cancel --all --reason 'closed' --dry-run --json",
            "fieldfen jobs retry --all --dead",
            "fieldfen jobs retry --all --dead --fingerprint 'exit code <n>: line <n>: out of memory' --yes",
            "fieldfen jobs priority --all --to 0 --yes --json",
            "fieldfen jobs bulk list",
            "fieldfen jobs bulk list --json --limit 1",
            "fieldfen jobs bulk show $(fieldfen jobs bulk list | grep -o '[0-9a-f-]\\{36\\}' | tail -1)",
            "fieldfen jobs bulk show $(fieldfen jobs bulk list | grep -o '[0-9a-f-]\\{36\\}' | tail -1) --json",
            "fieldfen jobs bulk resume $(fieldfen jobs bulk list | grep -o '[0-9a-f-]\\{36\\}' | tail -1)",
            "fieldfen jobs bulk resume $(fieldfen jobs bulk list | grep -o '[0-9a-f-]\\{36\\}' | head -1) --json",
            "fieldfen jobs bulk resume ${ID}0e",
            "fieldfen log",
        ],
    ),
    group(
        "publications",
        publications,
        &[
            "fieldfen publications list",
            "fieldfen publications list --state unknown --limit 1 --json",
            "fieldfen publications show ${ID}15",
            "fieldfen publications show ${ID}16 --json",
            "fieldfen publications list --account '' --key ff-de98b24d3b2f2d4449c5abd3e2",
            "fieldfen listings list",
            "fieldfen listings list --json",
            "fieldfen listings show ${ID}1f",
            "fieldfen listings show ${ID}20 --json",
            "fieldfen posts list",
            "fieldfen posts list --json",
            "fieldfen posts show ${ID}2a",
            "fieldfen posts show ${ID}29 --json",
        ],
    ),
    group(
        "publication_actions",
        publications_with_worker,
        &[
            "fieldfen publications resolve ${ID}15 --nothing-there --reason 'looked at Etsy' --wait 60",
            "fieldfen publications resolve ${ID}19 --there 1234567 --reason 'looked at Etsy' --wait 60 --json",
            "fieldfen publications resolve ${ID}18 --nothing-there --reason 'looked at Etsy' --wait 60",
            "fieldfen listings resolve ${ID}20 --file ${ID}05 --not-there --reason 'looked at Etsy' --wait 60",
            "fieldfen listings resolve ${ID}21 --file ${ID}0b --adopt etsy --reason 'it is ours' --wait 60 --json",
            "fieldfen listings withdraw ${ID}1f --reason 'sold elsewhere' --yes --wait 0",
            "fieldfen listings withdraw ${ID}1f --reason 'sold elsewhere' --yes --wait 0 --json",
            "fieldfen listings reconcile --platform etsy --wait 0",
            "fieldfen listings reconcile --platform etsy --wait 0 --json",
            "fieldfen posts withdraw ${ID}29 --reason 'sold elsewhere' --yes --wait 0",
            "fieldfen posts withdraw ${ID}29 --reason 'sold elsewhere' --yes --wait 0 --json",
            "fieldfen posts resolve ${ID}2a --file ${ID}05 --not-there --reason 'looked at Instagram' --wait 60",
            "fieldfen posts resolve ${ID}2b --file ${ID}0b --adopt instagram --post-key friday --reason 'it is ours' --wait 60 --json",
        ],
    ),
    group(
        "webhooks",
        pictures,
        &[
            "fieldfen webhooks receive order.json --source shopify --event orders/paid",
            "fieldfen webhooks receive order.json --source shopify --event orders/paid --json",
            "fieldfen webhooks list",
            "fieldfen webhooks list --json",
            "fieldfen webhooks show d3374254c005f5284a67e4a20c9d0c3f06e35bcbf25eca524035bdf94603f5bd",
            "fieldfen webhooks show d3374254c005f5284a67e4a20c9d0c3f06e35bcbf25eca524035bdf94603f5bd --json",
            "fieldfen webhooks forget d3374254c005f5284a67e4a20c9d0c3f06e35bcbf25eca524035bdf94603f5bd --reason 'sent again' --yes",
            "fieldfen webhooks receive order.json --source shopify --event orders/paid --quiet",
            "fieldfen webhooks forget d3374254c005f5284a67e4a20c9d0c3f06e35bcbf25eca524035bdf94603f5bd --reason 'sent again' --yes --json",
        ],
    ),
    group(
        "usage",
        usage,
        &[
            "fieldfen usage calls",
            "fieldfen usage calls --outcome throttled --json",
            "fieldfen usage limits",
            "fieldfen usage limits --json",
            "fieldfen usage report --details",
            "fieldfen usage report --json",
            "fieldfen usage budget",
            "fieldfen usage budget --json",
            "fieldfen usage record --service etsy --endpoint createListing --external-id 17 --cost '0.20 USD' --http-status 201",
            "fieldfen usage record --service etsy --endpoint createListing --external-id 17 --cost '0.20 USD' --json",
        ],
    ),
    group(
        "pauses",
        nothing,
        &[
            "fieldfen pause --service etsy --until 2h --reason 'Etsy reviews the shop'",
            "fieldfen pause --service etsy --until 1h --reason 'shorter' --json",
            "fieldfen pause --kind UpscaleImage --reason 'the disk is full'",
            "fieldfen pauses",
            "fieldfen pauses --json",
            "fieldfen resume --service etsy",
            "fieldfen resume --service etsy --json",
        ],
    ),
    group(
        "recurring",
        recurring_work,
        &[
            "fieldfen recurring list",
            "fieldfen recurring list --json",
            "fieldfen recurring run nightly",
            "fieldfen recurring run nightly --json",
            "fieldfen recurring show nightly",
            "fieldfen recurring show nightly --json",
            "fieldfen recurring pause nightly --reason 'holidays'",
            "fieldfen recurring pause nightly --json",
            "fieldfen recurring list",
            "fieldfen recurring resume nightly",
            "fieldfen recurring resume nightly --json",
            "fieldfen recurring remove report --yes",
            "fieldfen recurring remove report --yes --json",
        ],
    ),
    group("metrics", jobs, &["fieldfen metrics", "fieldfen metrics --json"]),
    group("workers", recurring_work, &["fieldfen workers", "fieldfen workers --json"]),
    // The test gives it no terminal.
    group("watch", nothing, &["fieldfen watch", "fieldfen watch --json"]),
    group(
        "work",
        pictures,
        &[
            "fieldfen files ingest pictures/red-fox-first-snow.jpg --quiet",
            "fieldfen work --until-idle",
            "fieldfen work --until-idle --json",
        ],
    ),
    group(
        "log",
        jobs,
        &[
            "fieldfen jobs cancel ${ID}0b --reason 'wrong picture' --quiet",
            "fieldfen --as bob jobs retry ${ID}0e --quiet",
            "fieldfen log",
            "fieldfen log --by bob --json",
        ],
    ),
    group(
        "migrate",
        nothing,
        &[
            "fieldfen migrate status",
            "fieldfen migrate status --json",
            "fieldfen migrate lint",
            "fieldfen migrate lint --json",
            "fieldfen migrate drift",
            "fieldfen migrate drift --json",
            "fieldfen migrate adopt",
            "fieldfen migrate adopt --json",
            "fieldfen pause --kind UpscaleImage --reason 'the disk is full' --quiet",
            "fieldfen migrate down --to 0001",
            "fieldfen migrate down --to 0001 --no-backup --json",
            "fieldfen migrate down --to 0001 --allow-data-loss",
            "fieldfen migrate to 0004",
            "fieldfen migrate plan --to 0005",
            "fieldfen migrate plan --to 0005 --json",
            "fieldfen migrate rehearse --to 0005 --json",
            "fieldfen migrate to 0005 --json",
            "fieldfen migrate up",
            "fieldfen migrate up",
            "fieldfen migrate rehearse",
            "fieldfen migrate repair 0002 --by ada",
            "fieldfen migrate repair 0002 --by ada --json",
            "fieldfen migrate down --to 0001_initial_schema --json",
            "fieldfen migrate up --json",
        ],
    ),
    group("backup", files, &["fieldfen backup run", "fieldfen backup run --json"]),
    group("doctor", publications, &["fieldfen doctor", "fieldfen doctor --full --json"]),
    group("upkeep", publications, &["fieldfen upkeep run", "fieldfen upkeep run --json"]),
    group(
        "empty",
        nothing,
        &[
            "fieldfen status",
            "fieldfen files list",
            "fieldfen jobs list",
            "fieldfen jobs errors",
            "fieldfen jobs bulk list",
            "fieldfen publications list",
            "fieldfen listings list",
            "fieldfen posts list",
            "fieldfen webhooks list",
            "fieldfen usage calls",
            "fieldfen usage limits",
            "fieldfen usage report",
            "fieldfen usage budget",
            "fieldfen pauses",
            "fieldfen recurring list",
            "fieldfen workers",
            "fieldfen log",
            "fieldfen files list --json",
        ],
    ),
    group(
        "errors",
        nothing,
        &[
            "fieldfen",
            "fieldfen file list",
            "fieldfen files list --status sold",
            "fieldfen files show fox --json",
            "fieldfen files show ${ID}01",
            "fieldfen files show ${ID}01 --json",
            "fieldfen jobs list --database other.db",
            "fieldfen jobs list --database other.db --json",
            "fieldfen jobs list --database postgres://ann:hunter2@db/shop",
            "echo 'not a database, but long enough to have a header of one hundred bytes: 0123456789 0123456789 0123456789' > text.db; fieldfen jobs list --database text.db",
        ],
    ),
];
