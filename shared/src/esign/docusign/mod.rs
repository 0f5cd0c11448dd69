//! WIP.

pub(super) mod webhook;

use super::*;
use crate::domain::contract::account::DocuSignAccount;
use crate::domain::grant::Secret;

#[derive(Clone, Debug)]
pub(crate) struct DocuSign {
    pub(super) http: Http,
    pub(super) oauth: Url,
    pub(super) token: Option<Token>,
    pub(super) account: DocuSignAccount<Secret>,
}

impl DocuSign {
    pub(super) async fn log_in(&self, _: Timestamp) -> Result<Token, EsignError> {
        Err(EsignError::new(Trouble::Unavailable))
    }
}

impl Esign for DocuSign {
    async fn send_step(&self, _: &Contract, _: SendStep, _: &Sending<'_>) -> Result<Step, EsignError> {
        Err(EsignError::new(Trouble::Unavailable))
    }
    async fn find_by_own_id(&self, _: &Contract) -> Result<Option<Found>, EsignError> {
        Err(EsignError::new(Trouble::Unavailable))
    }
    async fn status(&self, _: &SignatureRequestId, _: Timestamp) -> Result<Observed, EsignError> {
        Err(EsignError::new(Trouble::Unavailable))
    }
    async fn signed_file(&self, _: &SignatureRequestId) -> Result<SignedPdf, EsignError> {
        Err(EsignError::new(Trouble::Unavailable))
    }
    async fn cancel(&self, _: &SignatureRequestId, _: &str, _: Timestamp) -> Result<Cancel, EsignError> {
        Err(EsignError::new(Trouble::Unavailable))
    }
    async fn remind(&self, _: &SignatureRequestId, _: &Signer) -> Result<Reminded, EsignError> {
        Err(EsignError::new(Trouble::Unavailable))
    }
    async fn templates(&self, _: Option<u32>) -> Result<TemplatePage, EsignError> {
        Err(EsignError::new(Trouble::Unavailable))
    }
    async fn template(&self, _: &TemplateId) -> Result<Template, EsignError> {
        Err(EsignError::new(Trouble::Unavailable))
    }
}
