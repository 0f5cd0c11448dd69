//! Where the e-signature providers are. Their keys are not here: each workspace brings its own.

use url::Url;

use super::Vars;

/// The providers' addresses; each workspace chooses between a provider's playground and the real thing.
#[derive(Clone, Debug)]
pub struct EsignConfig {
    /// `DocuSign`'s OAuth hosts; where its API lives is discovered with each account.
    pub docusign_sandbox_url: Url,
    pub docusign_url: Url,
    pub dropbox_sign_url: Url,
    pub pandadoc_url: Url,
}

impl EsignConfig {
    pub(super) fn from(vars: &mut Vars<'_>) -> Self {
        Self {
            docusign_sandbox_url: vars.url("DOCUSIGN_SANDBOX_URL", Some("https://account-d.docusign.com")),
            docusign_url: vars.url("DOCUSIGN_URL", Some("https://account.docusign.com")),
            dropbox_sign_url: vars.url("DROPBOX_SIGN_URL", Some("https://api.hellosign.com")),
            pandadoc_url: vars.url("PANDADOC_URL", Some("https://api.pandadoc.com")),
        }
    }
}
