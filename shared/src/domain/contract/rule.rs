//! When a rule of a workspace's sends a contract, and which.
//!
//! Pure. A rule is about what begins after it was switched on: a membership counts by its start, never by an event, for
//! Whop says "activated" of a recovered payment, too.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::request::SignerRequest;
use super::settings::{Automation, ContractSettings, Trigger};
use super::{ContractRequest, ProviderName, Source};
use crate::domain::id::{CrmId, MembershipId, ProductId};
use crate::domain::source::Membership;
use crate::domain::time::Timestamp;
use crate::domain::words::MembershipStatus;

/// A copy of what the rules wait for, kept where the sync reads anyway. It only saves jobs that would do nothing: whoever
/// does a job asks the settings themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Awaited {
    /// The version of the settings it was copied from; 0 for none.
    pub of: u64,
    /// The products that rules wait for, and since when the first of them does.
    pub products: BTreeMap<ProductId, Timestamp>,
}

impl Awaited {
    /// What these settings wait for.
    pub fn copied(settings: &ContractSettings) -> Self {
        let mut products: BTreeMap<ProductId, Timestamp> = BTreeMap::new();
        for rule in &settings.automations {
            if let (Trigger::MembershipActive { product }, Some(since)) = (&rule.trigger, rule.runs_since()) {
                let first = products.entry(product.clone()).or_insert(since);
                *first = since.min(*first);
            }
        }
        Self { of: settings.version, products }
    }

    /// True if a rule may want this membership.
    pub fn may_want(&self, membership: &Membership) -> bool {
        let since = self.products.get(&membership.product);
        is_active(&membership.status) && since.is_some_and(|since| membership.created_at >= *since)
    }
}

/// True for a membership that was bought and is neither over nor in arrears.
pub fn is_active(status: &MembershipStatus) -> bool {
    matches!(
        status,
        MembershipStatus::Active
            | MembershipStatus::Trialing
            | MembershipStatus::Completed
            | MembershipStatus::Canceling
    )
}

/// An opportunity, as far as a rule needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct Deal {
    pub id: CrmId,
    pub stage: Option<String>,
    /// Those of a membership; nothing for an opportunity that is none.
    pub status: Option<MembershipStatus>,
    pub product: Option<ProductId>,
    pub started_at: Option<Timestamp>,
    /// Its point of contact.
    pub person: Option<Party>,
}

/// Whom a contract goes to.
#[derive(Clone, PartialEq, Eq)]
pub struct Party {
    pub id: CrmId,
    pub name: String,
    pub email: Option<String>,
}

impl std::fmt::Debug for Deal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deal").field("id", &self.id).field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Party").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a rule is followed for. Once for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    Membership(MembershipId),
    Opportunity(CrmId),
}

impl std::fmt::Display for Occasion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Membership(id) => id.fmt(f),
            Self::Opportunity(id) => id.fmt(f),
        }
    }
}

/// Why a rule sent nothing. The words are for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    #[error("the opportunity was deleted in the CRM")]
    Deleted,
    #[error("the membership is not active any more")]
    NotActive,
    #[error("the opportunity left the stage before the contract was sent")]
    StageLeft,
    #[error("the opportunity has no point of contact")]
    NoPerson,
    #[error("the person has no e-mail address")]
    NoEmail,
    #[error("no provider is chosen")]
    NoProvider,
    #[error("there is no account at {0}")]
    NoAccount(ProviderName),
    #[error("{0}")]
    Invalid(String),
    #[error("Twenty refused the question: {0}")]
    Refused(String),
}

impl Skip {
    /// Whether this deal is still what the rule waits for. A deal that never was is none of the rule's business.
    pub fn of(rule: &Automation, deal: &Deal) -> Option<Self> {
        match &rule.trigger {
            Trigger::MembershipActive { .. } => {
                (!deal.status.as_ref().is_some_and(is_active)).then_some(Self::NotActive)
            }
            Trigger::OpportunityStage { stage } => {
                (deal.stage.as_ref() != Some(stage)).then_some(Self::StageLeft)
            }
        }
    }
}

impl Automation {
    /// Since when it is followed; nothing if it is switched off.
    pub fn runs_since(&self) -> Option<Timestamp> {
        self.since.filter(|_| self.enabled)
    }

    /// True if it waits for memberships such as this one.
    pub fn waits_for(&self, deal: &Deal) -> bool {
        let Trigger::MembershipActive { product } = &self.trigger else { return false };
        let began = self.runs_since().zip(deal.started_at).is_some_and(|(since, at)| at >= since);
        began && deal.product.as_ref() == Some(product)
    }

    /// The name of the one contract that it ever makes of this.
    pub fn name_for(&self, occasion: &Occasion) -> String {
        format!("auto-{}-{occasion}", self.name)
    }

    /// What it asks for.
    ///
    /// The person signs at the first number that the others leave free: first, unless somebody else is to.
    pub fn request(
        &self,
        deal: &Deal,
        party: &Party,
        provider: ProviderName,
    ) -> Result<ContractRequest, Skip> {
        let email = party.email.clone().ok_or(Skip::NoEmail)?;
        // An address is a name, too, and the only one we have then.
        let name = if party.name.trim().is_empty() { email.clone() } else { party.name.clone() };
        let taken: BTreeSet<u16> = self.others.iter().map(|it| it.order).collect();
        let order = (1..=u16::MAX).find(|order| !taken.contains(order));
        let mut signers = vec![SignerRequest { name, email, role: Some(self.role.clone()), order }];
        signers.extend(self.others.iter().map(|it| SignerRequest {
            name: it.name.clone(),
            email: it.email.clone(),
            role: Some(it.role.clone()),
            order: Some(it.order),
        }));
        Ok(ContractRequest {
            title: self.subject.clone(),
            subject: None,
            message: self.message.clone(),
            source: Source::Template { template: self.template.clone() },
            signers,
            fields: BTreeMap::new(),
            metadata: BTreeMap::new(),
            expires_in_days: self.expires_in_days,
            reminders: self.reminders,
            person: Some(party.id),
            opportunity: Some(deal.id),
            provider: Some(provider),
        })
    }

    /// What the draft of its message is asked for with.
    pub fn wanted(&self) -> String {
        let mut wanted = format!(
            "A short, friendly message that goes with a contract to be signed, titled \"{}\". It invites the person to \
             read and sign it. It promises nothing, names no price and has no links, no placeholders and no signature.",
            self.subject
        );
        if let Some(message) = &self.message {
            wanted.push_str(" It says in other words: ");
            wanted.push_str(message);
        }
        wanted
    }
}

/// A drafted message as a provider takes it; nothing if nothing is left of it.
pub fn cut(message: &str, longest: usize) -> Option<String> {
    let kept: String = message.trim().chars().take(longest).collect();
    let kept = kept.trim_end();
    (!kept.is_empty()).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::settings::FixedSigner;
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_420_800_000);
    const HOUR: Duration = Duration::from_hours(1);

    fn rule(name: &str, since: Timestamp) -> Automation {
        Automation {
            name: name.to_owned(),
            enabled: true,
            since: Some(since),
            trigger: Trigger::MembershipActive { product: "prod_1".parse().unwrap() },
            template: "tpl_1".parse().unwrap(),
            provider: None,
            role: "Member".to_owned(),
            others: Vec::new(),
            subject: "Your agreement".to_owned(),
            message: Some("Please sign.".to_owned()),
            ai_message: false,
            expires_in_days: None,
            reminders: None,
        }
    }

    fn deal() -> Deal {
        let person = Party { id: CrmId(uuid::Uuid::nil()), name: "Ada".to_owned(), email: None };
        Deal {
            id: CrmId(uuid::Uuid::nil()),
            stage: Some("CUSTOMER".to_owned()),
            status: Some(MembershipStatus::Active),
            product: Some("prod_1".parse().unwrap()),
            started_at: Some(NOON),
            person: Some(person),
        }
    }

    fn ada() -> Party {
        let email = Some("ada@example.com".to_owned());
        Party { id: CrmId(uuid::Uuid::nil()), name: "Ada".to_owned(), email }
    }

    fn at(order: u16) -> FixedSigner {
        let (role, name, email) = ("Seller".to_owned(), "Sam".to_owned(), format!("sam{order}@example.com"));
        FixedSigner { role, name, email, order }
    }

    #[test]
    fn the_copy_names_the_products_of_rules_that_run_since_the_first_of_them() {
        let off = Automation { enabled: false, ..rule("off", NOON - HOUR - HOUR) };
        let automations = vec![off, rule("late", NOON), rule("early", NOON - HOUR)];

        let copy = Awaited::copied(&ContractSettings { version: 3, automations, ..Default::default() });

        assert_eq!(copy.of, 3);
        assert_eq!(copy.products, BTreeMap::from([("prod_1".parse().unwrap(), NOON - HOUR)]));
    }

    #[test]
    fn a_membership_from_before_the_rule_is_never_waited_for() {
        assert!(rule("a", NOON).waits_for(&deal()));
        assert!(!rule("a", NOON + HOUR).waits_for(&deal()));
        assert!(!Automation { enabled: false, ..rule("a", NOON) }.waits_for(&deal()));
        let other = Deal { product: Some("prod_2".parse().unwrap()), ..deal() };
        assert!(!rule("a", NOON).waits_for(&other));
        let unknown = Deal { started_at: None, ..deal() };
        assert!(!rule("a", NOON).waits_for(&unknown));
    }

    #[test]
    fn a_membership_that_is_over_by_now_is_left_alone() {
        for status in [MembershipStatus::Expired, MembershipStatus::PastDue, MembershipStatus::Drafted] {
            let deal = Deal { status: Some(status), ..deal() };
            assert_eq!(Skip::of(&rule("a", NOON), &deal), Some(Skip::NotActive));
        }
        assert_eq!(Skip::of(&rule("a", NOON), &deal()), None);
        let trigger = Trigger::OpportunityStage { stage: "MEETING".to_owned() };
        assert_eq!(Skip::of(&Automation { trigger, ..rule("a", NOON) }, &deal()), Some(Skip::StageLeft));
    }

    #[test]
    fn the_person_signs_at_the_first_number_that_is_free() {
        let order = |others: Vec<FixedSigner>| {
            let rule = Automation { others, ..rule("a", NOON) };
            rule.request(&deal(), &ada(), ProviderName::DocuSign).unwrap().signers.remove(0).order
        };

        assert_eq!(order(vec![]), Some(1));
        assert_eq!(order(vec![at(2)]), Some(1));
        assert_eq!(order(vec![at(1)]), Some(2));
        assert_eq!(order(vec![at(1), at(3)]), Some(2));
    }

    #[test]
    fn nobody_without_an_address_is_written_to() {
        let rule = rule("a", NOON);
        let nobody = Party { email: None, ..ada() };
        assert_eq!(rule.request(&deal(), &nobody, ProviderName::DocuSign), Err(Skip::NoEmail));
        let nameless = Party { name: " ".to_owned(), ..ada() };
        let request = rule.request(&deal(), &nameless, ProviderName::DocuSign).unwrap();
        assert_eq!(request.signers[0].name, "ada@example.com");
    }

    #[test]
    fn a_draft_is_cut_at_characters_and_an_empty_one_is_none() {
        assert_eq!(cut(" Grüße und Küsse ", 5).unwrap(), "Grüße");
        assert_eq!(cut("Grüße und", 6).unwrap(), "Grüße");
        assert_eq!(cut(" \n ", 5), None);
    }
}
