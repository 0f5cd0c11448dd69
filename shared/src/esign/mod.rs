//! E-signature: one interface over `DocuSign`, Dropbox Sign and `PandaDoc`.
//!
//! An adapter makes one step and says what came of it. It never waits, never repeats a call that may have had an
//! effect, keeps nothing, and never logs; it knows no store and no queue. Creating is idempotent at no provider, so
//! whoever may have created something looks it up by our own id before trying again.

mod docusign;
mod dropbox_sign;
pub(crate) mod error;
mod form;
mod line;
mod pandadoc;
pub(crate) mod webhook;

use std::time::Duration;

use bytes::Bytes;
use url::Url;

use crate::domain::contract::account::{Environment, OpenAccount};
use crate::domain::contract::request::{Template, TemplatePage};
use crate::domain::contract::{Contract, Observed, SendStep, Signer};
use crate::domain::grant::Secret;
use crate::domain::id::{SignatureRequestId, TemplateId};
use crate::domain::time::Timestamp;
use crate::http::Http;

pub(crate) use self::error::EsignError;
pub(crate) use self::error::Trouble;

use self::docusign::DocuSign;
use self::dropbox_sign::DropboxSign;
use self::pandadoc::PandaDoc;

/// What a step of sending needs besides the contract.
#[derive(Clone, Copy)]
pub(crate) struct Sending<'a> {
    pub(crate) now: Timestamp,
    /// The bytes of [`crate::domain::contract::Source::File`], for the step that creates.
    pub(crate) file: Option<&'a Bytes>,
    /// Where this contract's events are to go, at providers that are told with each contract.
    pub(crate) webhook: Option<&'a Url>,
}

/// What a step of sending came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It exists at the provider under this id, which is to be kept before anything else. Then the next step.
    Created { request: SignatureRequestId, next: SendStep, after: Duration },
    /// Done; this is next.
    Next { step: SendStep, after: Duration },
    /// Not yet: the same step again, later.
    Wait { after: Duration },
    /// Signers were asked, or somebody inside the provider's account has to agree first (see the detail).
    Sent { request: SignatureRequestId, observed: Observed },
    /// It can never be sent; the observation says so.
    Failed { observed: Observed },
}

/// Something of ours at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) request: SignatureRequestId,
    /// What sending must do next; nothing if signers were asked.
    pub(crate) next: Option<SendStep>,
}

/// The signed file, if it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignedPdf {
    Ready(Bytes),
    /// The provider still makes it.
    NotReady {
        after: Duration,
    },
}

/// What asking for an end came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// It is over, and was ended by us or by somebody of the sender's side.
    Cancelled,
    /// The provider will do it and say so; look again after this time.
    Queued { check_after: Duration },
    /// It had ended otherwise before, or it is on its way to: this is the truth.
    TooLate(Observed),
}

/// What asking for a reminder came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reminded {
    /// A mail goes out, to this signer or at `DocuSign` to everybody whose turn it is.
    Sent,
    /// Not now: reminded too lately, not their turn, or done already.
    NotNow,
}

/// A provider's access token. It is shared by all workers through the store and is not worth more than its hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) access: Secret,
    pub(crate) until: Timestamp,
    /// The account and where it lives, as discovered with this token.
    pub(crate) account: String,
    pub(crate) base: Url,
}

impl Token {
    /// True if it must be replaced before it is used: some minutes before its end.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        now + Duration::from_mins(5) >= self.until
    }
}

/// A provider that sends contracts, follows and ends them. Every method makes the calls of one step.
pub(crate) trait Esign {
    /// Makes one step of sending. A `Create` is never repeated without [`Esign::find_by_own_id`] after an answer
    /// that did not come; all other steps may be.
    async fn send_step(
        &self,
        contract: &Contract,
        step: SendStep,
        sending: &Sending<'_>,
    ) -> Result<Step, EsignError>;

    /// Finds what an earlier attempt may have created.
    async fn find_by_own_id(&self, contract: &Contract) -> Result<Option<Found>, EsignError>;

    /// Reads it as it is now. What is not there any more is an observation too.
    async fn status(&self, request: &SignatureRequestId, now: Timestamp) -> Result<Observed, EsignError>;

    /// Fetches the signed file of a completed contract.
    async fn signed_file(&self, request: &SignatureRequestId) -> Result<SignedPdf, EsignError>;

    /// Ends it. Saying it again changes nothing.
    async fn cancel(
        &self,
        request: &SignatureRequestId,
        reason: &str,
        now: Timestamp,
    ) -> Result<Cancel, EsignError>;

    /// Reminds a signer whose turn it is.
    async fn remind(&self, request: &SignatureRequestId, signer: &Signer) -> Result<Reminded, EsignError>;

    /// Lists templates, a hundred a page; the first page where no place is given.
    async fn templates(&self, from: Option<u32>) -> Result<TemplatePage, EsignError>;

    /// One template with its roles and fields.
    async fn template(&self, template: &TemplateId) -> Result<Template, EsignError>;
}

/// Where the providers are.
#[derive(Clone, Debug)]
pub(crate) struct EsignUrls {
    /// `DocuSign`'s OAuth hosts; its API is discovered.
    pub(crate) docusign_sandbox: Url,
    pub(crate) docusign_production: Url,
    pub(crate) dropbox_sign: Url,
    pub(crate) pandadoc: Url,
}

/// A provider with an account.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is not kept")]
pub(crate) enum Provider {
    DocuSign(DocuSign),
    DropboxSign(DropboxSign),
    PandaDoc(PandaDoc),
}

impl Provider {
    /// The provider of an account, with the token that is known. Only `DocuSign` has one.
    pub(crate) fn new(http: &Http, urls: &EsignUrls, account: OpenAccount, token: Option<Token>) -> Self {
        let http = http.clone();
        match account {
            OpenAccount::DocuSign(account) => {
                let oauth = match account.environment {
                    Environment::Sandbox => urls.docusign_sandbox.clone(),
                    Environment::Production => urls.docusign_production.clone(),
                };
                Self::DocuSign(DocuSign { http, oauth, account, token })
            }
            OpenAccount::DropboxSign(account) => {
                Self::DropboxSign(DropboxSign { http, base: urls.dropbox_sign.clone(), account })
            }
            OpenAccount::PandaDoc(account) => {
                Self::PandaDoc(PandaDoc { http, base: urls.pandadoc.clone(), account })
            }
        }
    }

    /// True if [`Provider::log_in`] must come before any other call.
    pub(crate) fn needs_token(&self, now: Timestamp) -> bool {
        match self {
            Self::DocuSign(it) => it.token.as_ref().is_none_or(|token| token.is_due(now)),
            Self::DropboxSign(_) | Self::PandaDoc(_) => false,
        }
    }

    /// Gets a token and discovers the account; nothing where keys are enough. One worker does this for all.
    pub(crate) async fn log_in(&self, now: Timestamp) -> Result<Option<Token>, EsignError> {
        match self {
            Self::DocuSign(it) => it.log_in(now).await.map(Some),
            Self::DropboxSign(_) | Self::PandaDoc(_) => Ok(None),
        }
    }

    /// The same provider with a newer token.
    pub(crate) fn with(self, token: Token) -> Self {
        match self {
            Self::DocuSign(it) => Self::DocuSign(DocuSign { token: Some(token), ..it }),
            other @ (Self::DropboxSign(_) | Self::PandaDoc(_)) => other,
        }
    }
}

/// What is wrong with an account before anybody is asked, for the person who enters it. Never repeats a secret.
pub(crate) fn fault_of(account: &OpenAccount) -> Option<&'static str> {
    // What no header can carry was pasted with something around it.
    let sendable = |secret: &Secret| {
        let text = secret.expose();
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match account {
        OpenAccount::DocuSign(it) => {
            let account = it.account_id.as_deref();
            let ids = [it.integration_key.as_str(), &it.user_id].into_iter().chain(account);
            if !ids.into_iter().all(|id| uuid::Uuid::try_parse(id).is_ok()) {
                return Some("Integration key, user id and account id of DocuSign are GUIDs.");
            }
            if !docusign::is_private_key(&it.private_key) {
                return Some("DocuSign needs an RSA private key of 2048 bits or more, as PEM.");
            }
            let fine = !it.hmac_keys.is_empty() && it.hmac_keys.iter().all(sendable);
            (!fine).then_some("DocuSign needs the HMAC keys of its Connect settings.")
        }
        OpenAccount::DropboxSign(it) => {
            let fine = (1..=2).contains(&it.api_keys.len()) && it.api_keys.iter().all(sendable);
            (!fine)
                .then_some("Dropbox Sign needs its primary API key, and during a rotation the old one too.")
        }
        OpenAccount::PandaDoc(it) => {
            let fine = sendable(&it.api_key) && it.webhook_keys.iter().all(sendable);
            (!fine).then_some("PandaDoc needs an API key, and webhook keys without spaces.")
        }
    }
}

macro_rules! dispatch {
    ($self:ident, $it:ident => $call:expr) => {
        match $self {
            Self::DocuSign($it) => $call.await,
            Self::DropboxSign($it) => $call.await,
            Self::PandaDoc($it) => $call.await,
        }
    };
}

impl Esign for Provider {
    async fn send_step(
        &self,
        contract: &Contract,
        step: SendStep,
        sending: &Sending<'_>,
    ) -> Result<Step, EsignError> {
        dispatch!(self, it => it.send_step(contract, step, sending))
    }

    async fn find_by_own_id(&self, contract: &Contract) -> Result<Option<Found>, EsignError> {
        dispatch!(self, it => it.find_by_own_id(contract))
    }

    async fn status(&self, request: &SignatureRequestId, now: Timestamp) -> Result<Observed, EsignError> {
        dispatch!(self, it => it.status(request, now))
    }

    async fn signed_file(&self, request: &SignatureRequestId) -> Result<SignedPdf, EsignError> {
        dispatch!(self, it => it.signed_file(request))
    }

    async fn cancel(
        &self,
        request: &SignatureRequestId,
        reason: &str,
        now: Timestamp,
    ) -> Result<Cancel, EsignError> {
        dispatch!(self, it => it.cancel(request, reason, now))
    }

    async fn remind(&self, request: &SignatureRequestId, signer: &Signer) -> Result<Reminded, EsignError> {
        dispatch!(self, it => it.remind(request, signer))
    }

    async fn templates(&self, from: Option<u32>) -> Result<TemplatePage, EsignError> {
        dispatch!(self, it => it.templates(from))
    }

    async fn template(&self, template: &TemplateId) -> Result<Template, EsignError> {
        dispatch!(self, it => it.template(template))
    }
}

#[cfg(test)]
mod tests;
