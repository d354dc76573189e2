//! Addresses of databases and services, without the secrets in them.

/// The parameters that may be shown: those of [SQLite's URIs](https://sqlite.org/uri.html), whose values are known words.
const HARMLESS: [&str; 10] = [
    "mode=ro",
    "mode=rw",
    "mode=rwc",
    "mode=memory",
    "cache=shared",
    "cache=private",
    "immutable=0",
    "immutable=1",
    "nolock=0",
    "nolock=1",
];

/// Schemes that also stand before an address without `//`.
const SCHEMES: [&str; 9] =
    ["sqlite", "postgres", "postgresql", "mysql", "mariadb", "mongodb", "redis", "http", "https"];

/// The replacement for everything that is not shown.
const HIDDEN: &str = "***";

/// An address as it may be shown in messages and logs: scheme, host, port and path, and the parameters whose names and
/// values are known to be harmless. `***` replaces everything else, above all the text before an `@`.
///
/// ```
/// use fieldfen_domain::redacted;
///
/// assert_eq!(redacted("postgres://shop:hunter2@db:5432/fieldfen?sslmode=off"), "postgres://***@db:5432/fieldfen?***");
/// assert_eq!(redacted("./data/fieldfen.db"), "./data/fieldfen.db");
/// ```
#[must_use]
pub fn redacted(address: &str) -> String {
    if let Some((scheme, rest)) = address.split_once("://") {
        return if is_scheme(scheme) { format!("{scheme}://{}", without_login(rest)) } else { HIDDEN.to_owned() };
    }
    match address.split_once(':') {
        Some((scheme, _)) if SCHEMES.contains(&scheme) => format!("{scheme}:{HIDDEN}"),
        Some((_, rest)) if rest.contains('@') => without_login(address),
        _ => without_parameters(address, &['?']),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// A password may hold any character, `/`, `?` and `@` too, so that all before the last `@` is hidden. Behind a `?` an
/// `@` may also belong to a parameter: then nothing is shown.
fn without_login(rest: &str) -> String {
    let parameters = ['?', '#', ';', '&'];
    let (login, rest) = match rest.rsplit_once('@') {
        Some((login, _)) if login.contains(parameters) => return HIDDEN.to_owned(),
        Some((_, rest)) => (format!("{HIDDEN}@"), rest),
        None => (String::new(), rest),
    };
    let end = rest.find(|c| c == '/' || parameters.contains(&c)).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = if is_host(host) { host } else { HIDDEN };
    format!("{login}{host}{}", without_parameters(path, &parameters))
}

/// Whether a text before the path is a name, with a port at most. A login whose `@` is missing has a `:` too.
fn is_host(text: &str) -> bool {
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((address, port)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let is_ipv6 = address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
        return is_ipv6 && (port.is_empty() || port.strip_prefix(':').is_some_and(digits));
    }
    text.split_once(':').is_none_or(|(_, port)| digits(port))
}

/// The same text with only the parameters that are known to be harmless.
fn without_parameters(text: &str, begin: &[char]) -> String {
    let Some(at) = text.find(begin) else { return text.to_owned() };
    let (shown, parameters) = text.split_at(at);
    let mut shown = format!("{shown}{}", &parameters[..1]);
    let parameters: Vec<&str> = parameters[1..].split('&').collect();
    let harmless: Vec<&str> = parameters.iter().copied().filter(|parameter| HARMLESS.contains(parameter)).collect();
    shown.push_str(&harmless.join("&"));
    if harmless.len() < parameters.len() {
        if !harmless.is_empty() {
            shown.push('&');
        }
        shown.push_str(HIDDEN);
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// The same values in every run of a commit, unless `PROPTEST_RNG_SEED` names others.
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
            ("postgres://shop:secret@db/fieldfen", "postgres://***@db/fieldfen"),
            ("postgres:shop:secret@db", "postgres:***"),
            ("mysql2:shop:secret@db", "***@db"),
            ("https://TOKEN@host:8080/a/b", "https://***@host:8080/a/b"),
            ("https://user:pass", "https://***"),
            ("https://[::1]:80/x", "https://[::1]:80/x"),
            ("https://[token:x]/x", "https://***/x"),
            ("libsql://shop.turso.io?authToken=eyJ", "libsql://shop.turso.io?***"),
            ("sqlite://a.db?password=secret", "sqlite://a.db?***"),
            ("sqlite://a.db?key=secret&mode=ro", "sqlite://a.db?mode=ro&***"),
            ("sqlite://a.db?mode=ro", "sqlite://a.db?mode=ro"),
            ("sqlite://a.db?mode=secret", "sqlite://a.db?***"),
            ("sqlite://shop:secret@db/a.db", "sqlite://***@db/a.db"),
            ("sqlserver://h:1433;password=secret", "sqlserver://h:1433;***"),
            ("jdbc:postgresql://shop:secret@db/x", "***"),
            ("https://host/path?to=a@b.example", "https://***"),
            ("https://host/path#secret", "https://host/path#***"),
            ("data/a b.db", "data/a b.db"),
            ("data/me@shop.db", "data/me@shop.db"),
            ("a.db?password=secret", "a.db?***"),
            ("localhost:80", "localhost:80"),
            ("", ""),
        ] {
            assert_eq!(redacted(address), shown, "{address}");
        }
    }

    /// Where a secret may stand in an address: `S` is the secret.
    const PLACES: [&str; 18] = [
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
    ];

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn no_part_of_a_secret_is_shown_wherever_it_stands(
            place in prop::sample::select(&PLACES[..]),
            scheme in "(sqlite|postgres|https|libsql|x-y\\.z|jdbc:q)",
            host in "([a-z]{1,4}\\.example|\\[::1\\])",
            path in "[a-z]{0,4}(/[a-z ]{0,4}){0,2}",
            // Characters that no template has, between characters that mean something in addresses.
            secret in "[A-Y]{2}[A-Y0-9@:/?#&;=%. \\[\\]\\\\éß-]{0,12}[A-Y]{2}",
        ) {
            // The order matters: the secret itself holds letters of the template.
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
