//! The settings that are read from a `fieldfen.toml`, and the texts of its errors.

use std::path::Path;

use fieldfen_domain::with_causes;
use fieldfen_testkit::ModelStore;

use super::{Shop, ShopFile};
use crate::Environment;
use crate::pipeline::Pipeline;
use crate::publishing::Publisher;

const README: &str = include_str!("../../README.md");

/// The example in the README: the block that begins with these lines.
fn example() -> &'static str {
    let (_, text) = README.split_once("```toml\n# fieldfen.toml").unwrap_or_default();
    text.split("```").next().unwrap_or_default()
}

fn shop(text: &str) -> Result<Shop, String> {
    ShopFile::parse(text, "fieldfen.toml").shop().map_err(|error| with_causes(&error))
}

#[test]
fn the_example_of_the_readme_can_be_read_and_has_every_setting() {
    let shop = shop(example()).unwrap();
    let shown = format!("{shop:?}");
    for name in [
        "approval",
        "scale_factor",
        "target_dpi",
        "marketplaces",
        "networks",
        "account",
        "variants",
        "aspect_ratios",
        "species",
        "post_type",
        "post_key",
        "retries",
        "otherwise",
        "timeout_seconds",
        "concurrency",
        "schedule",
        "time_zone",
        "payload",
        "on_worker_death",
        "completed_jobs_days",
        "completed_jobs_keep",
        "failed_jobs_days",
        "failed_jobs_keep",
        "publications_days",
        "operator_actions_days",
        "deliveries_hours",
    ] {
        assert!(shown.contains(name), "{name} is no setting");
        assert!(example().contains(name), "the example has no {name}");
    }
    assert!(!shown.contains("None, None"), "{shown}");
    let database = ShopFile::parse(example(), "fieldfen.toml").database().unwrap().unwrap();
    assert_eq!((database.url(), database.name()), ("sqlite://./data/fieldfen.db", Some("production")));
}

#[test]
fn an_empty_file_has_the_default_rules_and_no_database() {
    assert_eq!(format!("{:?}", shop("").unwrap()), format!("{:?}", Shop::new()));
    assert_eq!(ShopFile::parse("", "fieldfen.toml").database().unwrap(), None);
}

#[test]
fn every_error_names_line_column_setting_and_rule() {
    for (text, message) in [
        (
            "approval = \"nobody\"",
            "line 1, column 12: approval: unknown variant `nobody`, expected `operator` or `automatic`",
        ),
        (
            "\n[upscaling]\nscale = 4",
            "line 3, column 1: upscaling.scale: unknown field `scale`, expected `scale_factor` or `target_dpi`",
        ),
        (
            "upscaling.scale_factor = -4",
            "line 1, column 26: upscaling.scale_factor: invalid value: integer `-4`, expected u32",
        ),
        ("[upscaling]\nscale_factor = 100", "line 2, column 16: upscaling.scale_factor is 100: it must be 1 to 64"),
        ("[[publish]]\n", "line 1, column 1: publish #1: missing field `platform`"),
        (
            "[[publish]]\nplatform = \"Etsy\"",
            "line 2, column 12: publish #1, platform: platform \"Etsy\": it must be 1 to 32",
        ),
        (
            "[marketplaces]\netsy = [\"main\"]\n[[publish]]\nplatform = \"etsy\"\n[[publish]]\nplatform = \"etsy\"\n  account = \"mian\"",
            "line 7, column 13: publish #2, account is \"mian\": it must be one of the accounts of etsy in [marketplaces]: [\"main\"]",
        ),
        (
            "marketplaces.etsy = [\"a\", \"b\"]\npublish = [{ platform = \"etsy\" }]",
            "line 2, column 12: publish #1, account is \"\": it must be one of",
        ),
        (
            "[[publish]]\nplatform = \"etsy\"\naspect_ratios = [\n  \"3:2\",\n  \"8:10\",\n]",
            "line 5, column 3: publish #1, aspect_ratios #2: aspect ratio \"8:10\": it must be written \"4:5\"",
        ),
        (
            "[[publish]]\nplatform = \"etsy\"\nvariants = \"all\"",
            "line 3, column 12: publish #1, variants: invalid value: string \"all\", expected \"prints\", or a list of variants",
        ),
        (
            "[[publish]]\nplatform = \"etsy\"\nspecies = \"fox\"",
            "line 3, column 11: publish #1, species: invalid type: string \"fox\", expected a sequence",
        ),
        (
            "[[post]]\nplatform = \"instagram\"\npost_type = \"tweet\"",
            "line 3, column 13: post #1, post_type: post type \"tweet\" is unknown; it must be one of post, story, reel, pin",
        ),
        (
            "[retries]\nCreateListings = 4",
            "line 2, column 1: retries.CreateListings: \"CreateListings\": it must be otherwise, own or one of CreateFileRecord",
        ),
        (
            "[retries.own]\n\"acme.resize\" = 2000000",
            "line 2, column 17: retries.own.acme.resize is 2000000: it must be 0 to 1000000",
        ),
        (
            "[retries]\nCreateListing = 1\n[retries.own]\nCreateListing = 2",
            "line 4, column 1: retries.own.CreateListing: \"CreateListing\": it must be a kind of the shop's own",
        ),
        (
            "[retention]\nfailed_jobs_days = 0",
            "line 2, column 20: retention.failed_jobs_days is 0: it must be 1 to 36500",
        ),
        (
            "[database]\nurl = \"x.db\"\nnmae = \"x\"",
            "line 3, column 1: database.nmae: unknown setting, expected url or name",
        ),
        (
            "[[price]]\nservice = \"replicate\"\nunit = \"minute\"",
            "line 3, column 8: price #1, unit: price unit \"minute\" is unknown; it must be one of call, second, output",
        ),
        (
            "[[price]]\nservice = \"replicate\"\nunit = \"call\"\nprice = 0.05\ncurrency = \"USD\"",
            "line 4, column 9: price #1, price: invalid type: floating point `0.05`, expected a decimal number in quotes",
        ),
        (
            "[[price]]\nservice = \"replicate\"\nunit = \"call\"\nprice = \"5 cents\"\ncurrency = \"USD\"",
            "line 4, column 9: price #1, price: amount \"5 cents\": it must be a decimal number of 0 or more",
        ),
        (
            "[[price]]\nservice = \"replicate\"\nunit = \"call\"\nprice = \"5\"\ncurrency = \"$\"",
            "line 5, column 12: price #1, currency: currency \"$\": it must be three letters from A to Z",
        ),
        (
            "[[price]]\nservice = \"replicate\"\nunit = \"call\"\ncurrency = \"USD\"",
            "line 1, column 1: price #1, price is missing: a price needs price or tiers, and not both",
        ),
        (
            "[[price]]\nservice = \"replicate\"\nunit = \"second\"\nprice = \"0.000225\"\ncurrency = \"USD\"",
            "line 1, column 1: price #1, amount is missing: a price per second or output needs the name of the amount",
        ),
        (
            "[[price]]\nservice = \"replicate\"\nunit = \"call\"\nprice = \"5\"\ncurrency = \"USD\"\nfrom = \"2026-02-30\"",
            "line 6, column 8: price #1, from: \"2026-02-30\": it must be a day like \"2026-11-26\"",
        ),
        (
            "[[price]]\nservice = \"replicate\"\nunit = \"output\"\namount = \"images\"\ncurrency = \"USD\"\ntiers = [{ price = \"1\" }, { price = \"2\" }]",
            "line 6, column 9: price #1, tiers is without up_to: only the last tier may have no up_to",
        ),
        (
            "[[price]]\nservice = \"a\"\nunit = \"call\"\nprice = \"5\"\ncurrency = \"USD\"\n[[price]]\nservice = \"a\"\nunit = \"call\"\nprice = \"5\"\ncurrency = \"EUR\"",
            "line 6, column 1: price #2, from is missing: an earlier price is for the same from this day on",
        ),
        (
            "[[budget]]\nname = \"all\"\nper = \"week\"\ncalls = 5",
            "line 3, column 7: budget #1, per: budget period \"week\" is unknown; it must be one of day, month",
        ),
        (
            "[[budget]]\nname = \"all\"\nper = \"day\"\nmoney = \"5\"",
            "line 1, column 1: budget #1, currency is missing: money needs the currency of the budget",
        ),
        (
            "[[budget]]\nname = \"all\"\nper = \"day\"",
            "line 1, column 1: budget #1, money is missing: a budget needs money or calls, and not both",
        ),
        (
            "[[budget]]\nname = \"all\"\nper = \"day\"\ncalls = 0",
            "line 4, column 9: budget #1, calls is 0: it must be more than 0",
        ),
        (
            "[[budget]]\nname = \"all\"\nper = \"day\"\ncalls = 5\nwarn_at_percent = 101",
            "line 5, column 19: budget #1, warn_at_percent is 101: it must be 1 to 100",
        ),
        (
            "budget = [{ name = \"a\", per = \"day\", calls = 5 }, { name = \"a\", per = \"day\", calls = 6 }]",
            "line 1, column 60: budget #2, name is \"a\": budget #1 has this name",
        ),
        (
            "[[concurrency]]\nkind = \"UpscaleImage\"\nper = \"shop\"\nmax_running = 1",
            "line 3, column 7: concurrency #1, per: partition of a concurrency limit \"shop\" is unknown; it must be one of all, file, account",
        ),
        (
            "[[concurrency]]\nkind = \"UpscaleImage\"\nper = \"all\"\nmax_running = 0",
            "line 4, column 15: concurrency #1, max_running is 0: it must be at least 1; a pause stops a kind",
        ),
        (
            "[[concurrency]]\nkind = \"two words\"\nper = \"all\"\nmax_running = 1",
            "line 2, column 8: concurrency #1, kind: ",
        ),
        (
            "[[concurrency]]\nkind = \"a\"\nper = \"all\"",
            "line 1, column 1: concurrency #1: missing field `max_running`",
        ),
        (
            "concurrency = [{ kind = \"a\", per = \"file\", max_running = 1 }, { kind = \"a\", per = \"account\", max_running = 1 }]",
            "line 1, column 83: concurrency #2, per is account: concurrency #1 is for this kind too; a kind has one limit",
        ),
        ("\"a\\n\\u001b[31mb\" = 1", "line 1, column 1: a\\n\\u{1b}[31mb: unknown field"),
        ("aproval = 1", "line 1, column 1: aproval: unknown field `aproval`, expected one of"),
        ("# é\nspecies = é", "line 2, column 11: "),
        ("approval = \"operator\"\napproval = \"operator\"", "line 2, column 1: duplicate key"),
    ] {
        let error = shop(text).map(drop).unwrap_err();
        assert!(error.starts_with(&format!("\"fieldfen.toml\", {message}")), "{text}\n{error}\n{message}");
        assert!(!error.contains(char::is_control), "{error}");
    }
}

#[test]
fn only_the_worker_needs_rules_that_it_can_read() {
    let newer =
        "rules = \"of the next version\"\n[database]\nurl = \"x.db\"\nreplica = \"y.db\"\n[[publish]]\nplatform = 7";
    let file = ShopFile::parse(newer, "fieldfen.toml");
    assert_eq!(file.database().unwrap().unwrap().url(), "x.db");
    assert!(file.shop().is_err());
}

#[test]
fn an_account_that_the_publisher_does_not_have_is_named_with_its_line() {
    let publisher = Publisher::new(ModelStore::new(), Pipeline::new(Environment::system()));
    for (text, message) in [
        (
            "[marketplaces]\netsy = [\"main\"]\n",
            "line 2, column 8: marketplaces.etsy is etsy with account \"main\": the program",
        ),
        (
            "[networks]\ntiktok = [\"a\"]\n",
            "line 2, column 10: networks.tiktok is tiktok with account \"a\": the program",
        ),
        ("[[publish]]\nplatform = \"ebay\"\n", "line 1, column 1: publish #1 is ebay with account \"\": the program"),
        ("[[post]]\nplatform = \"tiktok\"\n", "line 1, column 1: post #1 is tiktok with account \"\": the program"),
    ] {
        let file = ShopFile::parse(text, "fieldfen.toml");
        let error = file.shop().unwrap().check_publisher(&publisher).unwrap_err();
        let error = file.locate(&error).to_string();
        assert!(error.starts_with(&format!("\"fieldfen.toml\", {message}")), "{error}");
    }
    Shop::new().check_publisher(&publisher).unwrap();
}

#[test]
fn what_may_be_the_password_of_a_database_is_never_shown() {
    let secret = "postgres://shop:hunter2@db/shop";
    for text in [
        format!("database = \"{secret}\""),
        format!("[database]\nurl = [\"{secret}\"]"),
        format!("[database]\nurl = \"{secret}"),
        format!("[database]\nname = \"x\"\npassword = \"{secret}\""),
        format!("approval = \"{secret}\""),
        format!("[[publish]]\nplatform = \"etsy\"\nspecies = \"{secret}\""),
        format!("url = \"{secret}\""),
        format!("\"{secret}\" = 1"),
        format!("[database]\nurl = \"x.db\"\n\"{secret}\" = 1"),
        format!("[[publish]]\nplatform = \"etsy\"\naccount = \"{secret}\""),
        format!("[marketplaces]\netsy = [\"\", \"{secret}\"]"),
        "approval = \"host=db password=hunter2\"".to_owned(),
    ] {
        let error = shop(&text).map(drop).unwrap_err();
        assert!(!error.contains("hunter2") && error.contains("line "), "{error}");
    }
    let file = ShopFile::parse(format!("[database]\nurl = \"{secret}\""), "fieldfen.toml");
    let database = file.database().unwrap().unwrap();
    assert_eq!(database.url(), secret);
    assert!(!format!("{database:?} {file:?}").contains("hunter2"));
}

#[test]
fn the_address_is_given_as_it_is_written_with_the_folder_of_the_file() {
    for (path, folder) in [("fieldfen.toml", ""), ("/srv/shop/fieldfen.toml", "/srv/shop"), ("../x/a.toml", "../x")] {
        for url in ["sqlite://./data/x.db", "data/x.db", "postgres://db/shop"] {
            let file = ShopFile::parse(format!("[database]\nurl = \"{url}\""), path);
            let database = file.database().unwrap().unwrap();
            assert_eq!((database.url(), database.folder()), (url, Path::new(folder)));
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = ShopFile::read(folder.path().join("fieldfen.toml")).unwrap_err();
    assert!(with_causes(&error).contains("fieldfen.toml\": correct the path"), "{error}");
}

#[test]
fn what_is_no_text_of_a_reasonable_size_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| with_causes(&ShopFile::read(path).unwrap_err());
    assert!(refused(folder.path()).contains("not a regular file"), "{}", refused(folder.path()));
    let file = folder.path().join("fieldfen.toml");
    std::fs::write(&file, b"approval = \"\xff\"").unwrap();
    assert!(refused(&file).contains("not valid UTF-8"), "{}", refused(&file));
    std::fs::File::create(&file).unwrap().set_len((4 << 20) + 1).unwrap();
    assert!(refused(&file).contains("more than 4 MiB"), "{}", refused(&file));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for_and_a_link_followed() {
    use rustix::fs::{CWD, Mode, mkfifoat};
    let folder = tempfile::tempdir().unwrap();
    let [pipe, link] = ["pipe", "link"].map(|name| folder.path().join(name));
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    let error = with_causes(&ShopFile::read(&pipe).unwrap_err());
    assert!(error.contains("not a regular file"), "{error}");
    std::fs::write(folder.path().join("rules"), "approval = \"automatic\"").unwrap();
    std::os::unix::fs::symlink("rules", &link).unwrap();
    ShopFile::read(&link).unwrap().shop().unwrap();
}
