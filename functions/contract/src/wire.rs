//! What a program sends: one flat object, because that is what a workflow step can build. A workflow cannot leave a
//! field out, so an empty text counts as absent, and numbers may come as texts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use shared::domain::contract::request::SignerRequest;
use shared::domain::contract::{ContractRequest, ProviderName, Reminders, Source};
use shared::domain::id::{CrmId, TemplateId};
use shared::{Error, Result};

use crate::flat::prefix;

/// The largest file that comes with the request itself, in bytes.
const LARGEST_INLINE: usize = 4 * 1024 * 1024;
/// The most signers that are told in fields of their own.
const NUMBERED: usize = 5;

/// The fields of an object, taken one by one, so that what is left over is known.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn new(map: Map<String, Value>) -> Self {
        Self(map)
    }

    /// A text, if there is one that is not empty.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(Error::invalid(format!("{name} must be a text.")))
            }
        }
    }

    /// A whole number, or the text of one.
    fn number<T: TryFrom<u64>>(&mut self, name: &str) -> Result<Option<T>> {
        let number = match self.0.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
        };
        let wrong = || Error::invalid(format!("{name} must be a whole number that can be meant."));
        number.and_then(|number| T::try_from(number).ok()).map(Some).ok_or_else(wrong)
    }

    /// All fields that begin so, by what follows, as texts.
    fn named(&mut self, prefix: &str) -> Result<BTreeMap<String, String>> {
        let names: Vec<String> = self.0.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        let mut values = BTreeMap::new();
        for name in names {
            let value = match self.0.remove(&name) {
                Some(Value::String(text)) => text,
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Bool(truth)) => truth.to_string(),
                None | Some(Value::Null) => String::new(),
                Some(Value::Array(_) | Value::Object(_)) => {
                    return Err(Error::invalid(format!("{} must be a text.", short(&name))));
                }
            };
            let key = name.strip_prefix(prefix).unwrap_or(&name).to_owned();
            if !value.is_empty() {
                values.insert(key, value);
            }
        }
        Ok(values)
    }

    /// A list of objects, if it is there.
    fn objects(&mut self, name: &str) -> Result<Vec<Self>> {
        let wrong = || Error::invalid(format!("{name} must be a list of objects."));
        let items = match self.0.remove(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                return Err(wrong());
            }
        };
        let object = |item: Value| match item {
            Value::Object(map) => Ok(Self(map)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(wrong())
            }
        };
        items.into_iter().map(object).collect()
    }

    /// Refuses what nobody took.
    pub(crate) fn end(self) -> Result<()> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                let name = short(name);
                Err(Error::invalid(format!("The body is not what was expected: unknown field `{name}`.")))
            }
        }
    }
}

/// As much of a name as an answer repeats.
fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// What is to be signed, before it is where we keep files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Document {
    Template(TemplateId),
    /// Uploaded to where we said.
    Uploaded {
        name: String,
        bytes: u64,
        sha256: String,
    },
    /// It came with the request.
    Inline {
        name: String,
        bytes: Vec<u8>,
    },
}

/// The body of `POST /contracts`, all but the document.
#[derive(Debug)]
pub(crate) struct Order {
    title: String,
    subject: Option<String>,
    message: Option<String>,
    signers: Vec<SignerRequest>,
    fields: BTreeMap<String, String>,
    metadata: BTreeMap<String, String>,
    expires_in_days: Option<u16>,
    reminders: Option<Reminders>,
    person: Option<CrmId>,
    opportunity: Option<CrmId>,
    provider: Option<ProviderName>,
    /// The caller's own name for the request.
    pub(crate) key: Option<String>,
}

impl Order {
    /// Reads a body; a key in the header counts where the body has none.
    pub(crate) fn read(mut body: Fields, key: Option<&str>) -> Result<(Self, Document)> {
        let document = document(&mut body)?;
        let order = Self {
            title: body.text("title")?.unwrap_or_default(),
            subject: body.text("subject")?,
            message: body.text("message")?,
            signers: signers(&mut body)?,
            fields: body.named("field_")?,
            metadata: body.named("meta_")?,
            expires_in_days: body.number("expiresInDays")?,
            reminders: reminders(&mut body)?,
            person: record(&mut body, "personId")?,
            opportunity: record(&mut body, "opportunityId")?,
            provider: provider(&mut body)?,
            key: body.text("idempotencyKey")?.or_else(|| key.map(str::to_owned)),
        };
        body.end()?;
        Ok((order, document))
    }

    /// The request in our words.
    pub(crate) fn into_request(self, source: Source) -> ContractRequest {
        ContractRequest {
            title: self.title,
            subject: self.subject,
            message: self.message,
            source,
            signers: self.signers,
            fields: self.fields,
            metadata: self.metadata,
            expires_in_days: self.expires_in_days,
            reminders: self.reminders,
            person: self.person,
            opportunity: self.opportunity,
            provider: self.provider,
        }
    }
}

fn document(body: &mut Fields) -> Result<Document> {
    let (template, name) = (body.text("templateId")?, body.text("documentName")?);
    let (inline, sha256) = (body.text("documentBase64")?, body.text("documentSha256")?);
    let bytes = body.number("documentBytes")?;
    match (template, name, inline, bytes, sha256) {
        (Some(template), None, None, None, None) => {
            let template = template.trim().parse();
            Ok(Document::Template(
                template.map_err(|_| Error::invalid("templateId is not a template's id."))?,
            ))
        }
        (None, Some(name), Some(text), None, None) => Ok(Document::Inline { name, bytes: decoded(&text)? }),
        (None, Some(name), None, Some(bytes), Some(sha256)) => Ok(Document::Uploaded { name, bytes, sha256 }),
        _ => Err(Error::invalid(
            "Give templateId, or documentName with documentBase64, or documentName with documentBytes and \
             documentSha256 of an upload.",
        )),
    }
}

fn decoded(text: &str) -> Result<Vec<u8>> {
    let plain: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes =
        STANDARD.decode(plain).map_err(|_| Error::invalid("documentBase64 is not base64 of a file."))?;
    if bytes.len() > LARGEST_INLINE {
        return Err(Error::invalid(
            "documentBase64 holds a file of 4 MB at most. Upload a larger one: prepareContractFile in GraphQL \
             says where.",
        ));
    }
    Ok(bytes)
}

fn signers(body: &mut Fields) -> Result<Vec<SignerRequest>> {
    let mut listed = Vec::new();
    for mut item in body.objects("signers")? {
        listed.extend(signer(&mut item, ["name", "email", "role", "order"])?);
        item.end()?;
    }
    let mut numbered = Vec::new();
    for number in 1..=NUMBERED {
        let prefix = prefix(number);
        let names = ["Name", "Email", "Role", "Order"].map(|part| format!("{prefix}{part}"));
        numbered.extend(signer(body, names.each_ref().map(String::as_str))?);
    }
    match (listed.is_empty(), numbered.is_empty()) {
        (false, false) => Err(Error::invalid("Give signers or signerName and its like, not both.")),
        (false, true) => Ok(listed),
        (true, _) => Ok(numbered),
    }
}

/// A signer, if anything is said of one.
fn signer(from: &mut Fields, [name, email, role, order]: [&str; 4]) -> Result<Option<SignerRequest>> {
    let (name, email, role) = (from.text(name)?, from.text(email)?, from.text(role)?);
    let order = from.number(order)?;
    if name.is_none() && email.is_none() && role.is_none() {
        return Ok(None);
    }
    let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
    Ok(Some(SignerRequest {
        name: trimmed(name).unwrap_or_default(),
        email: trimmed(email).unwrap_or_default(),
        role,
        order,
    }))
}

fn reminders(body: &mut Fields) -> Result<Option<Reminders>> {
    let (first, every) = (body.number("remindAfterDays")?, body.number("remindEveryDays")?);
    match (first, every) {
        (None, None) => Ok(None),
        (Some(first_after_days), then_every_days) => {
            Ok(Some(Reminders { first_after_days, then_every_days }))
        }
        (None, Some(_)) => {
            Err(Error::invalid("remindEveryDays needs remindAfterDays, the day of the first one."))
        }
    }
}

fn record(body: &mut Fields, name: &str) -> Result<Option<CrmId>> {
    let id = body.text(name)?.map(|id| id.trim().parse());
    id.transpose().map_err(|_| Error::invalid("A record's id in Twenty is a UUID."))
}

fn provider(body: &mut Fields) -> Result<Option<ProviderName>> {
    let name = body.text("provider")?.map(|name| name.trim().to_ascii_lowercase().parse());
    name.transpose().map_err(|_| Error::invalid("provider is docusign, dropbox_sign or pandadoc."))
}

#[cfg(test)]
mod tests;
