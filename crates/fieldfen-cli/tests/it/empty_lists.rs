//! Every list without a row says how a row gets into it.

use crate::output::list_commands;
use crate::shop_harness::Shop;

#[test]
fn every_empty_list_says_how_something_gets_into_it() {
    let shop = Shop::new();
    let commands = list_commands();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let arguments: Vec<_> = command.split(' ').collect();
        let listed = shop.run(&arguments);
        listed.ends_with(0);
        let empty = listed.out.lines().find(|line| line.starts_with("no ") || line.starts_with("nothing "));
        let Some((_, how)) = empty.and_then(|line| line.split_once(": ")) else {
            panic!("{command} does not say how something gets into it: {}", listed.out);
        };
        assert!(how.contains("`fieldfen ") || how.contains("fieldfen.toml"), "{command} names no command: {how}");
    }
}
