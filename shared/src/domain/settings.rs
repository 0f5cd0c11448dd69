//! What a workspace chose: who wins over which field, and which stage a membership's status means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::policy::FieldPolicy;
use super::schema::Object;
use super::words::MembershipStatus;

/// A workspace's choices; what is absent has a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Membership status → stage of the opportunity, both as their owners write them.
    #[serde(default)]
    pub stages: BTreeMap<String, String>,
    /// `person.name` → who wins.
    #[serde(default)]
    pub policies: BTreeMap<String, FieldPolicy>,
}

impl Settings {
    /// The stage a membership of this status belongs in. A status we have not heard of goes to the first one.
    pub fn stage(&self, status: &MembershipStatus) -> &str {
        let chosen = self.stages.get(status.as_str()).map(String::as_str);
        chosen.unwrap_or(match status {
            MembershipStatus::Trialing => "PROPOSAL",
            MembershipStatus::Active
            | MembershipStatus::Completed
            | MembershipStatus::PastDue
            | MembershipStatus::Canceling => "CUSTOMER",
            MembershipStatus::Canceled | MembershipStatus::Expired => "CHURNED",
            MembershipStatus::Unresolved | MembershipStatus::Drafted | MembershipStatus::Other(_) => "NEW",
        })
    }

    /// Every stage an opportunity can be put in.
    pub fn every_stage(&self) -> Vec<String> {
        let known = MembershipStatus::KNOWN.iter().map(|word| self.stage(&MembershipStatus::from(*word)));
        let mut stages: Vec<String> = known.map(str::to_owned).collect();
        stages.sort();
        stages.dedup();
        stages
    }

    /// Who wins over a field of an object.
    pub fn policy(&self, object: Object, field: &str) -> FieldPolicy {
        let chosen = self.policies.get(&format!("{}.{field}", object.singular())).copied();
        chosen.or_else(|| object.field(field).map(|field| field.policy)).unwrap_or(FieldPolicy::WhopWins)
    }

    /// A text that differs whenever two choices differ; part of every fingerprint, so that a change of the
    /// choices rewrites the records it concerns.
    pub fn seal(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
