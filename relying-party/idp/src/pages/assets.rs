//! Static files, compiled into the program, so it runs from anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file under `/static/`. Serve it with `X-Content-Type-Options: nosniff`, `Cache-Control: no-cache` and its [`Asset::etag`].
#[derive(Debug)]
pub struct Asset {
    /// The last segment of its path, in lower case.
    pub name: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its content.
    pub text: &'static str,
}

impl Asset {
    /// SHA-256 of the content in base64url.
    #[must_use]
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.text))
    }

    /// A strong entity tag.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.hash())
    }
}

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        Asset {
            name: $name,
            content_type: $kind,
            text: include_str!(concat!("../../../../web/idp/static/", $name)),
        }
    };
}

/// All of them.
pub const ASSETS: &[Asset] = &[
    asset!("id.css", CSS),
    asset!("admin.css", CSS),
    asset!("message.js", JS),
    asset!("page.js", JS),
    asset!("passkey.js", JS),
    asset!("passkey-new.js", JS),
    asset!("submit.js", JS),
    asset!("welcome.js", JS),
    asset!("logo.svg", SVG),
];

/// The file of this name.
#[must_use]
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_name_only() {
        let css = asset("id.css").unwrap();
        assert_eq!(css.content_type, CSS);
        assert_eq!(
            css.etag(),
            format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(css.text.as_bytes())))
        );
        for name in ["", "ID.css", "../templates/layout.html", "id.css/"] {
            assert!(asset(name).is_none(), "{name}");
        }
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_table_once() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/idp/static");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut names: Vec<&str> = ASSETS.iter().map(|asset| asset.name).collect();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn scripts_and_styles_load_nothing_from_elsewhere_and_write_no_html() {
        for asset in ASSETS {
            for banned in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "//cdn",
                "@import",
                "url(",
            ] {
                assert!(!asset.text.contains(banned), "{banned} in {}", asset.name);
            }
            assert!(!asset.text.replace("http://www.w3.org/2000/svg", "").contains("http"), "{}", asset.name);
        }
    }
}
