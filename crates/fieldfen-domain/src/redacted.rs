//! Removes secrets from the addresses of databases and services.

/// The replacement for a hidden part.
const HIDDEN: &str = "***";

/// The characters that begin a part after the path.
const PARAMETERS: [char; 4] = ['?', '#', ';', '&'];

/// Characters that are frequent in addresses and rare in paths.
const OF_ADDRESSES: [char; 8] = ['?', '#', ';', '&', ':', '=', '@', '%'];

/// Returns whether a text without a scheme can only be the path of a file.
fn is_surely_path(text: &str) -> bool {
    is_relative_path(text) || !text.starts_with("//") && (text.starts_with('/') || !text.contains(OF_ADDRESSES))
}

fn is_relative_path(text: &str) -> bool {
    text.starts_with("./") || text.starts_with("../")
}

/// An address without its secrets, for messages and logs. Of a path, it shows the path; if it begins with `./`, `../`
/// or one `/`, up to a `?`. Of an address with a scheme, it shows scheme, host and port. The path of such an address is
/// only shown if nothing, `./` or `../` stands in place of the host, since such a path is local. `***` replaces every
/// other part, and parameters always.
///
/// ```
/// use fieldfen_domain::redacted;
///
/// assert_eq!(redacted("postgres://shop:hunter2@db:5432/fieldfen?sslmode=off"), "postgres://***@db:5432/***");
/// assert_eq!(redacted("host=db password=hunter2"), "***");
/// assert_eq!(redacted("sqlite://./data/fieldfen.db"), "sqlite://./data/fieldfen.db");
/// ```
#[must_use]
pub fn redacted(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => format!("{scheme}://{}", without_secrets_behind_scheme(rest)),
        Some(_) => HIDDEN.to_owned(),
        None if is_surely_path(address) => without_parameters(address, &['?']),
        None => without_secrets(address),
    }
}

fn without_secrets_behind_scheme(rest: &str) -> String {
    let is_local = rest.starts_with('/') && !rest.contains(OF_ADDRESSES);
    if is_local || is_relative_path(rest) { without_parameters(rest, &['?']) } else { without_login(rest) }
}

/// Redacts a text that may be a path with parameters, a host with a port, or another address.
fn without_secrets(text: &str) -> String {
    let first = text.chars().find(|c| OF_ADDRESSES.contains(c));
    match first {
        _ if text.contains(['@', '%']) || text.starts_with("//") => HIDDEN.to_owned(),
        Some(first) if PARAMETERS.contains(&first) => without_parameters(text, &PARAMETERS),
        Some(':') if is_host(text) => text.to_owned(),
        _ => HIDDEN.to_owned(),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// A password may contain any character, so everything before the last `@` is hidden. After a `/`, `?` or `=`, an `@`
/// may also belong to the path or a parameter; then nothing is shown. The path is hidden too, since the path of a
/// webhook is its secret.
fn without_login(rest: &str) -> String {
    let (login, rest) = match rest.rsplit_once('@') {
        Some((login, _)) if login.contains(PARAMETERS) || login.contains(['/', '=', ' ']) => return HIDDEN.to_owned(),
        Some((_, rest)) => (format!("{HIDDEN}@"), rest),
        None => (String::new(), rest),
    };
    let end = rest.find(|c| c == '/' || PARAMETERS.contains(&c)).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = if is_host(host) { host } else { HIDDEN };
    let path = match path {
        "" | "/" => path.to_owned(),
        _ if path.starts_with('/') => format!("/{HIDDEN}"),
        _ => without_parameters(path, &PARAMETERS),
    };
    format!("{login}{host}{path}")
}

/// Returns whether a text before the path is a name, at most with a port. A login without its `@` contains a `:` too.
fn is_host(text: &str) -> bool {
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((address, port)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let is_ipv6 = address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
        return is_ipv6 && (port.is_empty() || port.strip_prefix(':').is_some_and(digits));
    }
    let (name, port) = text.split_once(':').unwrap_or((text, ""));
    digits(port) && name.chars().all(|c| c.is_alphanumeric() || "-._".contains(c))
}

/// The text up to its parameters.
fn without_parameters(text: &str, begin: &[char]) -> String {
    match text.find(begin) {
        Some(at) => format!("{}{HIDDEN}", &text[..=at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// The same values in every run of a commit, unless `PROPTEST_RNG_SEED` sets others.
    fn config() -> ProptestConfig {
        let default = ProptestConfig::default();
        let rng_seed = match default.rng_seed {
            RngSeed::Random => RngSeed::Fixed(20_261_124),
            fixed => fixed,
        };
        ProptestConfig { cases: 4096, rng_seed, failure_persistence: None, ..default }
    }

    #[test]
    fn an_address_is_shown_without_login_and_parameters() {
        for (address, shown) in [
            ("postgres://shop:secret@db/fieldfen", "postgres://***@db/***"),
            ("postgres:shop:secret@db", "***"),
            ("mysql2:shop:secret@db", "***"),
            ("https://TOKEN@host:8080/a/b", "https://***@host:8080/***"),
            ("https://user:pass", "https://***"),
            ("https://[::1]:80/", "https://[::1]:80/"),
            ("https://[token:x]/x", "https://***/***"),
            ("libsql://shop.turso.io?authToken=eyJ", "libsql://shop.turso.io?***"),
            ("sqlite://a.db?password=secret", "sqlite://a.db?***"),
            ("sqlite://a.db?mode=ro", "sqlite://a.db?***"),
            ("sqlite://data/a.db", "sqlite://data/***"),
            ("sqlite://./data/a.db", "sqlite://./data/a.db"),
            ("file:///srv/a.db", "file:///srv/a.db"),
            ("https://host=db password=secret", "https://***"),
            ("sqlite://shop:secret@db/a.db", "sqlite://***@db/***"),
            ("sqlserver://h:1433;password=secret", "sqlserver://h:1433;***"),
            ("jdbc:postgresql://shop:secret@db/x", "***"),
            ("https://host/path?to=a@b.example", "https://***"),
            ("https://host/path#secret", "https://host/***"),
            ("data/a b.db", "data/a b.db"),
            ("data/me@shop.db", "***"),
            ("./data/me@shop.db", "./data/me@shop.db"),
            ("/srv/u:me@shop.db", "/srv/u:me@shop.db"),
            ("sqlite://./u:me@shop.db", "sqlite://./u:me@shop.db"),
            ("./a.db?password=secret", "./a.db?***"),
            ("host=db password=secret", "***"),
            ("Server=db;Password=secret;", "***"),
            ("a.db;password=secret", "a.db;***"),
            ("a.db&password=secret", "a.db&***"),
            ("a.db#secret", "a.db#***"),
            ("//shop:secret@db/x", "***"),
            ("postgres//shop:secret@db/x", "***"),
            ("postgres%3A%2F%2Fshop%3Asecret", "***"),
            ("secret@db:5432/x", "***"),
            ("sqlite:////shop:secret@db/x", "sqlite://***"),
            ("sqlite:////srv/a.db", "sqlite:////srv/a.db"),
            ("a.db?password=secret", "a.db?***"),
            ("localhost:80", "localhost:80"),
            ("", ""),
        ] {
            assert_eq!(redacted(address), shown, "{address}");
        }
    }

    /// The places of a secret in an address. `S` is the secret.
    const PLACES: [&str; 34] = [
        "Z://S@H/P",
        "Z://u:S@H/P",
        "Z://S:w@H:1/P",
        "Z://u:a@S@H",
        "Z://u:a/S@H",
        "Z://u:a?S@H",
        "Z://u:a#S@H/P?mode=ro",
        "Z:u:S@H",
        "Z:S@H/P",
        "u:S@H",
        "Z://H/P?password=S",
        "Z://H?mode=ro&authToken=S",
        "Z://H/P?S",
        "Z://H/P?S=1",
        "Z://H/P?mode=S",
        "Z://H/P#S",
        "Z://H:1;user=u;password=S",
        "P?key=S",
        "host=H password=S",
        "server=H;password=S;",
        "a.db;password=S",
        "a.db&password=S",
        "a.db#S",
        "//u:S@H/P",
        "//H/P;password=S",
        "Z//u:S@H/P",
        "u:S@H:5432/P",
        "u=S@H/P",
        "https://H/P/S",
        "sqlite:////u:S@H/P",
        "sqlite:///H/P;password=S",
        "Z://host=H password=S",
        "Z:///u:S@H/P",
        "Z://./P?key=S",
    ];

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn no_part_of_a_secret_is_shown_wherever_it_stands(
            place in prop::sample::select(&PLACES[..]),
            scheme in "(sqlite|postgres|https|libsql|x-y\\.z|jdbc:q)",
            host in "([a-z]{1,4}\\.example|\\[::1\\])",
            path in "[a-z]{0,4}(/[a-z ]{0,4}){0,2}",
            // Characters that no template has, between characters with a meaning in addresses.
            secret in "[A-Y]{2}[A-Y0-9@:/?#&;=%. \\[\\]\\\\éß-]{0,12}[A-Y]{2}",
        ) {
            // The order matters: the secret contains letters of the template.
            let address = place.replace('Z', &scheme).replace('P', &path.to_lowercase());
            let address = address.replace('H', "\u{1}").replace('S', &secret).replace('\u{1}', &host);
            let shown = redacted(&address);
            prop_assert!(!shown.chars().any(|c| c.is_ascii_uppercase()), "{address:?} is shown as {shown:?}");
        }

        #[test]
        fn any_text_can_be_redacted(text in ".*") {
            prop_assert!(text.is_empty() == redacted(&text).is_empty());
        }
    }
}
