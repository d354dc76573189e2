//! Readings of the examples on the services' own pages, compared with the explanations on these pages.

use fieldfen_rate_limits::Dialect;

use crate::examples::{EXAMPLES, Example};
use crate::read;

#[test]
fn every_documented_example_is_read_as_its_page_explains_it() {
    for Example { dialect, status, headers, body, says, .. } in EXAMPLES {
        assert_eq!(read(*dialect, *status, headers, body), *says, "{dialect} {status} {headers:?} {body}");
    }
}

#[test]
fn every_service_has_an_example() {
    for dialect in Dialect::ALL {
        assert!(EXAMPLES.iter().any(|example| example.dialect == dialect), "{dialect}");
    }
}

#[test]
fn every_example_is_read_the_same_with_names_in_upper_case_and_lines_reversed() {
    for Example { dialect, status, headers, body, says, .. } in EXAMPLES {
        let upper = headers.iter().rev().map(|(name, value)| (name.to_uppercase(), *value)).collect::<Vec<_>>();
        let upper = upper.iter().map(|(name, value)| (name.as_str(), *value)).collect::<Vec<_>>();
        assert_eq!(read(*dialect, *status, &upper, body), *says, "{dialect} {upper:?}");
    }
}
