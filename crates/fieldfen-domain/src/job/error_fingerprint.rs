//! Fingerprints of errors: the text without the parts that differ from one job to the next.

use std::iter::Peekable;
use std::str::CharIndices;

/// The longest fingerprint, in bytes.
pub const MAX_FINGERPRINT_BYTES: usize = 160;

/// The number of bytes of a line that are read for its fingerprint.
const MAX_LINE_BYTES: usize = 2 << 10;

/// The first line of a Python traceback. Its last line names the error.
const TRACEBACK: &str = "Traceback (most recent call last)";

/// The fingerprint of an error: its first line, in which a word for the kind of value replaces numbers, ids, paths,
/// addresses and names of hosts and files. Errors with the same cause have the same fingerprint, so that a thousand
/// dead letters are a few groups.
///
/// - A Python traceback is represented by its last line.
/// - An HTTP status code after `HTTP` or `status` is kept.
/// - The text has at most [`MAX_FINGERPRINT_BYTES`] bytes. It is empty if the error has no visible character.
///
/// ```
/// use fieldfen_domain::job::error_fingerprint;
///
/// let error = "HTTP 503 from https://api.example.com/v1/jobs/17: try again in 12.5 s\nat line 3";
/// assert_eq!(error_fingerprint(error), "HTTP 503 from <url>: try again in <n> s");
/// let error = "file 6f1c2a44-96c1-4e0b-8d5e-0242ac120002: cannot open /srv/in/fox-7.jpg";
/// assert_eq!(error_fingerprint(error), "file <id>: cannot open <path>");
/// ```
#[must_use]
pub fn error_fingerprint(error: &str) -> String {
    let line = cut(describing_line(error), MAX_LINE_BYTES);
    let mut fingerprint = String::new();
    let mut keeps_status = false;
    let mut chars = line.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        if char.is_whitespace() || char.is_control() {
            if !fingerprint.ends_with(' ') {
                fingerprint.push(' ');
            }
        } else if is_separator(char) {
            fingerprint.push(char);
        } else {
            let word = word_at(line, at, &mut chars);
            push_word(&mut fingerprint, word, keeps_status);
            let bare = word.trim_end_matches(is_end_mark);
            if !bare.is_empty() {
                keeps_status = ["HTTP", "status"].iter().any(|before| bare.eq_ignore_ascii_case(before))
                    || (keeps_status && bare.eq_ignore_ascii_case("code"));
            }
        }
        if fingerprint.len() > MAX_FINGERPRINT_BYTES {
            break;
        }
    }
    cut(fingerprint.trim_end(), MAX_FINGERPRINT_BYTES).to_owned()
}

/// The line that describes the error.
fn describing_line(error: &str) -> &str {
    let mut lines = error.lines().map(str::trim).filter(|line| !line.is_empty());
    match lines.next() {
        Some(first) if first.starts_with(TRACEBACK) => lines.next_back().unwrap_or(first),
        first => first.unwrap_or_default(),
    }
}

/// The beginning of a text that has at most this many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The word that begins at this byte. The iterator is moved behind it.
fn word_at<'a>(line: &'a str, begin: usize, chars: &mut Peekable<CharIndices<'_>>) -> &'a str {
    let ends = |char: char| char.is_whitespace() || char.is_control() || is_separator(char);
    let mut end = line.len();
    while let Some((at, char)) = chars.peek().copied() {
        if ends(char) {
            end = at;
            break;
        }
        chars.next();
    }
    line.get(begin..end).unwrap_or_default()
}

/// Characters that separate words and are kept.
const fn is_separator(char: char) -> bool {
    matches!(char, '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | ',' | ';' | '=' | '|')
}

/// Characters that belong to the sentence if they are at the end of a word.
const fn is_end_mark(char: char) -> bool {
    matches!(char, '.' | ':' | '!' | '?' | '…')
}

/// Appends a word, or the kind of value that it is.
fn push_word(fingerprint: &mut String, word: &str, keeps_status: bool) {
    let bare = word.trim_end_matches(is_end_mark);
    let is_status = bare.len() == 3 && bare.bytes().all(|byte| byte.is_ascii_digit());
    match replacement(bare) {
        Some(_) if keeps_status && is_status => fingerprint.push_str(bare),
        Some(replacement) => fingerprint.push_str(replacement),
        None => push_without_digits(fingerprint, bare),
    }
    fingerprint.push_str(word.get(bare.len()..).unwrap_or_default());
}

/// The kind of value that a word is; `None` for other words.
fn replacement(word: &str) -> Option<&'static str> {
    let has = |test: fn(&u8) -> bool| word.as_bytes().iter().any(test);
    if word.contains("://") {
        Some("<url>")
    } else if is_path(word) {
        Some("<path>")
    } else if word.contains('@') && word.len() > 1 {
        Some("<address>")
    } else if is_number(word) {
        Some("<n>")
    } else if has(u8::is_ascii_digit) && is_id(word) {
        Some("<id>")
    } else if is_name_with_dots(word) {
        Some("<name>")
    } else {
        None
    }
}

fn is_path(word: &str) -> bool {
    let is_slash = |char: char| matches!(char, '/' | '\\');
    let has_root = word.starts_with(is_slash) || word.starts_with("~/") || word.starts_with("./");
    word.len() > 1 && (has_root || word.matches(is_slash).count() > 1)
}

/// A number, a date, a time, a version, a range or an IPv4 address.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['-', '+', '#', '$', '~']).unwrap_or(word);
    digits.starts_with(|char: char| char.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b".:-+/_%TZ".contains(&byte))
}

/// Hexadecimal text from 8 digits on, or a long mix of letters and digits.
fn is_id(word: &str) -> bool {
    let hex = word.strip_prefix("0x").unwrap_or(word);
    let digits = hex.bytes().filter(u8::is_ascii_hexdigit).count();
    let is_hex = digits >= 8 && hex.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_hex || (word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)))
}

/// A name of a host or a file, which may end in a port: lower-case labels between dots. The last label is of letters.
fn is_name_with_dots(word: &str) -> bool {
    let (name, port) = word.split_once(':').unwrap_or((word, ""));
    let Some((first, last)) = name.rsplit_once('.') else { return false };
    let is_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    port.bytes().all(|byte| byte.is_ascii_digit())
        && first.split('.').all(|label| !label.is_empty() && label.bytes().all(is_label))
        && (2..=10).contains(&last.len())
        && last.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Appends a word with `<n>` in place of each group of digits.
fn push_without_digits(fingerprint: &mut String, word: &str) {
    let mut was_digit = false;
    for char in word.chars() {
        let is_digit = char.is_ascii_digit();
        match (is_digit, was_digit) {
            (true, false) => fingerprint.push_str("<n>"),
            (true, true) => {}
            (false, _) => fingerprint.push(char),
        }
        was_digit = is_digit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_and_the_sentence_is_kept() {
        for (error, expected) in [
            ("lens cap", "lens cap"),
            ("  out   of\tpaper \n second line", "out of paper"),
            ("", ""),
            (" \n\t\n", ""),
            ("\n\nno space left", "no space left"),
            ("HTTP 503: service unavailable", "HTTP 503: service unavailable"),
            ("status code: 404, 17 bytes", "status code: 404, <n> bytes"),
            ("{\"status\": 429}", "{\"status\": 429}"),
            ("HTTP 70000", "HTTP <n>"),
            ("took 12.5 s, at most 3s", "took <n> s, at most <n>s"),
            ("at 2026-11-26T09:00:00.123456Z", "at <n>"),
            ("listing 4411223344 is gone", "listing <n> is gone"),
            ("shop etsy/5 refused", "shop etsy/<n> refused"),
            ("cannot connect to api.example.com:443 (10.0.0.7:9)", "cannot connect to <name> (<n>)"),
            ("fox-7.jpg: image/jpeg expected", "<name>: image/jpeg expected"),
            ("open C:\\in\\fox.jpg: denied", "open <path>: denied"),
            ("GET https://a.example/b?c=1: refused", "GET <url>=<n>: refused"),
            ("no account ann@example.com!", "no account <address>!"),
            ("job deadbeef01 and 0xDEADBEEF0", "job <id> and <id>"),
            ("token shpat_0123456789abcdefXYZ", "token <id>"),
            ("the lease of den-812 expired", "the lease of den-<n> expired"),
            ("feedback facade", "feedback facade"),
            ("{\"error\":{\"code\":17}}", "{\"error\":{\"code\":<n>}}"),
            ("naïve café №5", "naïve café №<n>"),
            ("a\u{1b}[2Jb", "a [<n>Jb"),
        ] {
            assert_eq!(error_fingerprint(error), expected, "{error:?}");
        }
    }

    #[test]
    fn a_traceback_is_represented_by_its_last_line() {
        let error =
            "Traceback (most recent call last):\n  File \"/srv/x.py\", line 3, in <module>\nKeyError: 'width 17'\n";
        assert_eq!(error_fingerprint(error), "KeyError: 'width <n>'");
        assert_eq!(error_fingerprint("Traceback (most recent call last):"), "Traceback (most recent call last):");
    }

    #[test]
    fn a_fingerprint_is_short_and_ends_between_characters() {
        for error in ["é".repeat(5000), "word ".repeat(5000), "/".repeat(5000), "1a".repeat(5000)] {
            let fingerprint = error_fingerprint(&error);
            assert!(fingerprint.len() <= MAX_FINGERPRINT_BYTES && !fingerprint.is_empty(), "{fingerprint}");
        }
    }
}
