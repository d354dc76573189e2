//! The help of every command.

use super::Typed;
use super::command_tree::{program, visible};
use super::snapshots::assert_snapshot;
use crate::shop_harness::Shop;

/// The options that every command has. They are shown once.
const GLOBAL: &str = "\nGlobal options:\n";

#[test]
fn the_help_of_every_command_is_as_it_was() {
    let shop = Shop::new();
    let help = |path: &str| {
        let line = format!("fieldfen {path} --help").replace("  ", " ");
        let typed = Typed::run(&shop, &line);
        typed.output.ends_with(0);
        let (text, global) = typed.output.out.split_once(GLOBAL).unwrap();
        (format!("$ {line}\n{text}"), global.to_owned())
    };
    let (own, global) = help("");
    assert_snapshot("help", &format!("{own}{GLOBAL}{global}"));
    for group in visible(&program()) {
        let name = group.get_name();
        let mut text = help(name).0;
        for command in visible(group) {
            let path = format!("{name} {}", command.get_name());
            text.push('\n');
            text.push_str(&help(&path).0);
            for below in visible(command) {
                text.push('\n');
                text.push_str(&help(&format!("{path} {}", below.get_name())).0);
            }
        }
        assert_snapshot(&format!("help_{name}"), &text);
    }
}
