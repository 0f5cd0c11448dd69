//! Contracts in the words of the API: how far they are as a whole and signer by signer, and their files.

use std::collections::BTreeMap;

use async_graphql::{ID, SimpleObject};
use shared::domain::contract;
use shared::domain::contract::Source;
use shared::domain::contract::request::{Template, TemplatePage};
use shared::usecase::contracts::document::{Place, SignedDocument};

use super::contract_words::{ContractState, EsignProvider, SignerState, detail};
use super::time::DateTime;

/// A name and its value.
#[derive(SimpleObject)]
pub(crate) struct NamedValue {
    /// The name.
    name: String,
    /// The value.
    value: String,
}

fn named_values(values: &BTreeMap<String, String>) -> Vec<NamedValue> {
    values.iter().map(|(name, value)| NamedValue { name: name.clone(), value: value.clone() }).collect()
}

/// Somebody who signs, and how far they are.
#[derive(SimpleObject)]
pub(crate) struct ContractSigner {
    /// Their name.
    name: String,
    /// Their e-mail.
    email: String,
    /// Their role in the template.
    role: Option<String>,
    /// 1 signs first; equal numbers sign beside each other.
    order: u16,
    /// How far they are.
    state: SignerState,
    /// When they were asked.
    sent_at: Option<DateTime>,
    /// When they first looked at it.
    viewed_at: Option<DateTime>,
    /// When they signed.
    signed_at: Option<DateTime>,
    /// When they said no.
    declined_at: Option<DateTime>,
    /// Why they said no, in their words.
    reason: Option<String>,
    /// When they were last reminded by us.
    reminded_at: Option<DateTime>,
}

impl ContractSigner {
    fn of(contract: &contract::Contract, signer: &contract::Signer) -> Self {
        let progress = &signer.progress;
        Self {
            name: signer.name.clone(),
            email: signer.email.clone(),
            role: signer.role.clone(),
            order: signer.order,
            state: contract.signer_state(signer).into(),
            sent_at: progress.sent_at.map(DateTime),
            viewed_at: progress.viewed_at.map(DateTime),
            signed_at: progress.signed_at.map(DateTime),
            declined_at: progress.declined_at.map(DateTime),
            reason: progress.reason.clone(),
            reminded_at: progress.reminded_at.map(DateTime),
        }
    }
}

/// A wish to end a contract.
#[derive(SimpleObject)]
pub(crate) struct ContractCancellation {
    /// Why, for the signers.
    reason: String,
    /// When it was wished.
    at: DateTime,
    /// When the provider took it up; null if it has not yet.
    accepted_at: Option<DateTime>,
}

/// The signed file as it is kept.
#[derive(SimpleObject)]
pub(crate) struct ContractFile {
    /// How many bytes it has.
    bytes: u64,
    /// Its SHA-256, hexadecimal.
    sha256: String,
    /// When it was kept.
    kept_at: DateTime,
}

/// A contract.
#[derive(SimpleObject)]
pub(crate) struct Contract {
    /// Its id here.
    id: ID,
    /// Who sends it.
    provider: EsignProvider,
    /// Its id at the provider; null until it exists there.
    provider_request_id: Option<ID>,
    /// What it is called.
    title: String,
    /// The subject of the mail to signers.
    subject: String,
    /// The template at the provider; null if a file is signed.
    template_id: Option<ID>,
    /// The name of the file that is signed; null if it is a template.
    file_name: Option<String>,
    /// How far it is as a whole.
    state: ContractState,
    /// True once nothing can move it any more.
    is_over: bool,
    /// What keeps it where it is, in a word; null if nothing does.
    detail: Option<String>,
    /// Why it ended, where somebody said so.
    reason: Option<String>,
    /// Who signs, and how far they are.
    signers: Vec<ContractSigner>,
    /// When it was requested.
    requested_at: DateTime,
    /// When signers were first asked.
    sent_at: Option<DateTime>,
    /// When somebody first looked at it.
    viewed_at: Option<DateTime>,
    /// When it ended.
    ended_at: Option<DateTime>,
    /// When it expires, as the provider says.
    expires_at: Option<DateTime>,
    /// The wish to end it; null if nobody has one.
    cancellation: Option<ContractCancellation>,
    /// The signed file, once it is kept. `contractDocument` gives a link to it.
    signed_file: Option<ContractFile>,
    /// The person in Twenty it is about.
    person_id: Option<ID>,
    /// The opportunity in Twenty it is about.
    opportunity_id: Option<ID>,
    /// The rule that sent it; null if somebody did.
    rule: Option<String>,
    /// Your own names and values.
    metadata: Vec<NamedValue>,
}

impl From<&contract::Contract> for Contract {
    fn from(it: &contract::Contract) -> Self {
        let (template_id, file_name) = match &it.source {
            Source::Template { template } => (Some(template.as_str().into()), None),
            Source::File(file) => (None, Some(file.name.clone())),
        };
        let end = it.life.end.as_ref();
        Self {
            id: it.id.as_str().into(),
            provider: it.provider.into(),
            provider_request_id: it.request.as_ref().map(|id| id.as_str().into()),
            title: it.title.clone(),
            subject: it.subject.clone(),
            template_id,
            file_name,
            state: it.state().into(),
            is_over: it.life.is_over(),
            detail: it.life.detail().map(detail),
            reason: end.and_then(contract::End::reason).map(str::to_owned),
            signers: it.signers.iter().map(|signer| ContractSigner::of(it, signer)).collect(),
            requested_at: it.requested_at.into(),
            sent_at: it.life.sent_at.map(DateTime),
            viewed_at: it.life.viewed_at.map(DateTime),
            ended_at: end.map(|end| end.at().into()),
            expires_at: it.life.expires_at().map(DateTime),
            cancellation: it.cancel.as_ref().map(Into::into),
            signed_file: it.signed_file.as_ref().map(Into::into),
            person_id: it.person.map(|id| id.to_string().into()),
            opportunity_id: it.opportunity.map(|id| id.to_string().into()),
            rule: rule(&it.cause),
            metadata: named_values(&it.metadata),
        }
    }
}

fn rule(cause: &contract::Cause) -> Option<String> {
    match cause {
        contract::Cause::Person { .. } => None,
        contract::Cause::Automation { automation, .. } => Some(automation.clone()),
    }
}

impl From<&contract::CancelWish> for ContractCancellation {
    fn from(it: &contract::CancelWish) -> Self {
        Self { reason: it.reason.clone(), at: it.at.into(), accepted_at: it.accepted_at.map(DateTime) }
    }
}

impl From<&contract::SignedFile> for ContractFile {
    fn from(it: &contract::SignedFile) -> Self {
        Self { bytes: it.bytes, sha256: it.sha256.clone(), kept_at: it.kept_at.into() }
    }
}

/// Some contracts.
#[derive(SimpleObject)]
pub(crate) struct ContractPage {
    /// The contracts, the latest first. There may be fewer than asked for though more follow.
    pub(crate) contracts: Vec<Contract>,
    /// Give this as `after` to read on; null on the last page.
    pub(crate) next: Option<String>,
}

/// A signed file on its way out.
#[derive(SimpleObject)]
pub(crate) struct ContractDocument {
    /// A link to the file, for whoever has it, until `until`.
    link: String,
    /// When the link stops working.
    until: DateTime,
    /// How many bytes the file has.
    bytes: u64,
    /// Its SHA-256, hexadecimal, checked just now.
    sha256: String,
}

impl From<SignedDocument> for ContractDocument {
    fn from(it: SignedDocument) -> Self {
        Self { link: it.link.into(), until: it.until.into(), bytes: it.bytes, sha256: it.sha256 }
    }
}

/// Where to put a file that is to be signed.
#[derive(SimpleObject)]
pub(crate) struct ContractUpload {
    /// Send the bytes here with `PUT`.
    url: String,
    /// Headers to send with them, just so.
    headers: Vec<NamedValue>,
    /// Until when.
    until: DateTime,
}

impl From<Place> for ContractUpload {
    fn from(it: Place) -> Self {
        let headers = it.headers.into_iter().map(|(name, value)| NamedValue { name, value }).collect();
        Self { url: it.url.into(), headers, until: it.until.into() }
    }
}

/// A role that a template leaves open.
#[derive(SimpleObject)]
pub(crate) struct ContractTemplateRole {
    /// Its name; case matters.
    name: String,
    /// 1 signs first; null if the template leaves it open.
    order: Option<u16>,
}

/// A document prepared at a provider.
#[derive(SimpleObject)]
pub(crate) struct ContractTemplate {
    /// Its id at the provider.
    id: ID,
    /// Its name there.
    name: String,
    /// Its roles; null in lists of providers that name them one by one: ask `contractTemplate`.
    roles: Option<Vec<ContractTemplateRole>>,
    /// The fields that you may fill; null as for roles.
    fields: Option<Vec<String>>,
    /// False if it is good for tests only.
    usable: bool,
}

impl From<Template> for ContractTemplate {
    fn from(it: Template) -> Self {
        let role =
            |it: contract::template::TemplateRole| ContractTemplateRole { name: it.name, order: it.order };
        Self {
            id: it.id.as_str().into(),
            name: it.name,
            roles: it.roles.map(|roles| roles.into_iter().map(role).collect()),
            fields: it.fields,
            usable: it.usable,
        }
    }
}

/// Some templates.
#[derive(SimpleObject)]
pub(crate) struct ContractTemplatePage {
    /// The templates.
    templates: Vec<ContractTemplate>,
    /// Give this as `after` to read on; null on the last page.
    next: Option<u32>,
}

impl From<TemplatePage> for ContractTemplatePage {
    fn from(it: TemplatePage) -> Self {
        Self { templates: it.templates.into_iter().map(Into::into).collect(), next: it.next }
    }
}
