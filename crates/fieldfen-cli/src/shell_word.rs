//! Words of command lines that people copy into a shell.

/// The word as a shell reads it: in single quotes unless all its characters stand for themselves.
pub(crate) fn shell_word(word: &str) -> String {
    let stands_for_itself = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(stands_for_itself) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_each_word_as_it_was() {
        for (word, quoted) in [
            ("etsy/main", "etsy/main"),
            ("--kind=acme.count", "--kind=acme.count"),
            ("", "''"),
            ("my shop", "'my shop'"),
            ("shop; rm -r ~", "'shop; rm -r ~'"),
            ("$HOME", "'$HOME'"),
            ("it's", "'it'\\''s'"),
            ("Füchse", "'Füchse'"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }
}
