//! The steps from a wish to a document that signers have: create, wait for the draft, settings, reminders, send.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::super::error::{EsignError, Trouble};
use super::super::line::{Ask, below, read};
use super::super::{Sending, Step};
use super::{DRAFT_TIME, PandaDoc, create, wire};
use crate::domain::contract::{Contract, Observed, Overall, Reminders, SendStep, Source};
use crate::domain::id::SignatureRequestId;
use crate::domain::time::Timestamp;

/// Nothing has to be waited for.
const AT_ONCE: Duration = Duration::ZERO;

/// What follows once settings up to here are made.
fn after_draft(contract: &Contract) -> SendStep {
    if contract.expires_in_days.is_some() { SendStep::Configure } else { after_settings(contract) }
}

fn after_settings(contract: &Contract) -> SendStep {
    if contract.reminders.is_some() { SendStep::Remind } else { SendStep::Send }
}

impl PandaDoc {
    pub(super) async fn create(
        &self,
        contract: &Contract,
        sending: &Sending<'_>,
    ) -> Result<Step, EsignError> {
        let url = self.url(&["documents"]);
        let ask = match &contract.source {
            Source::Template { template } => {
                Ask::json(Method::POST, url, create::from_template(contract, template))
            }
            Source::File(file) => {
                let bytes = sending.file.ok_or_else(|| EsignError::because(Trouble::Rejected, "no_file"))?;
                let mut url = url;
                // A parameter without a value.
                url.set_query(Some("upload"));
                Ask { body: create::from_file(contract, &file.name, bytes), ..Ask::new(Method::POST, url) }
            }
        };
        let made: wire::Listed = read(&self.call(ask).await?)?;
        Ok(Step::Created { request: made.id, next: SendStep::AwaitDraft, after: DRAFT_TIME })
    }

    /// Looks whether the draft is there. What was sent already is not sent again.
    pub(super) async fn await_draft(
        &self,
        contract: &Contract,
        request: SignatureRequestId,
        now: Timestamp,
    ) -> Result<Step, EsignError> {
        let seen = self.brief(&request).await?;
        Ok(match seen.status.as_deref().unwrap_or_default() {
            "document.uploaded" => Step::Wait { after: DRAFT_TIME },
            "document.draft" => Step::Next { step: after_draft(contract), after: AT_ONCE },
            "document.approved" => Step::Next { step: SendStep::Send, after: AT_ONCE },
            "document.error" => Step::Failed { observed: Observed::overall(now, Overall::Failed) },
            _ => Step::Sent { observed: self.document(&request).await?.observed(now), request },
        })
    }

    /// Days until it expires, counted from sending.
    pub(super) async fn configure(
        &self,
        contract: &Contract,
        request: &SignatureRequestId,
    ) -> Result<Step, EsignError> {
        let path = ["public", "v2", "documents", request.as_str(), "settings"];
        let body = json!({"expires_in": contract.expires_in_days});
        self.call(Ask::json(Method::PATCH, below(&self.base, &path), body)).await?;
        Ok(Step::Next { step: after_settings(contract), after: AT_ONCE })
    }

    pub(super) async fn schedule_reminders(
        &self,
        contract: &Contract,
        request: &SignatureRequestId,
    ) -> Result<Step, EsignError> {
        if let Some(Reminders { first_after_days, then_every_days }) = contract.reminders {
            let body = json!({
                "enabled": true,
                "delivery_method": "email",
                "initial_delay_days": first_after_days,
                "is_recurring": then_every_days.is_some(),
                "recurrence_frequency_days": then_every_days,
            });
            let url = self.of_document(request, Some("auto-reminders"));
            self.call(Ask::json(Method::PATCH, url, body)).await?;
        }
        Ok(Step::Next { step: SendStep::Send, after: AT_ONCE })
    }

    /// Sends a draft, or what somebody inside approved. It looks first: what sending twice does is not published.
    pub(super) async fn send(
        &self,
        contract: &Contract,
        request: SignatureRequestId,
        now: Timestamp,
    ) -> Result<Step, EsignError> {
        let seen = self.brief(&request).await?;
        match seen.status.as_deref().unwrap_or_default() {
            "document.draft" | "document.approved" => {}
            "document.uploaded" => return Ok(Step::Wait { after: DRAFT_TIME }),
            "document.error" => {
                return Ok(Step::Failed { observed: Observed::overall(now, Overall::Failed) });
            }
            _ => return Ok(Step::Sent { observed: self.document(&request).await?.observed(now), request }),
        }
        let body: Value = json!({
            "subject": contract.subject,
            "message": contract.message,
            "silent": false,
        });
        let ask = Ask::json(Method::POST, self.of_document(&request, Some("send")), body);
        let sent: wire::Document = read(&self.call(ask).await?)?;
        Ok(Step::Sent { observed: sent.observed(now), request })
    }

    /// The document without its recipients: the cheapest read, with the largest limit.
    async fn brief(&self, request: &SignatureRequestId) -> Result<wire::Listed, EsignError> {
        read(&self.call(Ask::get(self.of_document(request, None))).await?)
    }
}
