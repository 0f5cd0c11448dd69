//! What a workspace chose.

use async_graphql::{Enum, InputObject, SimpleObject};
use shared::domain::policy;
use shared::domain::schema::{FIELDS, Field, Kind, Object, option_label};
use shared::domain::settings::Settings as Chosen;
use shared::domain::words::MembershipStatus;
use shared::{Error, Result};

/// Who wins over a field when Whop and a person in Twenty disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "policy::FieldPolicy")]
pub(crate) enum FieldPolicy {
    /// Whop's value is always written.
    WhopWins,
    /// Whop's value is written only where the field is empty.
    OnlyIfEmpty,
    /// Whop's value is written until a person changes it; then theirs stays.
    CrmWins,
    /// A person's change stays until the fact at Whop is newer.
    Newest,
}

/// The stage of the opportunity for one status of a membership.
#[derive(SimpleObject)]
pub(crate) struct StageRule {
    /// The status, as Whop writes it.
    status: &'static str,
    /// The status for people.
    label: String,
    /// The stage's value in Twenty.
    stage: String,
}

/// Who wins over one field.
#[derive(SimpleObject)]
pub(crate) struct PolicyRule {
    /// The object in Twenty, for instance `person`.
    object: &'static str,
    /// The object for people.
    object_label: &'static str,
    /// The field in Twenty, for instance `name`.
    field: &'static str,
    /// The field for people.
    label: String,
    /// Who wins now.
    policy: FieldPolicy,
    /// Who wins unless you choose otherwise.
    default: FieldPolicy,
}

/// What the workspace chose, with the defaults where it did not.
#[derive(SimpleObject)]
pub(crate) struct Settings {
    /// The stage for every status of a membership.
    stages: Vec<StageRule>,
    /// Who wins, for every field we write.
    policies: Vec<PolicyRule>,
}

impl From<&Chosen> for Settings {
    fn from(chosen: &Chosen) -> Self {
        let stages = MembershipStatus::KNOWN.iter().map(|word| StageRule {
            status: word,
            label: option_label(word),
            stage: chosen.stage(&MembershipStatus::from(*word)).to_owned(),
        });
        Self { stages: stages.collect(), policies: governed().map(|field| rule(chosen, field)).collect() }
    }
}

/// The fields people can claim: all but the Whop ids, which hold the two sides together.
fn governed() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(|field| field.kind != Kind::Key)
}

fn rule(chosen: &Chosen, field: &Field) -> PolicyRule {
    PolicyRule {
        object: field.object.singular(),
        object_label: field.object.labels().0,
        field: field.name,
        label: label(field),
        policy: chosen.policy(field.object, field.name).into(),
        default: field.policy.into(),
    }
}

/// Fields that Twenty brings have no label of ours: `closeDate` → `Close date`.
fn label(field: &Field) -> String {
    if !field.label.is_empty() {
        return field.label.to_owned();
    }
    let apart = |letter: char| letter.is_ascii_uppercase().then_some('_').into_iter().chain([letter]);
    option_label(&field.name.chars().flat_map(apart).collect::<String>())
}

/// A choice of a stage.
#[derive(InputObject)]
pub(crate) struct StageInput {
    /// The status, as Whop writes it.
    status: String,
    /// The stage's value in Twenty: capital letters, digits and underscores. Null goes back to the default.
    stage: Option<String>,
}

/// A choice of who wins.
#[derive(InputObject)]
pub(crate) struct PolicyInput {
    /// The object in Twenty, for instance `person`.
    object: String,
    /// The field in Twenty, for instance `name`.
    field: String,
    /// Who wins. Null goes back to the default.
    policy: Option<FieldPolicy>,
}

/// `chosen` with the given changes; what they do not name stays as it is.
pub(crate) fn with_changes(
    mut chosen: Chosen,
    stages: Vec<StageInput>,
    policies: Vec<PolicyInput>,
) -> Result<Chosen> {
    for input in stages {
        match input.stage {
            Some(stage) => chosen.stages.insert(input.status, stage),
            None => chosen.stages.remove(&input.status),
        };
    }
    for input in policies {
        let field = governed_field(&input)?;
        let name = format!("{}.{}", field.object.singular(), field.name);
        match input.policy.map(policy::FieldPolicy::from).filter(|it| *it != field.policy) {
            Some(policy) => chosen.policies.insert(name, policy),
            None => chosen.policies.remove(&name),
        };
    }
    Ok(chosen)
}

fn governed_field(input: &PolicyInput) -> Result<&'static Field> {
    let object = Object::ALL.into_iter().find(|object| object.singular() == input.object);
    let mut fields = governed().filter(|field| Some(field.object) == object);
    let field = fields.find(|field| field.name == input.field);
    field.ok_or_else(|| {
        Error::invalid("There is no such field. See settings for the objects and fields to choose from.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(status: &str, stage: Option<&str>) -> StageInput {
        StageInput { status: status.to_owned(), stage: stage.map(str::to_owned) }
    }

    fn policy(field: &str, policy: Option<FieldPolicy>) -> PolicyInput {
        PolicyInput { object: "person".to_owned(), field: field.to_owned(), policy }
    }

    #[test]
    fn what_a_change_does_not_name_stays() {
        let before = with_changes(Chosen::default(), vec![stage("active", Some("WON"))], vec![]).unwrap();

        let after = with_changes(
            before,
            vec![stage("canceled", Some("LOST"))],
            vec![policy("name", Some(FieldPolicy::Newest))],
        )
        .unwrap();

        assert_eq!(after.stage(&"active".into()), "WON");
        assert_eq!(after.stage(&"canceled".into()), "LOST");
        assert_eq!(after.policy(Object::Person, "name"), policy::FieldPolicy::Newest);
    }

    #[test]
    fn nothing_is_kept_of_a_choice_that_goes_back_to_the_default() {
        let chosen = vec![policy("name", Some(FieldPolicy::Newest))];
        let before = with_changes(Chosen::default(), vec![stage("active", Some("WON"))], chosen).unwrap();

        let after = with_changes(
            before,
            vec![stage("active", None)],
            vec![policy("name", Some(FieldPolicy::CrmWins))],
        )
        .unwrap();

        assert_eq!(after, Chosen::default());
    }

    #[test]
    fn a_field_that_nobody_can_claim_is_refused() {
        for bad in ["shoeSize", "whopMemberId"] {
            let change = vec![policy(bad, Some(FieldPolicy::Newest))];

            assert!(with_changes(Chosen::default(), vec![], change).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_field_has_a_label_for_people() {
        let settings = Settings::from(&Chosen::default());

        assert!(settings.policies.iter().all(|rule| !rule.label.is_empty()));
        assert!(settings.policies.iter().any(|rule| rule.label == "Close date"));
    }
}
