//! The record of a contract in the CRM: its fields, and what they say. Nobody who signs is named in it.
//!
//! The object is made when a workspace has its first contract to tell, apart from the objects of the sync.

use std::collections::BTreeMap;

use super::note::one_line;
use super::{Contract, End, State};
use crate::domain::draft::{Change, FieldName, Value};
use crate::domain::id::CrmId;
use crate::domain::policy::FieldPolicy::CrmWins;
use crate::domain::schema::Kind::{Choice, DateTime, Key, Number, Relation, Text};
use crate::domain::schema::Object::{self, Opportunity, Person};
use crate::domain::schema::{Field, option_value, ours, twentys};

/// The version of [`FIELDS`]: a workspace whose object was made by an older one is brought up to date.
pub const VERSION: u32 = 1;

/// The unique field that carries our own id. It also tells our object from another one of that name.
pub const KEY: FieldName = "bridgeContractId";

/// Longest reason in a field.
const LONGEST_REASON: usize = 500;

const STATES: &[&str] = &[
    State::Draft.as_str(),
    State::Sent.as_str(),
    State::Viewed.as_str(),
    State::PartiallySigned.as_str(),
    State::Completed.as_str(),
    State::Declined.as_str(),
    State::Voided.as_str(),
    State::Expired.as_str(),
    State::Error.as_str(),
];

const PROVIDERS: &[&str] = &["docusign", "dropbox_sign", "pandadoc"];

/// Every field of a contract's record.
#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    twentys(Object::Contract, "name", Text, CrmWins),
    ours(Object::Contract, KEY, Key, "Contract ID", "The contract in the bridge."),
    ours(Object::Contract, "state", Choice(STATES), "State", "Where the contract stands."),
    ours(Object::Contract, "provider", Choice(PROVIDERS), "Provider", "Who has it signed."),
    ours(Object::Contract, "sentAt", DateTime, "Sent", "When signers were asked."),
    ours(Object::Contract, "viewedAt", DateTime, "Viewed", "When somebody first looked at it."),
    ours(Object::Contract, "endedAt", DateTime, "Ended", "When it was completed, declined, voided, or expired."),
    ours(Object::Contract, "expiresAt", DateTime, "Expires", "When it can no longer be signed."),
    ours(Object::Contract, "signedCount", Number, "Signed", "How many have signed."),
    ours(Object::Contract, "signerCount", Number, "Signers", "How many are to sign."),
    ours(Object::Contract, "endReason", Text, "End reason", "Why it was declined or voided."),
    ours(Object::Contract, "person", Relation(Person), "Person", "Whom it is about."),
    ours(Object::Contract, "opportunity", Relation(Opportunity), "Opportunity", "The deal it is about."),
];

impl Contract {
    /// The records of the CRM it is about.
    pub fn places(&self) -> Places {
        Places { person: self.person, opportunity: self.opportunity }
    }

    /// What the CRM is sent. A record that exists keeps the name that people gave it since.
    pub fn record(&self, places: Places) -> Change {
        let shown = self.shown();
        let choice = |word: &str| Value::Choice(option_value(word));
        let mut fields: BTreeMap<FieldName, Value> = BTreeMap::from([
            ("state", choice(shown.state.as_str())),
            ("provider", choice(self.provider.as_str())),
            ("sentAt", shown.sent_at.into()),
            ("viewedAt", shown.viewed_at.into()),
            ("endedAt", shown.ended_at.into()),
            ("expiresAt", shown.expires_at.into()),
            ("signedCount", i64::from(shown.signed).into()),
            ("signerCount", i64::from(shown.signers).into()),
            ("endReason", self.end_reason().into()),
            ("person", places.person.into()),
            ("opportunity", places.opportunity.into()),
        ]);
        if self.told.record.is_none() {
            fields.insert("name", self.title.as_str().into());
        }
        let id = CrmId::derived(self.workspace, "contract", self.id.as_str());
        let id = self.told.record.unwrap_or(id);
        Change { object: Object::Contract, id, key: self.id.to_string(), fields }
    }

    /// Why it ended, in somebody's words.
    pub fn end_reason(&self) -> Option<String> {
        let said = self.life.end.as_ref().and_then(End::reason).map(str::to_owned);
        let signers = || {
            let declined = self.state() == State::Declined;
            self.signers.iter().find_map(|it| it.progress.reason.clone()).filter(|_| declined)
        };
        said.or_else(signers).map(|text| one_line(&text, LONGEST_REASON)).filter(|text| !text.is_empty())
    }
}

/// The records of the CRM that a contract is about, as far as they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    pub person: Option<CrmId>,
    pub opportunity: Option<CrmId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::contract::ProviderName;

    #[test]
    fn every_state_and_every_provider_has_an_option() {
        assert_eq!(STATES, State::ALL.map(State::as_str));
        assert_eq!(PROVIDERS, ProviderName::ALL.map(ProviderName::as_str));
    }
}
