//! Signatures over the body alone, as those of GitHub and Shopify.

use base64::Engine as _;

use super::{BASE64, InvalidKey, Keys, SignatureError, from_hex};

/// The encoding of the digest in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Two hex digits for each byte, lower or upper case.
    Hex,
    /// Base64 with the standard alphabet, padded or not.
    Base64,
}

/// The common scheme: HMAC-SHA256 of the body in one header.
///
/// ```
/// use fieldfen_services::webhooks::signature::HmacSha256;
///
/// // The example of GitHub's documentation.
/// let check = HmacSha256::github(["It's a Secret to Everybody"])?;
/// let header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
/// check.verify(b"Hello, World!", Some(header))?;
/// assert!(check.verify(b"Hello, World", Some(header)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct HmacSha256 {
    keys: Keys,
    encoding: Encoding,
    prefix: String,
}

impl HmacSha256 {
    /// A check of headers that consist of `prefix` and the digest in this encoding.
    ///
    /// # Errors
    /// [`InvalidKey`] if there is no key, or an empty one.
    pub fn new<K: AsRef<[u8]>>(
        keys: impl IntoIterator<Item = K>,
        encoding: Encoding,
        prefix: impl Into<String>,
    ) -> Result<Self, InvalidKey> {
        let keys = Keys::new(keys.into_iter().map(|key| key.as_ref().to_vec()).collect())?;
        Ok(Self { keys, encoding, prefix: prefix.into() })
    }

    /// GitHub's [`X-Hub-Signature-256`](https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries):
    /// `sha256=` and hex.
    ///
    /// # Errors
    /// As [`HmacSha256::new`].
    pub fn github<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Self, InvalidKey> {
        Self::new(keys, Encoding::Hex, "sha256=")
    }

    /// Shopify's [`X-Shopify-Hmac-Sha256`](https://shopify.dev/docs/apps/build/webhooks/subscribe/https): base64.
    ///
    /// # Errors
    /// As [`HmacSha256::new`].
    pub fn shopify<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Self, InvalidKey> {
        Self::new(keys, Encoding::Base64, "")
    }

    /// Checks a body against its header; `None` stands for a missing header.
    ///
    /// # Errors
    /// [`SignatureError`] if the header is missing or malformed, or its signature does not match the body.
    pub fn verify(&self, body: &[u8], header: Option<&str>) -> Result<(), SignatureError> {
        let header = header.ok_or(SignatureError::Missing { what: "signature" })?.trim();
        let malformed = |rule| SignatureError::Malformed { what: "signature", rule };
        let text = header
            .strip_prefix(self.prefix.as_str())
            .ok_or_else(|| malformed("it must begin with the prefix of its scheme"))?;
        let digest = match self.encoding {
            Encoding::Hex => from_hex(text).ok_or_else(|| malformed("it must be hex digits"))?,
            Encoding::Base64 => BASE64.decode(text).map_err(|_| malformed("it must be base64"))?,
        };
        if self.keys.match_any(&[body], &[digest]) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha2::Sha256;

    use super::*;

    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    #[test]
    fn hex_and_base64_digests_are_the_same_digest() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"key").unwrap();
        mac.update(BODY);
        let digest = mac.finalize().into_bytes();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let github = HmacSha256::github(["old key", "key"]).unwrap();
        assert_eq!(github.verify(BODY, Some(&format!("sha256={hex}"))), Ok(()));
        assert_eq!(github.verify(BODY, Some(&format!("sha256={}", hex.to_uppercase()))), Ok(()));
        let shopify = HmacSha256::shopify(["key"]).unwrap();
        let base64 = BASE64.encode(digest);
        assert_eq!(shopify.verify(BODY, Some(&base64)), Ok(()));
        assert_eq!(shopify.verify(BODY, Some(base64.trim_end_matches('='))), Ok(()));
        assert_eq!(shopify.verify(b"", Some(&base64)), Err(SignatureError::Mismatch));
        for broken in ["", "sha256=", &hex, "sha1=00", &format!("sha256={}", &hex[1..]), "sha256=zz", "sha256=é0"] {
            assert!(github.verify(BODY, Some(broken)).is_err(), "{broken}");
        }
        assert_eq!(github.verify(BODY, Some(&format!("sha256={}", &hex[2..]))), Err(SignatureError::Mismatch));
        assert_eq!(github.verify(BODY, None), Err(SignatureError::Missing { what: "signature" }));
    }
}
