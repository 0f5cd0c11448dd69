//! Dropbox Sign v3. A request is made by one call and sent a little later; an end that we ask for comes later too.
//! There is no word for the whole: it is derived from flags and signatures.

mod create;
mod outcome;
pub(super) mod webhook;
mod wire;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;
use url::Url;

use super::error::{EsignError, Trouble};
use super::line::{Ask, below, read, with_query};
use super::{Cancel, Esign, Found, Reminded, Sending, SignedPdf, Step};
use crate::domain::contract::account::DropboxSignAccount;
use crate::domain::contract::request::{Template, TemplatePage};
use crate::domain::contract::{Contract, Observed, Overall, SendStep, Signer, Source};
use crate::domain::grant::Secret;
use crate::domain::id::{SignatureRequestId, TemplateId};
use crate::domain::time::Timestamp;
use crate::http::{Answer, Http};

/// An account at Dropbox Sign.
#[derive(Clone, Debug)]
pub(crate) struct DropboxSign {
    pub(super) http: Http,
    /// `https://api.hellosign.com`
    pub(super) base: Url,
    pub(super) account: DropboxSignAccount<Secret>,
}

/// Rows of a page, the most there can be.
const PAGE: &str = "100";
/// The most pages that are looked through for a request of ours.
const MOST_PAGES: u32 = 20;
/// Clocks may differ by so much: a request made by a lost call is looked for from so long before it.
const SKEW: Duration = Duration::from_hours(1);
/// An end that was not confirmed after this time is asked for again.
const CANCEL_TIME: Duration = Duration::from_hours(1);

impl DropboxSign {
    fn url(&self, path: &[&str]) -> Url {
        below(&below(&self.base, &["v3"]), path)
    }

    fn of_request(&self, verb: Option<&str>, request: &SignatureRequestId) -> Url {
        let path: Vec<&str> =
            ["signature_request"].into_iter().chain(verb).chain([request.as_str()]).collect();
        self.url(&path)
    }

    async fn call(&self, ask: Ask) -> Result<Answer, EsignError> {
        let key = self.account.api_keys.first();
        let key = key.ok_or_else(|| EsignError::because(Trouble::Misconfigured, "no_api_key"))?;
        // The key is the user; the password is empty, and the colon is part of it.
        let authorization = format!("Basic {}", STANDARD.encode(format!("{}:", key.expose())));
        let answer = ask.send(&self.http, Some(authorization)).await?;
        outcome::outcome(&answer)?;
        Ok(answer)
    }

    async fn request(&self, request: &SignatureRequestId) -> Result<wire::SignatureRequest, EsignError> {
        let answer = self.call(Ask::get(self.of_request(None, request))).await?;
        Ok(read::<wire::One>(&answer)?.signature_request)
    }

    async fn create(&self, contract: &Contract, sending: &Sending<'_>) -> Result<Step, EsignError> {
        let expires_at = create::expires_at(contract, sending.now);
        match self.try_create(contract, sending, expires_at).await {
            // `expires_at` is young on this call. Nothing was made; it can be set once there is something.
            Err(error) if expires_at.is_some() && outcome::is_about_expiry(&error) => {
                let made = self.try_create(contract, sending, None).await?;
                let request = made.signature_request_id;
                Ok(Step::Created { request, next: SendStep::Configure, after: Duration::from_secs(1) })
            }
            Err(error) => Err(error),
            Ok(made) => {
                let observed = made.observed(sending.now);
                Ok(Step::Sent { request: made.signature_request_id, observed })
            }
        }
    }

    async fn try_create(
        &self,
        contract: &Contract,
        sending: &Sending<'_>,
        expires_at: Option<i64>,
    ) -> Result<wire::SignatureRequest, EsignError> {
        let ask = match &contract.source {
            Source::Template { template } => {
                let url = self.url(&["signature_request", "send_with_template"]);
                Ask::json(Method::POST, url, create::from_template(self, contract, template, expires_at))
            }
            Source::File(file) => {
                let bytes = sending.file.ok_or_else(|| EsignError::because(Trouble::Rejected, "no_file"))?;
                let body = create::from_file(self, contract, (&file.name, bytes), expires_at);
                Ask { body, ..Ask::new(Method::POST, self.url(&["signature_request", "send"])) }
            }
        };
        Ok(read::<wire::One>(&self.call(ask).await?)?.signature_request)
    }

    /// Sets the end of a request that could not be made with one.
    async fn configure(&self, contract: &Contract, now: Timestamp) -> Result<Step, EsignError> {
        let Some(request) = contract.request.clone() else {
            return Err(EsignError::because(Trouble::Rejected, "no_request"));
        };
        let mut seen = self.request(&request).await?;
        let open = seen.signatures.iter().find_map(|it| it.open_id());
        if let (Some(at), Some(signature), None) = (create::expires_at(contract, now), open, seen.expires_at)
        {
            let body = json!({"signature_id": signature, "expires_at": at});
            let ask = Ask::json(Method::POST, self.of_request(Some("update"), &request), body);
            seen = read::<wire::One>(&self.call(ask).await?)?.signature_request;
        }
        Ok(Step::Sent { request, observed: seen.observed(now) })
    }

    /// After an end was refused: what is true, if it is over; otherwise it is not yet far enough to be ended.
    async fn after_refusal(
        &self,
        request: &SignatureRequestId,
        now: Timestamp,
        error: EsignError,
    ) -> Result<Cancel, EsignError> {
        match self.status(request, now).await?.overall {
            Some(Overall::Gone) => Ok(Cancel::Cancelled),
            Some(
                overall @ (Overall::Completed { .. }
                | Overall::Declined { .. }
                | Overall::Expired { .. }
                | Overall::Failed),
            ) => Ok(Cancel::TooLate(Observed::overall(now, overall))),
            _ => Err(EsignError { trouble: Trouble::NotReady { after: Duration::from_mins(1) }, ..error }),
        }
    }
}

impl Esign for DropboxSign {
    async fn send_step(
        &self,
        contract: &Contract,
        step: SendStep,
        sending: &Sending<'_>,
    ) -> Result<Step, EsignError> {
        match step {
            SendStep::Create => self.create(contract, sending).await,
            SendStep::AwaitDraft | SendStep::Configure | SendStep::Remind | SendStep::Send => {
                self.configure(contract, sending.now).await
            }
        }
    }

    async fn find_by_own_id(&self, contract: &Contract) -> Result<Option<Found>, EsignError> {
        let from = (contract.requested_at - SKEW).seconds();
        for page in 1..=MOST_PAGES {
            let number = page.to_string();
            let query = [("page", number.as_str()), ("page_size", PAGE)];
            let url = with_query(self.url(&["signature_request", "list"]), &query);
            let list: wire::List = read(&self.call(Ask::get(url)).await?)?;
            let ours = |it: &&wire::SignatureRequest| it.own_id() == Some(contract.id.as_str());
            if let Some(seen) = list.signature_requests.iter().find(ours) {
                let unset = contract.expires_in_days.is_some() && seen.expires_at.is_none();
                let next = unset.then_some(SendStep::Configure);
                return Ok(Some(Found { request: seen.signature_request_id.clone(), next }));
            }
            let older = |it: &wire::SignatureRequest| it.created_at.is_some_and(|at| at < from);
            let past = list.signature_requests.iter().all(older);
            if past || page >= list.list_info.num_pages {
                return Ok(None);
            }
        }
        // Not found is not the same as not there.
        Err(EsignError::because(Trouble::Unavailable, "too_many_requests_to_search"))
    }

    async fn status(&self, request: &SignatureRequestId, now: Timestamp) -> Result<Observed, EsignError> {
        match self.request(request).await {
            Ok(seen) => Ok(seen.observed(now)),
            Err(error) if error.trouble == Trouble::NotFound => Ok(Observed::overall(now, Overall::Gone)),
            Err(error) => Err(error),
        }
    }

    async fn signed_file(&self, request: &SignatureRequestId) -> Result<SignedPdf, EsignError> {
        let url = with_query(self.of_request(Some("files"), request), &[("file_type", "pdf")]);
        match self.call(Ask { file: true, ..Ask::get(url) }).await {
            Ok(answer) => Ok(SignedPdf::Ready(answer.body)),
            Err(error) if error.status == Some(409) => {
                Ok(SignedPdf::NotReady { after: Duration::from_secs(30) })
            }
            Err(error) => Err(error),
        }
    }

    async fn cancel(
        &self,
        request: &SignatureRequestId,
        _: &str,
        now: Timestamp,
    ) -> Result<Cancel, EsignError> {
        match self.call(Ask::new(Method::POST, self.of_request(Some("cancel"), request))).await {
            Ok(_) => Ok(Cancel::Queued { check_after: CANCEL_TIME }),
            Err(error) if error.trouble == Trouble::NotFound => Ok(Cancel::Cancelled),
            Err(error) if outcome::is_about_state(&error) => self.after_refusal(request, now, error).await,
            Err(error) => Err(error),
        }
    }

    async fn remind(&self, request: &SignatureRequestId, signer: &Signer) -> Result<Reminded, EsignError> {
        let body = json!({"email_address": signer.email, "name": signer.name});
        match self.call(Ask::json(Method::POST, self.of_request(Some("remind"), request), body)).await {
            Ok(_) => Ok(Reminded::Sent),
            Err(error) if error.code.as_deref() == Some("invalid_reminder") => Ok(Reminded::NotNow),
            Err(error) => Err(error),
        }
    }

    async fn templates(&self, from: Option<u32>) -> Result<TemplatePage, EsignError> {
        let page = from.unwrap_or(1);
        let number = page.to_string();
        let query = [("page", number.as_str()), ("page_size", PAGE)];
        let url = with_query(self.url(&["template", "list"]), &query);
        let list: wire::Templates = read(&self.call(Ask::get(url)).await?)?;
        let next = (page < list.list_info.num_pages).then_some(page + 1);
        let test = self.is_test();
        let templates = list.templates.into_iter().map(|it| it.into_ours(test));
        Ok(TemplatePage { templates: templates.collect(), next })
    }

    async fn template(&self, template: &TemplateId) -> Result<Template, EsignError> {
        let answer = self.call(Ask::get(self.url(&["template", template.as_str()]))).await?;
        Ok(read::<wire::OneTemplate>(&answer)?.template.into_ours(self.is_test()))
    }
}
