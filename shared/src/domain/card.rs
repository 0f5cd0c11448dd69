//! Decision cards: questions about a member that only a person can answer, and the answers.

use serde::{Deserialize, Serialize};

use super::id::{CrmId, MemberId};
use super::time::Timestamp;

/// A person in Twenty who might be the member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub id: CrmId,
    /// The Whop member this person already is, if any.
    pub member: Option<String>,
    /// True for a person in Twenty's bin.
    pub deleted: bool,
}

/// What has to be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "snake_case")]
pub enum Question {
    /// The member's e-mail belongs to a person who is another Whop member.
    EmailTaken { holders: Vec<Candidate> },
    /// Several people carry the member's e-mail.
    Several { people: Vec<Candidate> },
    /// The member's person, or the only holder of the e-mail, is in Twenty's bin.
    Deleted { person: Vec<Candidate> },
}

impl Question {
    /// The people it is about.
    pub fn candidates(&self) -> &[Candidate] {
        match self {
            Self::EmailTaken { holders } => holders,
            Self::Several { people } => people,
            Self::Deleted { person } => person,
        }
    }
}

/// The answer of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "choice", content = "person", rename_all = "snake_case")]
pub enum Choice {
    /// The member is this person.
    Link(CrmId),
    /// Make a person without the e-mail, or keep the e-mail away from the one there is.
    WithoutEmail,
    /// Take this person out of the bin; it is the member.
    Restore(CrmId),
    /// Leave the member out of the CRM.
    Skip,
}

/// A card. One per member; an answer stays until the question changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub member: MemberId,
    /// The member's name, for the person who decides.
    pub name: String,
    pub question: Question,
    pub asked_at: Timestamp,
    pub choice: Option<Choice>,
    pub settled_at: Option<Timestamp>,
}

impl Card {
    /// True if the answer is one that this question allows.
    pub fn allows(&self, choice: &Choice) -> bool {
        let people = self.question.candidates();
        let ours = |it: &Candidate| it.member.as_deref().is_none_or(|member| member == self.member.as_str());
        let open =
            |id: &CrmId, deleted| people.iter().any(|it| it.id == *id && it.deleted == deleted && ours(it));
        match choice {
            Choice::Skip | Choice::WithoutEmail => true,
            Choice::Link(id) => open(id, false),
            Choice::Restore(id) => open(id, true),
        }
    }
}
