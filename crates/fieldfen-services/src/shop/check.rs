//! Checks a shop's rules: each rule by itself, and against the other rules.

use std::collections::BTreeSet;

use fieldfen_domain::FileId;
use fieldfen_domain::file::AspectRatio;
use fieldfen_domain::job::{InvalidPayload, Payload, UpscaleImage};
use fieldfen_domain::publication::{Platform, SocialPlatform};

use super::accounts::check_account;
use super::setting::{InvalidShop, Setting};
use super::{PostRule, Shop, Variants};

/// The longest name of an account, variant or post, in bytes.
const MAX_NAME: usize = 255;

impl Shop {
    /// Checks that the rules can be followed: numbers are within their limits, accounts are declared, and no rule is
    /// without effect.
    ///
    /// # Errors
    /// [`InvalidShop`] for the first invalid setting.
    pub fn check(&self) -> Result<(), InvalidShop> {
        self.check_upscaling()?;
        self.check_accounts()?;
        for (index, rule) in self.publish.iter().enumerate() {
            let at = Setting::of("publish").item(index);
            let (specified, named) = (Platform::SPECIFIED.contains(&rule.platform), rule.account.as_deref());
            check_account(&self.marketplaces, &rule.platform, specified, named, &at, "marketplaces")?;
            check_selection(&at, rule.aspect_ratios.as_deref(), rule.species.as_deref())?;
            if let Variants::These(variants) = &rule.variants {
                check_variants(&at, variants, rule.aspect_ratios.as_deref())?;
            }
        }
        for (index, rule) in self.post.iter().enumerate() {
            let at = Setting::of("post").item(index);
            let (specified, named) = (SocialPlatform::SPECIFIED.contains(&rule.platform), rule.account.as_deref());
            check_account(&self.networks, &rule.platform, specified, named, &at, "networks")?;
            check_selection(&at, rule.aspect_ratios.as_deref(), rule.species.as_deref())?;
            check_name(&at.clone().key("post_key"), &rule.post_key)?;
            self.check_other_posts(&at, index)?;
        }
        self.prices()?;
        self.budgets()?;
        self.concurrency_limits()?;
        self.handlers()?;
        self.recurring()?;
        self.check_retries()?;
        self.check_deaths()?;
        self.backups.check()?;
        self.retention.check()
    }

    fn check_upscaling(&self) -> Result<(), InvalidShop> {
        let (scale_factor, target_dpi) = (self.upscaling.scale_factor, self.upscaling.target_dpi);
        let job = UpscaleImage::new(FileId::from_random(0), scale_factor, target_dpi);
        match job.check() {
            Err(InvalidPayload::Field { field, value, rule, .. }) => {
                Err(InvalidShop::at(Setting::of("upscaling").key(field), value, format!("it must be {rule}")))
            }
            _ => Ok(()),
        }
    }

    /// Checks that no earlier rule makes the same post of a file with another post type. The later post would never be
    /// published.
    fn check_other_posts(&self, at: &Setting, index: usize) -> Result<(), InvalidShop> {
        let (earlier, later) = self.post.split_at(index);
        let Some(rule) = later.first() else { return Ok(()) };
        let place = |rule: &PostRule| (rule.platform, self.account_of_post(rule).to_owned(), rule.post_key.clone());
        let other = earlier.iter().position(|other| {
            place(other) == place(rule)
                && other.post_type != rule.post_type
                && overlap(other.aspect_ratios.as_deref(), rule.aspect_ratios.as_deref())
                && overlap(other.species.as_deref(), rule.species.as_deref())
        });
        match other {
            Some(other) => Err(InvalidShop::at(
                at.clone().key("post_key"),
                format!("{:?}", rule.post_key),
                format!("a file is posted once for each key, and post #{} has it for another post_type", other + 1),
            )),
            None => Ok(()),
        }
    }

    fn check_accounts(&self) -> Result<(), InvalidShop> {
        let marketplaces = self.marketplaces.iter().map(|(at, names)| ("marketplaces", at.to_string(), names));
        let networks = self.networks.iter().map(|(at, names)| ("networks", at.to_string(), names));
        for (table, platform, names) in marketplaces.chain(networks) {
            for name in names {
                check_name(&Setting::of(table).key(&platform), name)?;
            }
            if names.len() > 1 && names.iter().any(|name| name.trim().is_empty()) {
                let rule = "of several accounts, each must have a name";
                return Err(InvalidShop::at(Setting::of(table).key(&platform), format!("{names:?}"), rule));
            }
        }
        Ok(())
    }
}

/// Returns whether a file can match both selections. `None` selects all files.
fn overlap<T: PartialEq>(a: Option<&[T]>, b: Option<&[T]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.iter().any(|one| b.contains(one)),
        _ => true,
    }
}

fn check_name(at: &Setting, name: &str) -> Result<(), InvalidShop> {
    if name.len() <= MAX_NAME && !name.contains(char::is_control) && name.trim() == name {
        return Ok(());
    }
    let rule = "a name must have at most 255 bytes, no control characters, and no blank at an end";
    Err(InvalidShop::at(at.clone(), format!("{name:?}"), rule))
}

fn check_selection(
    at: &Setting,
    shapes: Option<&[AspectRatio]>,
    species: Option<&[String]>,
) -> Result<(), InvalidShop> {
    for (key, is_empty) in
        [("aspect_ratios", shapes.is_some_and(<[_]>::is_empty)), ("species", species.is_some_and(<[_]>::is_empty))]
    {
        if is_empty {
            return Err(InvalidShop::at(
                at.clone().key(key),
                "[]",
                "the rule is for no file: leave it out for all files",
            ));
        }
    }
    match species.unwrap_or_default().iter().position(|name| name.trim().is_empty()) {
        Some(index) => Err(InvalidShop::at(at.clone().key("species").item(index), "blank", "no file has this species")),
        None => Ok(()),
    }
}

fn check_variants(at: &Setting, variants: &[String], shapes: Option<&[AspectRatio]>) -> Result<(), InvalidShop> {
    let at = at.clone().key("variants");
    if variants.is_empty() {
        return Err(InvalidShop::at(at, "[]", "the rule makes no product: leave it out for one without a variant"));
    }
    let mut seen = BTreeSet::new();
    for (index, variant) in variants.iter().enumerate() {
        check_name(&at.clone().item(index), variant)?;
        let refused = |rule: String| Err(InvalidShop::at(at.clone().item(index), format!("{variant:?}"), rule));
        if !seen.insert(variant) {
            return refused("it is there twice".to_owned());
        }
        if let (Some(its), Some(shapes)) = (AspectRatio::of_print_variant(variant), shapes)
            && !shapes.contains(&its)
        {
            let shapes: Vec<_> = shapes.iter().map(ToString::to_string).collect();
            return refused(format!("a print of this size is {its}, and the rule is for {} only", shapes.join(", ")));
        }
    }
    Ok(())
}
