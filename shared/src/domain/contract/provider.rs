//! The e-signature providers, by name, and what they do by themselves.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The providers we speak to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    #[serde(rename = "docusign")]
    DocuSign,
    DropboxSign,
    #[serde(rename = "pandadoc")]
    PandaDoc,
}

impl ProviderName {
    /// All three.
    pub const ALL: [Self; 3] = [Self::DocuSign, Self::DropboxSign, Self::PandaDoc];

    /// The word in settings, paths and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DocuSign => "docusign",
            Self::DropboxSign => "dropbox_sign",
            Self::PandaDoc => "pandadoc",
        }
    }

    /// The name for people, as the provider spells it.
    pub fn label(self) -> &'static str {
        match self {
            Self::DocuSign => "DocuSign",
            Self::DropboxSign => "Dropbox Sign",
            Self::PandaDoc => "PandaDoc",
        }
    }

    /// The least time between two reads of one contract. `DocuSign` allows one in 15 minutes; the others count
    /// calls of the account.
    pub fn read_at_most_every(self) -> Duration {
        match self {
            Self::DocuSign => Duration::from_mins(15),
            Self::DropboxSign | Self::PandaDoc => Duration::from_mins(1),
        }
    }

    /// True if the provider reminds signers by itself. Where it does not, we ask it to, signer by signer.
    pub fn reminds_by_itself(self) -> bool {
        match self {
            Self::DocuSign | Self::PandaDoc => true,
            Self::DropboxSign => false,
        }
    }
}

/// A provider we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-signature provider")]
pub struct UnknownProvider;

impl std::str::FromStr for ProviderName {
    type Err = UnknownProvider;
    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or(UnknownProvider)
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a provider accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub title: usize,
    pub subject: usize,
    pub message: usize,
    /// A signer's name and address.
    pub person: usize,
    pub metadata_keys: usize,
    pub metadata_key: usize,
    pub metadata_value: usize,
    pub file_bytes: u64,
    /// Days from sending.
    pub expiry: (u16, u16),
    pub signers: usize,
}

const MB: u64 = 1024 * 1024;

/// What a provider accepts, by its description and guides. One metadata key is ours.
pub fn limits(provider: ProviderName) -> Limits {
    match provider {
        // The title travels as the file's name or not at all; 25 MB a file.
        ProviderName::DocuSign => Limits {
            title: 100,
            subject: 100,
            message: 10_000,
            person: 100,
            metadata_keys: 20,
            metadata_key: 50,
            metadata_value: 100,
            file_bytes: 25 * MB,
            expiry: (1, 999),
            signers: 50,
        },
        ProviderName::DropboxSign => Limits {
            title: 255,
            subject: 255,
            message: 5_000,
            person: 250,
            metadata_keys: 9,
            metadata_key: 40,
            metadata_value: 1_000,
            file_bytes: 25 * MB,
            expiry: (1, 90),
            signers: 50,
        },
        ProviderName::PandaDoc => Limits {
            title: 255,
            subject: 255,
            message: 10_000,
            person: 250,
            metadata_keys: 20,
            metadata_key: 40,
            metadata_value: 1_000,
            file_bytes: 25 * MB,
            expiry: (1, 999),
            signers: 50,
        },
    }
}
