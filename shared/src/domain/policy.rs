//! Who wins over a field when Whop and a person disagree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::draft::{Draft, Existing, FieldName, Value};
use super::time::Timestamp;

/// Who wins over one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldPolicy {
    /// Whop's value is always written.
    WhopWins,
    /// Whop's value is written only where the field is empty.
    OnlyIfEmpty,
    /// Whop's value is written until a person changes it; from then on theirs stays.
    CrmWins,
    /// A person's change stays until the fact at Whop is newer than it. Only a value that we did not write counts as
    /// theirs, so nothing that we write beside it ever does; and Whop dates no fact about a member, so that on people a
    /// person's change stays.
    Newest,
}

impl FieldPolicy {
    /// True if the present value must be known before deciding.
    pub fn needs_present_value(self) -> bool {
        !matches!(self, Self::WhopWins)
    }
}

/// What we wrote last, as digests, for the fields whose policy asks.
pub type Written = BTreeMap<String, String>;

/// The fields of `draft` to send, given what is there and what we wrote before.
///
/// `policy` answers for each field; `changed_at` is when the fact changed at Whop. Values that are already
/// there are left out where we know them, so that nothing is sent to say nothing.
pub fn fields_to_write(
    draft: &Draft,
    existing: Option<&Existing>,
    written: &Written,
    policy: impl Fn(FieldName) -> FieldPolicy,
    changed_at: Timestamp,
) -> BTreeMap<FieldName, Value> {
    let Some(existing) = existing else {
        let said = draft.fields.iter().filter(|(_, value)| !value.is_empty());
        return said.map(|(field, value)| (*field, value.clone())).collect();
    };
    let wins = |field: &FieldName, value: &Value| {
        let Some(present) = existing.fields.get(field) else {
            return true;
        };
        let ours = written.get(*field).is_some_and(|digest| *digest == present.digest());
        let untouched = ours || present.is_empty();
        present != value
            && match policy(field) {
                FieldPolicy::WhopWins => true,
                FieldPolicy::OnlyIfEmpty => present.is_empty(),
                FieldPolicy::CrmWins => untouched,
                FieldPolicy::Newest => untouched || changed_at > existing.updated_at,
            }
    };
    let kept = draft.fields.iter().filter(|(field, value)| wins(field, value));
    kept.map(|(field, value)| (*field, value.clone())).collect()
}

/// What to remember as written: our own last word on each governed field. A field that a person holds keeps
/// the digest of what we wrote before them, so that it is still theirs next time.
pub fn remember(
    draft: &Draft,
    sent: &BTreeMap<FieldName, Value>,
    existing: Option<&Existing>,
    before: &Written,
    policy: impl Fn(FieldName) -> FieldPolicy,
) -> Written {
    let governed = draft.fields.iter().filter(|(field, _)| policy(field).needs_present_value());
    let last_word = governed.filter_map(|(field, value)| {
        let agreed = existing.and_then(|it| it.fields.get(field)).is_some_and(|present| present == value);
        let digest = match sent.get(field) {
            Some(sent) => Some(sent.digest()),
            None if agreed => Some(value.digest()),
            None => before.get(*field).cloned(),
        };
        digest.map(|digest| ((*field).to_owned(), digest))
    });
    last_word.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::schema::Object;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn draft(stage: &str) -> Draft {
        Draft::new(Object::Opportunity, "mem_1").with("stage", Value::Choice(stage.to_owned()))
    }

    fn existing(stage: Option<&str>, updated_at: i64) -> Existing {
        let stage = stage.map_or(Value::Empty, |stage| Value::Choice(stage.to_owned()));
        Existing {
            object: Object::Opportunity,
            id: crate::domain::id::CrmId(uuid::Uuid::nil()),
            key: Some("mem_1".to_owned()),
            email: None,
            deleted: false,
            updated_at: Timestamp::from_millis(updated_at),
            fields: BTreeMap::from([("stage", stage)]),
        }
    }

    /// Says `first`, lets a person change it to `theirs`, then says `second`; answers with what is written.
    fn story(policy: FieldPolicy, theirs: Option<&str>, second: &str, changed_at: i64) -> Option<Value> {
        let governed = |_: FieldName| policy;
        let sent = fields_to_write(&draft("NEW"), None, &Written::new(), governed, NOW);
        let written = remember(&draft("NEW"), &sent, None, &Written::new(), governed);
        let there = existing(theirs.or(Some("NEW")), 500);
        let at = Timestamp::from_millis(changed_at);
        fields_to_write(&draft(second), Some(&there), &written, governed, at).remove("stage")
    }

    #[test]
    fn who_wins_is_as_the_policy_says() {
        use FieldPolicy::{CrmWins, Newest, OnlyIfEmpty, WhopWins};
        let says = Some(Value::Choice("CUSTOMER".to_owned()));

        assert_eq!(story(WhopWins, Some("MINE"), "CUSTOMER", 400), says);
        assert_eq!(story(CrmWins, None, "CUSTOMER", 400), says);
        assert_eq!(story(CrmWins, Some("MINE"), "CUSTOMER", 900), None);
        assert_eq!(story(OnlyIfEmpty, None, "CUSTOMER", 900), None);
        assert_eq!(story(Newest, Some("MINE"), "CUSTOMER", 400), None);
        assert_eq!(story(Newest, Some("MINE"), "CUSTOMER", 900), says);
    }

    #[test]
    fn a_value_that_is_there_already_is_not_sent() {
        assert_eq!(story(FieldPolicy::CrmWins, Some("CUSTOMER"), "CUSTOMER", 900), None);
        assert_eq!(story(FieldPolicy::WhopWins, Some("CUSTOMER"), "CUSTOMER", 900), None);
    }

    #[test]
    fn a_field_a_person_holds_stays_theirs_however_often_the_fact_changes() {
        let governed = |_: FieldName| FieldPolicy::CrmWins;
        let sent = fields_to_write(&draft("NEW"), None, &Written::new(), governed, NOW);
        let mut written = remember(&draft("NEW"), &sent, None, &Written::new(), governed);
        let theirs = existing(Some("MINE"), 500);

        for stage in ["CUSTOMER", "CHURNED", "NEW"] {
            let sent = fields_to_write(&draft(stage), Some(&theirs), &written, governed, NOW);
            assert!(!sent.contains_key("stage"), "{stage}");
            written = remember(&draft(stage), &sent, Some(&theirs), &written, governed);
        }
    }
}
