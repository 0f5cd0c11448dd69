//! What callers send to have something signed.

use std::collections::BTreeMap;

use async_graphql::{ID, InputObject};
use shared::domain::caller::Caller;
use shared::domain::contract::request::SignerRequest;
use shared::domain::contract::{ContractRequest, Reminders, Source};
use shared::domain::id::CrmId;
use shared::usecase::contracts::document::uploaded;
use shared::{Error, Result};

use super::contract_words::EsignProvider;

/// A name and its value.
#[derive(InputObject)]
pub(crate) struct NamedValueInput {
    /// The name.
    name: String,
    /// The value.
    value: String,
}

/// A PDF that was uploaded to where `prepareContractFile` said.
#[derive(InputObject)]
pub(crate) struct ContractFileInput {
    /// Its name, ending in `.pdf`.
    name: String,
    /// How many bytes it has; 25 MB at most.
    bytes: u64,
    /// Its SHA-256, hexadecimal.
    sha256: String,
}

/// What is signed: either a template or a file.
#[derive(InputObject)]
pub(crate) struct ContractDocumentInput {
    /// A template at the provider, by its id there.
    template: Option<ID>,
    /// A PDF that was uploaded.
    file: Option<ContractFileInput>,
}

/// Somebody who is to sign.
#[derive(InputObject)]
pub(crate) struct ContractSignerInput {
    /// Their name.
    name: String,
    /// Their e-mail.
    email: String,
    /// Their role in the template. A template needs one for everybody.
    role: Option<String>,
    /// 1 signs first; equal numbers sign beside each other. Give every signer one, or none.
    order: Option<u16>,
}

/// When signers are reminded.
#[derive(Clone, Copy, InputObject)]
pub(crate) struct RemindersInput {
    /// Days from sending to the first one.
    first_after_days: u16,
    /// Days from one to the next; once only if absent.
    then_every_days: Option<u16>,
}

impl From<RemindersInput> for Reminders {
    fn from(it: RemindersInput) -> Self {
        Self { first_after_days: it.first_after_days, then_every_days: it.then_every_days }
    }
}

/// What is to be signed, by whom.
#[derive(InputObject)]
pub(crate) struct SendContractInput {
    /// What the contract is called, at the provider and in Twenty.
    title: String,
    /// The subject of the mail to signers; the title if absent.
    subject: Option<String>,
    /// The message to signers.
    message: Option<String>,
    /// What is signed.
    document: ContractDocumentInput,
    /// Who signs.
    signers: Vec<ContractSignerInput>,
    /// Values for fields of the template.
    #[graphql(default)]
    fields: Vec<NamedValueInput>,
    /// Your own names and values; they come back with the contract.
    #[graphql(default)]
    metadata: Vec<NamedValueInput>,
    /// Days from sending after which it expires; the provider's own habit if absent.
    expires_in_days: Option<u16>,
    /// When signers are reminded; never by us if absent.
    reminders: Option<RemindersInput>,
    /// The person in Twenty it is about.
    person_id: Option<ID>,
    /// The opportunity in Twenty it is about.
    opportunity_id: Option<ID>,
    /// Who sends it; the workspace's provider if absent.
    provider: Option<EsignProvider>,
    /// Your own name for this request. The same name brings the same contract, and is never sent twice.
    idempotency_key: Option<String>,
}

impl SendContractInput {
    /// The request in our words, and its name.
    pub(crate) fn into_request(self, caller: &Caller) -> Result<(ContractRequest, Option<String>)> {
        let request = ContractRequest {
            title: self.title,
            subject: self.subject,
            message: self.message,
            source: self.document.into_source(caller)?,
            signers: self.signers.into_iter().map(Into::into).collect(),
            fields: by_name(self.fields, "fields")?,
            metadata: by_name(self.metadata, "metadata")?,
            expires_in_days: self.expires_in_days,
            reminders: self.reminders.map(Into::into),
            person: self.person_id.as_ref().map(record).transpose()?,
            opportunity: self.opportunity_id.as_ref().map(record).transpose()?,
            provider: self.provider.map(Into::into),
        };
        Ok((request, self.idempotency_key))
    }
}

impl ContractDocumentInput {
    fn into_source(self, caller: &Caller) -> Result<Source> {
        match (self.template, self.file) {
            (Some(template), None) => {
                let template = template
                    .parse()
                    .map_err(|_| Error::invalid("document.template is not a template's id."))?;
                Ok(Source::Template { template })
            }
            (None, Some(file)) => Ok(Source::File(uploaded(caller, &file.name, file.bytes, &file.sha256)?)),
            _ => Err(Error::invalid("Give document.template or document.file, one of the two.")),
        }
    }
}

impl From<ContractSignerInput> for SignerRequest {
    fn from(it: ContractSignerInput) -> Self {
        Self { name: it.name, email: it.email, role: it.role, order: it.order }
    }
}

fn by_name(values: Vec<NamedValueInput>, field: &str) -> Result<BTreeMap<String, String>> {
    let mut map = BTreeMap::new();
    for it in values {
        if map.insert(it.name, it.value).is_some() {
            return Err(Error::invalid(format!("A name occurs twice in {field}.")));
        }
    }
    Ok(map)
}

/// The id of a record in Twenty.
pub(crate) fn record(id: &ID) -> Result<CrmId> {
    id.parse().map_err(|_| Error::invalid("A record's id in Twenty is a UUID."))
}

#[cfg(test)]
mod tests {
    use shared::domain::caller::Means;
    use shared::domain::id::WorkspaceId;

    use super::*;

    fn caller() -> Caller {
        let server = "00000000-0000-0000-0000-000000000001".parse::<CrmId>().unwrap();
        Caller { workspace: WorkspaceId(server.0), by: Means::Session }
    }

    fn file() -> ContractFileInput {
        ContractFileInput { name: "nda.pdf".to_owned(), bytes: 10, sha256: "A".repeat(64) }
    }

    #[test]
    fn a_document_is_a_template_or_a_file_and_nothing_else() {
        let template = || Some(ID::from("tpl-1"));
        let source = |template, file| ContractDocumentInput { template, file }.into_source(&caller());

        assert!(matches!(source(template(), None), Ok(Source::Template { .. })));
        assert!(matches!(source(None, Some(file())), Ok(Source::File(it)) if it.sha256 == "a".repeat(64)));
        for bad in [source(None, None), source(template(), Some(file())), source(Some("a b".into()), None)] {
            assert!(bad.is_err());
        }
    }

    #[test]
    fn a_name_with_two_values_is_refused() {
        let value = |name: &str| NamedValueInput { name: name.to_owned(), value: "x".to_owned() };

        assert_eq!(by_name(vec![value("a"), value("b")], "metadata").unwrap().len(), 2);
        assert!(by_name(vec![value("a"), value("a")], "metadata").is_err());
    }
}
