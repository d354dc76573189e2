//! Makes the title, the description and the tags of a picture from its file name and its shape.
//!
//! A shop would ask a person or a language model instead. This module gives the same answer every time.

use fieldfen_domain::file::{AspectRatio, Dimensions, FileMetadata, InvalidMetadata};

/// The animals that are recognised in file names, as `files.species` has them.
const SPECIES: [&str; 34] = [
    "arctic-fox",
    "badger",
    "bald-eagle",
    "barn-owl",
    "bear",
    "beaver",
    "black-bear",
    "brown-bear",
    "brown-hare",
    "deer",
    "eagle",
    "elk",
    "fox",
    "grey-fox",
    "grey-heron",
    "hare",
    "heron",
    "kingfisher",
    "lynx",
    "moose",
    "mule-deer",
    "otter",
    "owl",
    "rabbit",
    "red-deer",
    "red-fox",
    "robin",
    "roe-deer",
    "snowy-owl",
    "squirrel",
    "tawny-owl",
    "whitetail-deer",
    "wild-boar",
    "wolf",
];

/// The prefixes of file names of cameras and phones. They are not part of a title.
const CAMERA_WORDS: [&str; 9] = ["dsc", "dscf", "dscn", "image", "img", "mvimg", "photo", "picture", "pxl"];

/// The animal in a file name, as precise as possible: `whitetail-deer` instead of `deer`. `None` if no known one
/// occurs.
#[must_use]
pub fn species(file_name: &str) -> Option<&'static str> {
    find_species(&words(file_name)).map(|(name, _)| name)
}

/// Title, description, hashtags and captions for a picture of this name and size.
///
/// # Errors
/// [`InvalidMetadata`] if the words break a rule of [`FileMetadata`]. The words of this function never do.
pub fn describe(file_name: &str, size: Dimensions) -> Result<FileMetadata, InvalidMetadata> {
    let mut words = words(file_name);
    let animal = find_species(&words).map(|(name, at)| {
        words.drain(at..at + name.split('-').count());
        name
    });
    let mut scene = titled(&words);
    if animal.is_none() && words.iter().all(says_nothing) {
        scene = titled(&words.iter().filter(|word| !CAMERA_WORDS.contains(&word.as_str())).collect::<Vec<_>>());
        scene = format!("Wildlife Study {scene}").trim_end().to_owned();
    }
    let animal_title = animal.map(|name| titled(&name.split('-').collect::<Vec<_>>()));
    let title = match &animal_title {
        Some(animal) if scene.is_empty() => animal.clone(),
        Some(animal) => format!("{animal} – {scene}"),
        None => scene.clone(),
    };
    let (orientation, ratio) = (orientation(size), size.aspect_ratio());
    let subject = animal.map_or_else(|| "wildlife".to_owned(), |name| name.replace('-', " "));
    let tags = ["wildlifeart", "natureprint", orientation].into_iter().map(str::to_owned);
    let tags = tags.chain(animal_title).chain((!scene.is_empty()).then_some(scene)).filter(|tag| has_letter(tag));
    let mut metadata = FileMetadata::new(title.clone())?.with_hashtags(tags)?;
    metadata.description = format!("A {orientation} {subject} print in {ratio}. {}", frames(ratio));
    let hashtags: Vec<String> = metadata.hashtags.iter().map(|tag| format!("#{tag}")).collect();
    metadata.captions = [
        ("instagram", format!("{title}. {}", hashtags.join(" "))),
        ("tiktok", format!("{title} {}", hashtags.iter().take(3).cloned().collect::<Vec<_>>().join(" "))),
        ("pinterest", format!("{title}: {orientation} wall art for lovers of {subject} pictures")),
    ]
    .map(|(platform, caption)| (platform.to_owned(), caption))
    .into();
    Ok(metadata)
}

/// The words of a file name without its extension, in lower case.
fn words(file_name: &str) -> Vec<String> {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| if stem.is_empty() { file_name } else { stem });
    // File systems may store an accent apart from its letter. Both belong to one word.
    let belongs = |c: char| c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}' | '\'' | '’');
    stem.split(|c| !belongs(c)).filter(|word| word.chars().any(char::is_alphanumeric)).map(str::to_lowercase).collect()
}

/// The longest known species among these words, and the index of its first word.
fn find_species(words: &[String]) -> Option<(&'static str, usize)> {
    let at = |name: &str| {
        let parts: Vec<&str> = name.split('-').collect();
        words.windows(parts.len()).position(|window| window.iter().zip(&parts).all(|(word, part)| word == part))
    };
    SPECIES
        .into_iter()
        .filter_map(|name| at(name).map(|index| (name, index)))
        .max_by_key(|(name, index)| (name.split('-').count(), std::cmp::Reverse(*index)))
}

fn says_nothing(word: impl AsRef<str>) -> bool {
    CAMERA_WORDS.contains(&word.as_ref()) || !has_letter(word.as_ref())
}

fn has_letter(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

/// The words with capital first letters.
fn titled<S: AsRef<str>>(words: &[S]) -> String {
    let capital = |word: &S| {
        let mut rest = word.as_ref().chars();
        rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
    };
    words.iter().map(capital).collect::<Vec<String>>().join(" ")
}

fn orientation(size: Dimensions) -> &'static str {
    match size.width().cmp(&size.height()) {
        std::cmp::Ordering::Greater => "landscape",
        std::cmp::Ordering::Equal => "square",
        std::cmp::Ordering::Less => "portrait",
    }
}

fn frames(ratio: AspectRatio) -> String {
    match ratio.print_variants() {
        [] => "No common frame has this shape: it is printed with a border.".to_owned(),
        sizes => {
            let sizes: Vec<String> = sizes.iter().map(|size| size.replace('x', "×")).collect();
            format!("Fills frames of {} inches without cropping.", sizes.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(name: &str) -> String {
        describe(name, Dimensions::new(300, 200).unwrap()).unwrap().title
    }

    #[test]
    fn titles_come_from_names() {
        for (name, expected) in [
            ("whitetail-deer-morning-mist.jpg", "Whitetail Deer – Morning Mist"),
            ("Morning mist, Whitetail Deer.JPG", "Whitetail Deer – Morning Mist"),
            ("deer.png", "Deer"),
            ("old_oak.tree.png", "Old Oak Tree"),
            ("fuchs im schnee.jpg", "Fuchs Im Schnee"),
            ("e\u{301}tang.jpg", "E\u{301}tang"),
            ("шум леса.jpg", "Шум Леса"),
            ("fox's den.jpg", "Fox's Den"),
            ("IMG_20261123_140509.jpg", "Wildlife Study 20261123 140509"),
            ("DSC.jpg", "Wildlife Study"),
            ("42.png", "Wildlife Study 42"),
            ("---.png", "Wildlife Study"),
            (".jpg", "Jpg"),
            ("", "Wildlife Study"),
        ] {
            assert_eq!(title(name), expected, "{name}");
        }
    }

    #[test]
    fn the_most_precise_species_counts() {
        assert_eq!(species("red-deer-at-dawn.jpg"), Some("red-deer"));
        assert_eq!(species("deer and red fox.jpg"), Some("red-fox"));
        assert_eq!(species("deer and hare.jpg"), Some("deer"));
        assert_eq!(species("reindeer.jpg"), None);
        assert!(SPECIES.is_sorted());
    }

    #[test]
    fn the_description_says_which_frames_the_picture_fills() {
        let metadata = describe("red-fox-first-snow.jpg", Dimensions::new(240, 300).unwrap()).unwrap();
        let expected = "A portrait red fox print in 4:5. Fills frames of 8×10, 16×20, 24×30 inches without cropping.";
        assert_eq!(metadata.description, expected);
        assert_eq!(metadata.hashtags, ["wildlifeart", "natureprint", "portrait", "redfox", "firstsnow"]);
        assert_eq!(metadata.captions["tiktok"], "Red Fox – First Snow #wildlifeart #natureprint #portrait");
        assert_eq!(metadata.captions.len(), 3);
        let odd = describe("42.png", Dimensions::new(210, 90).unwrap()).unwrap();
        assert!(odd.description.ends_with("in 7:3. No common frame has this shape: it is printed with a border."));
        assert_eq!(odd.hashtags, ["wildlifeart", "natureprint", "landscape", "wildlifestudy42"]);
    }
}
