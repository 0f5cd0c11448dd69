//! What somebody wishes to have signed, and what is wrong with it before anybody is asked.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha256};

pub use super::provider::{Limits, limits};
use super::settings::ContractSettings;
use super::signer::Signer;
pub use super::template::{Template, TemplatePage, TemplateRole};
use super::{Cause, Contract, Dispatch, Life, ProviderName, Reminders, Source, Told};
use crate::domain::id::{ContractId, CrmId, WorkspaceId};
use crate::domain::time::Timestamp;

/// A wish as it was said.
#[derive(Clone, PartialEq, Eq)]
pub struct ContractRequest {
    /// What the contract is called at the provider and in the CRM.
    pub title: String,
    /// Of the mail to signers; the title where absent.
    pub subject: Option<String>,
    pub message: Option<String>,
    pub source: Source,
    pub signers: Vec<SignerRequest>,
    /// Values for fields of the template.
    pub fields: BTreeMap<String, String>,
    /// The caller's own names and values.
    pub metadata: BTreeMap<String, String>,
    /// Days from sending.
    pub expires_in_days: Option<u16>,
    pub reminders: Option<Reminders>,
    pub person: Option<CrmId>,
    pub opportunity: Option<CrmId>,
    /// Another provider than the workspace's.
    pub provider: Option<ProviderName>,
}

impl fmt::Debug for ContractRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContractRequest").field("signers", &self.signers.len()).finish_non_exhaustive()
    }
}

/// Somebody who is to sign.
#[derive(Clone, PartialEq, Eq)]
pub struct SignerRequest {
    pub name: String,
    pub email: String,
    pub role: Option<String>,
    /// 1 signs first, equal numbers beside each other; all signers have one or none has.
    pub order: Option<u16>,
}

impl fmt::Debug for SignerRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerRequest").field("order", &self.order).finish_non_exhaustive()
    }
}

/// One thing that is wrong, for the caller to read. It names a field and never repeats a person's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Such as `signers[1].email`.
    pub field: String,
    pub text: String,
}

/// A wish that cannot be followed: everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the contract cannot be sent: {}", .0.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join(" "))]
pub struct Invalid(pub Vec<Fault>);

impl Invalid {
    /// A single fault.
    pub fn one(field: &str, text: &str) -> Self {
        Self(vec![Fault { field: field.to_owned(), text: text.to_owned() }])
    }
}

/// The name of our own id among a request's metadata; callers cannot use it.
pub const OWN_KEY: &str = "contract_id";

/// Faults as they are found.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn unless(&mut self, fine: bool, field: impl Into<String>, text: impl Into<String>) {
        if !fine {
            self.0.push(Fault { field: field.into(), text: text.into() });
        }
    }

    fn text(&mut self, text: &str, longest: usize, field: &str, what: &str) {
        let length = text.chars().count();
        let fine = !text.trim().is_empty() && length <= longest;
        self.unless(fine, field, format!("{what} must have 1 to {longest} characters."));
        self.unless(!text.chars().any(is_control), field, format!("{what} must be a single line."));
    }
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\t'
}

impl ContractRequest {
    /// What tells this wish from another: the digest of all it says.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        let mut add = |part: &str| {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        };
        let or_none = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), |text| format!("+{text}"));
        add(&self.title);
        add(&or_none(self.subject.as_deref()));
        add(&or_none(self.message.as_deref()));
        match &self.source {
            Source::Template { template } => add(&format!("template {template}")),
            Source::File(file) => add(&format!("file {} {}", file.sha256, file.name)),
        }
        add(&self.signers.len().to_string());
        for signer in &self.signers {
            add(&signer.name);
            add(&signer.email);
            add(&or_none(signer.role.as_deref()));
            add(&signer.order.map_or_else(String::new, |order| order.to_string()));
        }
        for values in [&self.fields, &self.metadata] {
            add(&values.len().to_string());
            for (name, value) in values {
                add(name);
                add(value);
            }
        }
        add(&format!("{:?} {:?} {:?}", self.expires_in_days, self.reminders, self.provider));
        add(&format!("{:?} {:?}", self.person, self.opportunity));
        hex::encode(digest.finalize())
    }

    /// Who would send it.
    pub fn provider(&self, settings: &ContractSettings) -> Result<ProviderName, Invalid> {
        let none = || Invalid::one("provider", "No e-signature provider is chosen for this workspace.");
        self.provider.or(settings.provider).ok_or_else(none)
    }

    /// Checks everything that can be known without asking the provider; all faults at once.
    pub fn check(&self, provider: ProviderName) -> Result<(), Invalid> {
        let limits = limits(provider);
        let mut faults = Faults::default();
        faults.text(&self.title, limits.title, "title", "The title");
        if let Some(subject) = &self.subject {
            faults.text(subject, limits.subject, "subject", "The subject");
        }
        let message = self.message.as_deref().unwrap_or_default().chars().count();
        let text = format!("The message must not exceed {} characters.", limits.message);
        faults.unless(message <= limits.message, "message", text);
        self.check_signers(&limits, &mut faults);
        self.check_times(provider, &limits, &mut faults);
        self.check_metadata(&limits, &mut faults);
        self.check_source(&limits, &mut faults);
        if faults.0.is_empty() { Ok(()) } else { Err(Invalid(faults.0)) }
    }

    fn check_signers(&self, limits: &Limits, faults: &mut Faults) {
        let count = self.signers.len();
        let text = format!("A contract has 1 to {} signers.", limits.signers);
        faults.unless((1..=limits.signers).contains(&count), "signers", text);
        for (row, signer) in self.signers.iter().enumerate() {
            let at = |field: &str| format!("signers[{row}].{field}");
            let person = row + 1;
            faults.text(&signer.name, limits.person, &at("name"), &format!("The name of signer {person}"));
            let fine = is_email(&signer.email) && signer.email.chars().count() <= limits.person;
            faults.unless(fine, at("email"), format!("The e-mail address of signer {person} is not valid."));
            let earlier = self.signers.iter().take(row);
            let twice = earlier.clone().any(|it| it.email.eq_ignore_ascii_case(&signer.email));
            faults.unless(
                !twice,
                at("email"),
                format!("Signer {person} has the e-mail address of another one."),
            );
            let role = signer.role.as_deref();
            let twice = role.is_some() && earlier.clone().any(|it| it.role.as_deref() == role);
            faults.unless(!twice, at("role"), format!("Signer {person} has the role of another one."));
            let missing = role.is_none_or(|role| role.trim().is_empty() || role.chars().count() > 100);
            let needed = matches!(self.source, Source::Template { .. });
            let text = format!("Signer {person} needs a role of the template, of 100 characters at most.");
            faults.unless(!(needed && missing), at("role"), text);
        }
        self.check_orders(faults);
    }

    fn check_orders(&self, faults: &mut Faults) {
        let mut orders: Vec<u16> = self.signers.iter().filter_map(|it| it.order).collect();
        let all_or_none = orders.is_empty() || orders.len() == self.signers.len();
        faults.unless(all_or_none, "signers", "Give every signer an order, or none.");
        orders.sort_unstable();
        orders.dedup();
        let closed = orders.iter().zip(1..).all(|(order, expected)| *order == expected);
        let text = "The order of signers must begin with 1 and have no gaps.";
        faults.unless(!all_or_none || closed, "signers", text);
    }

    fn check_times(&self, provider: ProviderName, limits: &Limits, faults: &mut Faults) {
        let (least, most) = limits.expiry;
        let days = self.expires_in_days.unwrap_or(least);
        let text = format!("A contract expires after {least} to {most} days.");
        faults.unless((least..=most).contains(&days), "expiresInDays", text);
        let Some(reminders) = self.reminders else { return };
        let most = if provider == ProviderName::PandaDoc { 180 } else { 999 };
        let range = 1..=most;
        let every = reminders.then_every_days.unwrap_or(1);
        let fine = range.contains(&reminders.first_after_days) && range.contains(&every);
        faults.unless(fine, "reminders", format!("Reminders come after 1 to {most} days."));
        let before = self.expires_in_days.is_none_or(|days| reminders.first_after_days < days);
        faults.unless(before, "reminders", "The first reminder must come before the contract expires.");
    }

    fn check_metadata(&self, limits: &Limits, faults: &mut Faults) {
        let text = format!("At most {} metadata values are possible.", limits.metadata_keys);
        faults.unless(self.metadata.len() <= limits.metadata_keys, "metadata", text);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        for (key, value) in &self.metadata {
            let fine = !key.is_empty() && key.len() <= limits.metadata_key && key.chars().all(plain);
            let text =
                format!("Names of metadata have 1 to {} letters, digits, _ or -.", limits.metadata_key);
            faults.unless(fine, "metadata", text);
            faults.unless(key != OWN_KEY, "metadata", format!("The metadata name {OWN_KEY} is taken."));
            let text = format!("Metadata values have {} characters at most.", limits.metadata_value);
            faults.unless(value.chars().count() <= limits.metadata_value, "metadata", text);
        }
    }

    fn check_source(&self, limits: &Limits, faults: &mut Faults) {
        let Source::File(file) = &self.source else { return };
        let most = limits.file_bytes;
        let text = format!("The file must not be empty, and {} MB at most.", most / (1024 * 1024));
        faults.unless((1..=most).contains(&file.bytes), "document", text);
        let plain = !file.name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | '"'));
        let kind = file.name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, kind)| kind);
        let is_pdf = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("pdf"));
        let usable = is_pdf && file.name.len() <= 200 && plain;
        faults.unless(usable, "document", "The file needs a name that ends in .pdf.");
        let text = "Values for fields need a template.";
        faults.unless(self.fields.is_empty(), "fields", text);
    }

    /// Checks the wish against the roles of its template, once they are known. Every role wants somebody.
    pub fn check_roles(&self, roles: &[TemplateRole]) -> Result<(), Invalid> {
        let mut faults = Faults::default();
        for (row, signer) in self.signers.iter().enumerate() {
            let role = signer.role.as_deref().unwrap_or_default();
            let known = roles.iter().find(|it| it.name == role);
            let text = format!("The template has no role for signer {}.", row + 1);
            faults.unless(known.is_some(), format!("signers[{row}].role"), text);
        }
        for role in roles {
            let taken = self.signers.iter().any(|it| it.role.as_deref() == Some(&role.name));
            faults.unless(taken, "signers", format!("Nobody has the template's role {}.", role.name));
        }
        if faults.0.is_empty() { Ok(()) } else { Err(Invalid(faults.0)) }
    }

    /// The contract it becomes. Checks it first.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a type of its own, and none can be taken for another"
    )]
    pub fn into_contract(
        self,
        id: ContractId,
        workspace: WorkspaceId,
        provider: ProviderName,
        cause: Cause,
        now: Timestamp,
    ) -> Result<Contract, Invalid> {
        self.check(provider)?;
        // Without an order everybody signs beside each other.
        let signer = |it: &SignerRequest| {
            Signer::new(it.name.trim(), it.email.trim(), it.role.as_deref(), it.order.unwrap_or(1))
        };
        Ok(Contract {
            id,
            workspace,
            provider,
            request: None,
            subject: self.subject.unwrap_or_else(|| self.title.clone()),
            title: self.title,
            message: self.message,
            source: self.source,
            signers: self.signers.iter().map(signer).collect(),
            fields: self.fields,
            metadata: self.metadata,
            expires_in_days: self.expires_in_days,
            reminders: self.reminders,
            person: self.person,
            opportunity: self.opportunity,
            cause,
            requested_at: now,
            dispatch: Dispatch::Requested,
            life: Life::default(),
            cancel: None,
            signed_file: None,
            told: Told::default(),
            read_at: None,
            look_again_at: None,
            version: 0,
        })
    }
}

/// An address that a mail could reach: one `@`, a domain with a dot, nothing that breaks a header.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let label = |it: &str| {
        !it.is_empty()
            && !it.starts_with('-')
            && !it.ends_with('-')
            && it.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"()<>[]:;,\\\"@".contains(c);
    !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(plain)
        && domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(label)
}
