//! The filter of the list of jobs, as a line with the arguments of `jobs list`.

use clap::Parser;

use crate::jobs::FilterArgs;
use crate::shell_word::shell_word;

/// The arguments of `jobs list` that select jobs.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
pub(super) struct FilterLine {
    #[command(flatten)]
    filter: FilterArgs,
}

/// Reads a line such as `--dead --kind UpscaleImage`. Quotes keep blanks together, as in a shell.
///
/// # Errors
/// A sentence that names the word and the rule.
pub(super) fn parse(line: &str) -> Result<FilterArgs, String> {
    let words = words(line)?;
    FilterLine::try_parse_from(words).map(|line| line.filter).map_err(|error| {
        let text = error.to_string();
        let text = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
    })
}

/// The line of these words, which [`parse`] reads back, whatever they hold.
pub(super) fn line<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    words.into_iter().map(shell_word).collect::<Vec<_>>().join(" ")
}

/// The words of a line: in single quotes everything stands for itself, elsewhere a backslash keeps the next character.
fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let next = characters.next().ok_or("a backslash must be followed by a character")?;
                word.get_or_insert_default().push(next);
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(format!("the quote {open} must be closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use fieldfen_domain::Timestamp;
    use fieldfen_domain::job::{FingerprintFilter, JobFilter, JobKind};

    use super::*;

    fn filter(line: &str) -> JobFilter {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        parse(line).unwrap().filter(now)
    }

    #[test]
    fn the_words_are_those_of_the_list() {
        let dead = JobFilter::new().kind(JobKind::UpscaleImage).dead_letters();
        assert_eq!(filter("--dead --kind UpscaleImage"), dead);
        assert_eq!(filter("  "), JobFilter::new());
        let since = "2026-11-26T10:00:00Z".parse::<Timestamp>().unwrap();
        assert_eq!(filter("--since 2h"), JobFilter::new().ended_since(since));
    }

    #[test]
    fn a_word_is_read_back_whatever_it_holds() {
        for error in ["no paper: it's \"A4\"", "", "a\\b", "Füchse  🦊", "--dead", "'"] {
            let line = line([format!("--fingerprint={error}").as_str(), "--dead"]);
            let wanted = match error {
                "" => FingerprintFilter::Missing,
                error => FingerprintFilter::Is(error.to_owned()),
            };
            assert_eq!(filter(&line), JobFilter::new().dead_letters().fingerprint(wanted), "{line}");
        }
    }

    #[test]
    fn a_wrong_line_is_named_in_one_sentence() {
        for (line, part) in [
            ("--status sold", "sold"),
            ("--colour red", "--colour"),
            ("fox", "fox"),
            ("--kind 'a b", "quote '"),
            ("--kind a\\", "backslash"),
            ("--dead --parked", "--parked"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part) && !error.contains('\n'), "{line}: {error}");
        }
    }
}
