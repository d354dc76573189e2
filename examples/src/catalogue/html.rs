//! The HTML pages of the catalogue. Each page is complete: it loads no script, font or style.

use std::fmt::{self, Display, Formatter, Write};

use fieldfen_domain::file::Dimensions;

use super::record::Record;

const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#f6f3ec;--card:#fff;--ink:#23291f;--soft:#6d7466;--line:#e2ddd0;--moss:#4f6b3a}
@media(prefers-color-scheme:dark){:root{--paper:#171a15;--card:#20251d;--ink:#e9ebe2;--soft:#9da596;--line:#343b2f;\
--moss:#a7c48c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.55 Georgia,'Times New Roman',serif}
main{max-width:72rem;margin:0 auto;padding:3rem 1.25rem 4rem}
h1{font-weight:normal;font-size:2.2rem;line-height:1.2;margin:0 0 .4rem}
p{margin:.4rem 0}
a{color:inherit;text-decoration:none}
a:hover h2,nav a:hover{color:var(--moss);text-decoration:underline}
.soft,.tags{color:var(--soft);font-size:.9rem}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:1.75rem;margin-top:2.25rem}
.card{display:block;background:var(--card);border:1px solid var(--line);border-radius:6px;overflow:hidden}
.card img{display:block;width:100%;height:15rem;object-fit:contain;background:var(--line)}
.card div{padding:.9rem 1.1rem 1.1rem}
.card h2{font-weight:normal;font-size:1.15rem;margin:0}
.product{display:grid;grid-template-columns:minmax(0,3fr) minmax(15rem,2fr);gap:2.5rem;margin-top:1.5rem;\
align-items:start}
.product img{display:block;max-width:100%;max-height:44rem;border:.9rem solid var(--card);\
box-shadow:0 2px 14px rgba(0,0,0,.22)}
table{border-collapse:collapse;width:100%;margin:1.2rem 0}
th,td{text-align:left;padding:.45rem .2rem;border-bottom:1px solid var(--line);font-weight:normal}
th{color:var(--soft);font-size:.85rem}
.gone{border-left:4px solid #b5523b;padding:.5rem 1rem;background:var(--card)}
@media(max-width:46rem){.product{grid-template-columns:1fr}}";

/// The page that shows all products for sale.
pub(super) fn index_page(records: &[Record]) -> String {
    let mut body = String::from("<h1>Field &amp; Fen</h1>\n");
    let count = records.len();
    line(&mut body, format_args!("<p class=\"soft\">{count} wildlife print{}</p>", if count == 1 { "" } else { "s" }));
    body.push_str("<div class=\"grid\">\n");
    for Record { id, shown, .. } in records {
        let (id, title) = (Escaped(id), Escaped(&shown.title));
        line(&mut body, format_args!("<a class=\"card\" href=\"products/{id}.html\">"));
        line(&mut body, format_args!("<img src=\"pictures/{id}.jpg\" alt=\"{title}\" loading=\"lazy\">"));
        let sizes = shown.size.aspect_ratio().print_variants().len();
        let sizes = if sizes == 0 { "with a border".to_owned() } else { format!("{sizes} sizes") };
        line(
            &mut body,
            format_args!("<div><h2>{title}</h2><p class=\"soft\">{}, {sizes}</p></div></a>", shown.size.aspect_ratio()),
        );
    }
    body.push_str("</div>");
    page("Field & Fen: wildlife prints", &body)
}

/// The page of one product.
pub(super) fn product_page(record: &Record) -> String {
    let Record { id, shown, .. } = record;
    let (id, title) = (Escaped(id), Escaped(&shown.title));
    let mut body = String::from("<nav class=\"soft\"><a href=\"../index.html\">← All prints</a></nav>\n");
    line(&mut body, format_args!("<div class=\"product\">\n<img src=\"../pictures/{id}.jpg\" alt=\"{title}\">\n<div>"));
    line(&mut body, format_args!("<h1>{title}</h1>"));
    if record.withdrawn {
        body.push_str("<p class=\"gone\">This print is no longer for sale.</p>\n");
    }
    line(&mut body, format_args!("<p>{}</p>", Escaped(&shown.description)));
    if !shown.variant.is_empty() {
        line(&mut body, format_args!("<p>Variant: {}</p>", Escaped(&shown.variant)));
    }
    body.push_str(&print_table(shown.size));
    let species = shown.species.as_deref().map(|name| name.replace('-', " "));
    let species = species.map_or_else(String::new, |name| format!("{}, ", Escaped(&name)));
    line(
        &mut body,
        format_args!("<p class=\"soft\">{species}{} pixels, {}</p>", shown.size, shown.size.aspect_ratio()),
    );
    let tags: Vec<String> = shown.hashtags.iter().map(|tag| format!("#{}", Escaped(tag))).collect();
    line(&mut body, format_args!("<p class=\"tags\">{}</p>", tags.join(" ")));
    line(&mut body, format_args!("<p class=\"soft\">Product {id}</p>\n</div>\n</div>"));
    page(&shown.title, body.trim_end())
}

/// A table of the print sizes of a picture, with the resolution of each.
fn print_table(size: Dimensions) -> String {
    let variants = size.aspect_ratio().print_variants();
    if variants.is_empty() {
        return String::new();
    }
    let mut table = String::from("<table>\n<tr><th>Print, inches</th><th>Resolution</th></tr>\n");
    for variant in variants {
        let wide = variant.split('x').next().and_then(|side| side.parse::<f64>().ok());
        let dpi = wide.map_or_else(String::new, |inches| format!("{:.0} dpi", f64::from(size.width()) / inches));
        line(&mut table, format_args!("<tr><td>{}</td><td>{dpi}</td></tr>", variant.replace('x', " × ")));
    }
    table + "</table>\n"
}

fn page(title: &str, body: &str) -> String {
    let title = Escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}\n</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
}

fn line(page: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(page, "{text}");
}

/// A text, escaped for the space between tags and for quoted attributes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Shown;
    use super::*;

    fn record(title: &str) -> Record {
        Record {
            id: "ff-1".to_owned(),
            key: "ff-1".to_owned(),
            withdrawn: false,
            listed_at: "2026-11-23T14:05:09Z".parse().unwrap(),
            shown: Shown {
                title: title.to_owned(),
                description: "Fox & hare".to_owned(),
                hashtags: vec!["wildlifeart".to_owned()],
                species: Some("red-fox".to_owned()),
                size: Dimensions::new(1440, 960).unwrap(),
                variant: String::new(),
            },
        }
    }

    #[test]
    fn what_people_wrote_is_text_and_never_markup() {
        let record = record("</title><script>alert('1')</script>\" onload=\"x");
        for page in [product_page(&record), index_page(std::slice::from_ref(&record))] {
            assert!(!page.contains("<script") && !page.contains("\" onload"), "{page}");
            assert!(page.contains("&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)"));
        }
        assert!(product_page(&record).contains("<p>Fox &amp; hare</p>"));
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere() {
        for page in [product_page(&record("Fox")), index_page(&[record("Fox")])] {
            assert!(!page.contains("http") && !page.contains("url(") && !page.contains("@import"), "{page}");
        }
    }

    #[test]
    fn print_sizes_follow_from_the_shape_and_tell_their_resolution() {
        let page = product_page(&record("Fox"));
        assert!(page.contains("<tr><td>12 × 8</td><td>120 dpi</td></tr>"), "{page}");
        let mut odd = record("Fox");
        odd.shown.size = Dimensions::new(210, 90).unwrap();
        assert!(!product_page(&odd).contains("<table"));
        assert!(index_page(&[odd]).contains("7:3, with a border"));
    }

    #[test]
    fn a_product_that_was_taken_down_says_so() {
        let mut record = record("Fox");
        assert!(!product_page(&record).contains("no longer for sale"));
        record.withdrawn = true;
        assert!(product_page(&record).contains("no longer for sale"));
    }
}
