//! `DocuSign` eSignature REST v2.1. One call sends; every scalar on its wire is text.
//!
//! It never reads an envelope unless it is told to: more than one read in 15 minutes is refused.

mod create;
mod login;
mod outcome;
pub(super) mod webhook;
mod wire;

pub(super) use self::login::is_private_key;

use http::Method;
use serde_json::json;
use url::Url;

use super::error::{EsignError, Trouble};
use super::line::{Ask, at_most, below, read, with_query};
use super::{Cancel, Esign, Found, Reminded, Sending, SignedPdf, Step, Token};
use crate::domain::contract::account::DocuSignAccount;
use crate::domain::contract::request::{OWN_KEY, Template, TemplatePage};
use crate::domain::contract::{Contract, Observed, Overall, SendStep, Signer};
use crate::domain::grant::Secret;
use crate::domain::id::{SignatureRequestId, TemplateId};
use crate::domain::time::Timestamp;
use crate::http::{Answer, Http};

/// An account at `DocuSign`.
#[derive(Clone, Debug)]
pub(crate) struct DocuSign {
    pub(super) http: Http,
    /// `https://account.docusign.com`, or the one of the demo environment.
    pub(super) oauth: Url,
    pub(super) account: DocuSignAccount<Secret>,
    pub(super) token: Option<Token>,
}

/// Templates of a page.
const PAGE: u32 = 100;
/// The longest reason that a void takes.
const LONGEST_REASON: usize = 200;
/// How long an envelope's status may take to follow, as far as lists go: a create begun earlier is looked for
/// from this long before.
const BEFORE: std::time::Duration = std::time::Duration::from_hours(24);

impl DocuSign {
    fn token(&self) -> Result<&Token, EsignError> {
        self.token.as_ref().ok_or_else(|| EsignError::new(Trouble::LoggedOut))
    }

    /// An address below the account.
    fn url(&self, path: &[&str]) -> Result<Url, EsignError> {
        let token = self.token()?;
        let account = below(&token.base, &["restapi", "v2.1", "accounts", &token.account]);
        Ok(below(&account, path))
    }

    async fn call(&self, ask: Ask) -> Result<Answer, EsignError> {
        let authorization = format!("Bearer {}", self.token()?.access.expose());
        let answer = ask.send(&self.http, Some(authorization)).await?;
        outcome::outcome(&answer)?;
        Ok(answer)
    }

    async fn envelope(&self, request: &SignatureRequestId) -> Result<wire::Envelope, EsignError> {
        let url = self.url(&["envelopes", request.as_str()])?;
        let url = with_query(url, &[("include", "recipients,custom_fields")]);
        read(&self.call(Ask::get(url)).await?)
    }

    async fn create(&self, contract: &Contract, sending: &Sending<'_>) -> Result<Step, EsignError> {
        let body = create::body(contract, sending)?;
        let answer = self.call(Ask::json(Method::POST, self.url(&["envelopes"])?, body)).await?;
        let made: wire::Made = read(&answer)?;
        let at = made.status_date_time.as_deref().and_then(wire::time).unwrap_or(sending.now);
        Ok(Step::Sent { request: made.envelope_id, observed: Observed::overall(at, Overall::Sent) })
    }

    /// A draft that somebody of ours left: it only wants to be sent.
    async fn send_draft(&self, contract: &Contract, now: Timestamp) -> Result<Step, EsignError> {
        let Some(request) = contract.request.clone() else {
            return Err(EsignError::because(Trouble::Rejected, "no_envelope"));
        };
        let url = self.url(&["envelopes", request.as_str()])?;
        self.call(Ask::json(Method::PUT, url, json!({"status": "sent"}))).await?;
        Ok(Step::Sent { request, observed: Observed::overall(now, Overall::Sent) })
    }

    /// By our own id as it is remembered for seven days.
    async fn find_lately(&self, contract: &Contract) -> Result<Option<Found>, EsignError> {
        let url = with_query(self.url(&["envelopes"])?, &[("transaction_ids", contract.id.as_str())]);
        let list: wire::Envelopes = read(&self.call(Ask::get(url)).await?)?;
        let mut all = list.envelope_transaction_statuses.into_iter().flatten();
        Ok(all.find(|it| it.transaction_id.as_deref() == Some(contract.id.as_str())).and_then(found))
    }

    /// By the field that carries our id, for ever.
    async fn find_by_field(&self, contract: &Contract) -> Result<Option<Found>, EsignError> {
        let from = (contract.requested_at - BEFORE).to_string();
        let field = format!("{OWN_KEY}={}", contract.id);
        let query = [("from_date", from.as_str()), ("custom_field", field.as_str()), ("count", "10")];
        let url = with_query(self.url(&["envelopes"])?, &query);
        let list: wire::Envelopes = read(&self.call(Ask::get(url)).await?)?;
        Ok(list.envelopes.into_iter().flatten().find_map(found))
    }
}

fn found(envelope: wire::Listed) -> Option<Found> {
    let draft = envelope.status.as_deref() == Some("created");
    Some(Found { request: envelope.envelope_id?, next: draft.then_some(SendStep::Send) })
}

impl Esign for DocuSign {
    async fn send_step(
        &self,
        contract: &Contract,
        step: SendStep,
        sending: &Sending<'_>,
    ) -> Result<Step, EsignError> {
        match step {
            SendStep::Create => self.create(contract, sending).await,
            // Everything travels with the call that creates.
            SendStep::AwaitDraft | SendStep::Configure | SendStep::Remind | SendStep::Send => {
                self.send_draft(contract, sending.now).await
            }
        }
    }

    async fn find_by_own_id(&self, contract: &Contract) -> Result<Option<Found>, EsignError> {
        match self.find_lately(contract).await? {
            Some(found) => Ok(Some(found)),
            None => self.find_by_field(contract).await,
        }
    }

    async fn status(&self, request: &SignatureRequestId, now: Timestamp) -> Result<Observed, EsignError> {
        match self.envelope(request).await {
            Ok(envelope) => Ok(envelope.observed(now)),
            Err(error) if error.trouble == Trouble::NotFound => Ok(Observed::overall(now, Overall::Gone)),
            Err(error) => Err(error),
        }
    }

    async fn signed_file(&self, request: &SignatureRequestId) -> Result<SignedPdf, EsignError> {
        let url = self.url(&["envelopes", request.as_str(), "documents", "combined"])?;
        let answer = self.call(Ask { file: true, ..Ask::get(url) }).await?;
        Ok(SignedPdf::Ready(answer.body))
    }

    async fn cancel(
        &self,
        request: &SignatureRequestId,
        reason: &str,
        now: Timestamp,
    ) -> Result<Cancel, EsignError> {
        let reason = if reason.trim().is_empty() { "Cancelled by the sender." } else { reason };
        let body = json!({"status": "voided", "voidedReason": at_most(reason, LONGEST_REASON)});
        let url = self.url(&["envelopes", request.as_str()])?;
        match self.call(Ask::json(Method::PUT, url, body)).await {
            Ok(_) => Ok(Cancel::Cancelled),
            Err(error) if error.code.as_deref() == Some("ENVELOPE_CANNOT_VOID_INVALID_STATE") => {
                let observed = self.envelope(request).await?.observed(now);
                Ok(match &observed.overall {
                    Some(Overall::Voided { .. }) => Cancel::Cancelled,
                    _ => Cancel::TooLate(observed),
                })
            }
            Err(error) if error.trouble == Trouble::NotFound => Ok(Cancel::Cancelled),
            Err(error) => Err(error),
        }
    }

    async fn remind(&self, request: &SignatureRequestId, _: &Signer) -> Result<Reminded, EsignError> {
        let url = with_query(self.url(&["envelopes", request.as_str()])?, &[("resend_envelope", "true")]);
        self.call(Ask::json(Method::PUT, url, json!({}))).await?;
        Ok(Reminded::Sent)
    }

    async fn templates(&self, from: Option<u32>) -> Result<TemplatePage, EsignError> {
        let start = from.unwrap_or(0);
        let (count, from) = (PAGE.to_string(), start.to_string());
        let query = [
            ("count", count.as_str()),
            ("start_position", &from),
            ("order_by", "name"),
            ("include", "recipients"),
        ];
        let url = with_query(self.url(&["templates"])?, &query);
        let page: wire::Templates = read(&self.call(Ask::get(url)).await?)?;
        let total: u32 = page.total_set_size.as_deref().and_then(|it| it.parse().ok()).unwrap_or(0);
        let next = Some(start + PAGE).filter(|next| *next < total);
        let templates = page.envelope_templates.into_iter().flatten().filter_map(wire::Template::into_ours);
        Ok(TemplatePage { templates: templates.collect(), next })
    }

    async fn template(&self, template: &TemplateId) -> Result<Template, EsignError> {
        let url = self.url(&["templates", template.as_str()])?;
        let url = with_query(url, &[("include", "recipients,tabs")]);
        let found: wire::Template = read(&self.call(Ask::get(url)).await?)?;
        found.into_ours().ok_or_else(|| EsignError::because(Trouble::Unavailable, "unreadable"))
    }
}
