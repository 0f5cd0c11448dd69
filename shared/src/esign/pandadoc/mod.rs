//! `PandaDoc`'s public API. A document takes some seconds to become a draft, and only drafts can be configured and
//! sent, so sending is a chain of steps. None of them waits.

mod create;
mod outcome;
mod steps;
pub(super) mod webhook;
mod wire;

use std::time::Duration;

use http::Method;
use serde_json::json;
use url::Url;

use super::error::{EsignError, Trouble};
use super::line::{Ask, at_most, below, read, with_query};
use super::{Cancel, Esign, Found, Reminded, Sending, SignedPdf, Step};
use crate::domain::contract::account::{Environment, PandaDocAccount};
use crate::domain::contract::request::{OWN_KEY, Template, TemplatePage};
use crate::domain::contract::{Contract, Observed, Overall, SendStep, Signer};
use crate::domain::grant::Secret;
use crate::domain::id::{SignatureRequestId, TemplateId};
use crate::domain::time::Timestamp;
use crate::http::{Answer, Http};

/// An account at `PandaDoc`.
#[derive(Clone, Debug)]
pub(crate) struct PandaDoc {
    pub(super) http: Http,
    /// `https://api.pandadoc.com`
    pub(super) base: Url,
    pub(super) account: PandaDocAccount<Secret>,
}

/// Rows of a page.
const PAGE: usize = 100;
/// The longest note that goes with an end.
const LONGEST_NOTE: usize = 500;
/// `document.voided`, by its number.
const VOIDED: u8 = 11;

impl PandaDoc {
    fn url(&self, path: &[&str]) -> Url {
        below(&below(&self.base, &["public", "v1"]), path)
    }

    fn of_document(&self, request: &SignatureRequestId, verb: Option<&str>) -> Url {
        let path: Vec<&str> = ["documents", request.as_str()].into_iter().chain(verb).collect();
        self.url(&path)
    }

    async fn raw(&self, ask: Ask) -> Result<Answer, EsignError> {
        let authorization = format!("API-Key {}", self.account.api_key.expose());
        ask.send(&self.http, Some(authorization)).await
    }

    async fn call(&self, ask: Ask) -> Result<Answer, EsignError> {
        let answer = self.raw(ask).await?;
        outcome::outcome(&answer)?;
        Ok(answer)
    }

    /// The document with its recipients. While it is being made, the refusal says so itself.
    async fn document(&self, request: &SignatureRequestId) -> Result<wire::Document, EsignError> {
        let answer = self.raw(Ask::get(self.of_document(request, Some("details")))).await?;
        if answer.status == 409
            && let Ok(document) = serde_json::from_slice::<wire::Document>(&answer.body)
            && document.status.is_some()
        {
            return Ok(document);
        }
        outcome::outcome(&answer)?;
        read(&answer)
    }

    /// Ends it where the state allows that. An end that came another way before is the truth.
    async fn cancel_once(
        &self,
        request: &SignatureRequestId,
        reason: &str,
        now: Timestamp,
    ) -> Result<Cancel, EsignError> {
        let document = self.document(request).await?;
        match document.status.as_deref().unwrap_or_default() {
            "document.sent" | "document.viewed" | "document.external_review" => {
                let note = (!reason.trim().is_empty()).then(|| at_most(reason, LONGEST_NOTE));
                let body = json!({"status": VOIDED, "note": note, "notify_recipients": true});
                self.call(Ask::json(Method::PATCH, self.of_document(request, Some("status")), body)).await?;
                Ok(Cancel::Cancelled)
            }
            "document.voided" if document.ended_by_time() => {
                let at = document.expires_at();
                Ok(Cancel::TooLate(Observed::overall(now, Overall::Expired { at })))
            }
            "document.voided" => Ok(Cancel::Cancelled),
            // Everybody signed; only the money is missing.
            "document.declined" | "document.completed" | "document.paid" | "document.waiting_pay" => {
                Ok(Cancel::TooLate(document.observed(now)))
            }
            // Drafts in all their shapes. They were never sent, so they are removed.
            _ => {
                self.call(Ask::new(Method::DELETE, self.of_document(request, None))).await?;
                Ok(Cancel::Cancelled)
            }
        }
    }

    async fn recipient(
        &self,
        request: &SignatureRequestId,
        signer: &Signer,
    ) -> Result<Option<String>, EsignError> {
        if let Some(id) = signer.id() {
            return Ok(Some(id.to_owned()));
        }
        Ok(self.document(request).await?.recipient_id(&signer.email))
    }
}

impl Esign for PandaDoc {
    async fn send_step(
        &self,
        contract: &Contract,
        step: SendStep,
        sending: &Sending<'_>,
    ) -> Result<Step, EsignError> {
        if step == SendStep::Create {
            return self.create(contract, sending).await;
        }
        let Some(request) = contract.request.clone() else {
            return Err(EsignError::because(Trouble::Rejected, "no_document"));
        };
        match step {
            SendStep::Create | SendStep::AwaitDraft => self.await_draft(contract, request, sending.now).await,
            SendStep::Configure => self.configure(contract, &request).await,
            SendStep::Remind => self.schedule_reminders(contract, &request).await,
            SendStep::Send => self.send(contract, request, sending.now).await,
        }
    }

    async fn find_by_own_id(&self, contract: &Contract) -> Result<Option<Found>, EsignError> {
        let key = format!("metadata_{OWN_KEY}");
        let query = [(key.as_str(), contract.id.as_str()), ("count", "10")];
        let url = with_query(self.url(&["documents"]), &query);
        let list: wire::Documents = read(&self.call(Ask::get(url)).await?)?;
        Ok(list.results.into_iter().next().map(|found| {
            let next = match found.status.as_deref().unwrap_or_default() {
                // A draft may lack its settings; setting them again changes nothing.
                "document.uploaded" | "document.draft" | "document.error" => Some(SendStep::AwaitDraft),
                "document.approved" => Some(SendStep::Send),
                _ => None,
            };
            Found { request: found.id, next }
        }))
    }

    async fn status(&self, request: &SignatureRequestId, now: Timestamp) -> Result<Observed, EsignError> {
        match self.document(request).await {
            Ok(document) => Ok(document.observed(now)),
            Err(error) if error.trouble == Trouble::NotFound => Ok(Observed::overall(now, Overall::Gone)),
            Err(error) => Err(error),
        }
    }

    async fn signed_file(&self, request: &SignatureRequestId) -> Result<SignedPdf, EsignError> {
        // A sandbox key may not have the sealed file.
        let verb = match self.account.environment {
            Environment::Sandbox => "download",
            Environment::Production => "download-protected",
        };
        let ask = Ask { file: true, ..Ask::get(self.of_document(request, Some(verb))) };
        match self.call(ask).await {
            Ok(answer) => Ok(SignedPdf::Ready(answer.body)),
            Err(EsignError { trouble: Trouble::NotReady { after }, .. }) => Ok(SignedPdf::NotReady { after }),
            Err(error) => Err(error),
        }
    }

    async fn cancel(
        &self,
        request: &SignatureRequestId,
        reason: &str,
        now: Timestamp,
    ) -> Result<Cancel, EsignError> {
        let mut cancelled = self.cancel_once(request, reason, now).await;
        // Somebody moved it between the look and the call: look once more.
        if matches!(&cancelled, Err(error) if error.status == Some(409)) {
            cancelled = self.cancel_once(request, reason, now).await;
        }
        match cancelled {
            Err(error) if error.trouble == Trouble::NotFound => Ok(Cancel::Cancelled),
            other => other,
        }
    }

    async fn remind(&self, request: &SignatureRequestId, signer: &Signer) -> Result<Reminded, EsignError> {
        let Some(recipient) = self.recipient(request, signer).await? else { return Ok(Reminded::NotNow) };
        let delivery = json!({"email": true, "sms": false});
        let body = json!({"reminders": [{"recipient_id": recipient, "delivery_methods": delivery}]});
        let url = self.of_document(request, Some("send-reminder"));
        let answer = match self.call(Ask::json(Method::POST, url, body)).await {
            Err(error) if error.status == Some(409) => return Ok(Reminded::NotNow),
            answer => answer?,
        };
        // Refusals are told for each recipient inside a success.
        let told: wire::Reminded = read(&answer)?;
        Ok(if told.is_sent() { Reminded::Sent } else { Reminded::NotNow })
    }

    async fn templates(&self, from: Option<u32>) -> Result<TemplatePage, EsignError> {
        let page = from.unwrap_or(1);
        let (count, number) = (PAGE.to_string(), page.to_string());
        let query = [("count", count.as_str()), ("page", number.as_str())];
        let url = with_query(self.url(&["templates"]), &query);
        let list: wire::Templates = read(&self.call(Ask::get(url)).await?)?;
        // There is no total: a full page may be followed by an empty one.
        let next = (list.results.len() >= PAGE).then_some(page + 1);
        Ok(TemplatePage {
            templates: list.results.into_iter().map(wire::Template::into_ours).collect(),
            next,
        })
    }

    async fn template(&self, template: &TemplateId) -> Result<Template, EsignError> {
        let url = self.url(&["templates", template.as_str(), "details"]);
        let found: wire::TemplateDetails = read(&self.call(Ask::get(url)).await?)?;
        Ok(found.into_ours())
    }
}

/// The wait for a draft, which takes three to five seconds.
const DRAFT_TIME: Duration = Duration::from_secs(4);
