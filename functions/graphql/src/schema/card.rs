//! Decision cards.

use async_graphql::{Enum, ID, SimpleObject};
use shared::domain::card::{self, Choice, Question};
use shared::domain::id::CrmId;
use shared::{Error, Result};

use super::time::DateTime;

/// What has to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum CardQuestion {
    /// The member's e-mail belongs to somebody who is another Whop member.
    EmailTaken,
    /// Several people carry the member's e-mail.
    Several,
    /// The person is in Twenty's bin.
    Deleted,
}

/// An answer to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum CardChoice {
    /// The member is this person.
    Link,
    /// The member is somebody else: keep a person of their own, without the e-mail.
    WithoutEmail,
    /// The member is this person, which is taken out of the bin.
    Restore,
    /// Leave the member out of Twenty.
    Skip,
}

impl CardChoice {
    /// The whole answer; `person` is needed to link and to restore, and must be absent otherwise.
    pub(crate) fn with(self, person: Option<&ID>) -> Result<Choice> {
        let person = person.map(|id| id.parse::<CrmId>().map_err(|_| Error::not_found())).transpose()?;
        match (self, person) {
            (Self::Link, Some(person)) => Ok(Choice::Link(person)),
            (Self::Restore, Some(person)) => Ok(Choice::Restore(person)),
            (Self::WithoutEmail, None) => Ok(Choice::WithoutEmail),
            (Self::Skip, None) => Ok(Choice::Skip),
            (Self::Link | Self::Restore, None) => {
                Err(Error::invalid("Say which person: give its id in Twenty."))
            }
            (Self::WithoutEmail | Self::Skip, Some(_)) => {
                Err(Error::invalid("This answer is about no person: leave the person out."))
            }
        }
    }
}

/// A person in Twenty who might be the member.
#[derive(SimpleObject)]
pub(crate) struct CardCandidate {
    /// The person's id in Twenty.
    person: ID,
    /// The Whop member this person is already.
    member: Option<ID>,
    /// True if the person is in Twenty's bin.
    deleted: bool,
}

/// An answer that a card allows.
#[derive(SimpleObject)]
pub(crate) struct AllowedChoice {
    /// What to do.
    choice: CardChoice,
    /// With whom, if the answer needs a person.
    person: Option<ID>,
}

/// A question about a member that only a person can answer.
#[derive(SimpleObject)]
pub(crate) struct DecisionCard {
    /// The member at Whop; there is one card for each.
    member: ID,
    /// The member's name.
    name: String,
    /// What has to be decided.
    question: CardQuestion,
    /// The same for people.
    explanation: &'static str,
    /// The people in Twenty it is about.
    candidates: Vec<CardCandidate>,
    /// The answers to choose from.
    allowed: Vec<AllowedChoice>,
    /// When it was asked.
    asked_at: DateTime,
    /// The answer; null while it is open.
    choice: Option<CardChoice>,
    /// The person of the answer.
    person: Option<ID>,
    /// When it was answered.
    settled_at: Option<DateTime>,
}

impl From<card::Card> for DecisionCard {
    fn from(card: card::Card) -> Self {
        let allowed = every_choice(&card.question).into_iter().filter(|choice| card.allows(choice));
        let allowed = allowed.map(|choice| AllowedChoice { choice: verb(&choice), person: person(&choice) });
        let (question, explanation) = asked(&card.question);
        Self {
            allowed: allowed.collect(),
            candidates: card.question.candidates().iter().map(candidate).collect(),
            member: card.member.as_str().into(),
            name: card.name,
            question,
            explanation,
            asked_at: card.asked_at.into(),
            choice: card.choice.as_ref().map(verb),
            person: card.choice.as_ref().and_then(person),
            settled_at: card.settled_at.map(DateTime),
        }
    }
}

/// Some cards.
#[derive(SimpleObject)]
pub(crate) struct DecisionCardPage {
    /// The cards.
    pub(crate) cards: Vec<DecisionCard>,
    /// Give this as `after` to read on; null on the last page.
    pub(crate) next: Option<String>,
}

fn every_choice(question: &Question) -> Vec<Choice> {
    let people = question.candidates().iter().map(|it| it.id);
    let about_people = people.flat_map(|id| [Choice::Link(id), Choice::Restore(id)]);
    about_people.chain([Choice::WithoutEmail, Choice::Skip]).collect()
}

fn verb(choice: &Choice) -> CardChoice {
    match choice {
        Choice::Link(_) => CardChoice::Link,
        Choice::WithoutEmail => CardChoice::WithoutEmail,
        Choice::Restore(_) => CardChoice::Restore,
        Choice::Skip => CardChoice::Skip,
    }
}

fn person(choice: &Choice) -> Option<ID> {
    match choice {
        Choice::Link(id) | Choice::Restore(id) => Some(id.to_string().into()),
        Choice::WithoutEmail | Choice::Skip => None,
    }
}

fn candidate(it: &card::Candidate) -> CardCandidate {
    CardCandidate {
        person: it.id.to_string().into(),
        member: it.member.as_deref().map(ID::from),
        deleted: it.deleted,
    }
}

fn asked(question: &Question) -> (CardQuestion, &'static str) {
    match question {
        Question::EmailTaken { .. } => (
            CardQuestion::EmailTaken,
            "The e-mail of this member belongs to a person in Twenty who is another Whop member.",
        ),
        Question::Several { .. } => {
            (CardQuestion::Several, "Several people in Twenty carry the e-mail of this member.")
        }
        Question::Deleted { .. } => {
            (CardQuestion::Deleted, "The person this member was, or could be, was deleted in Twenty.")
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::time::Timestamp;

    use super::*;

    fn card(question: Question) -> DecisionCard {
        let (member, name) = ("mber_1".parse().unwrap(), "Ada".to_owned());
        let asked_at = Timestamp::from_millis(0);
        card::Card { member, name, question, asked_at, choice: None, settled_at: None }.into()
    }

    const PERSON: &str = "00000000-0000-0000-0000-000000000000";

    fn someone(member: Option<&str>, deleted: bool) -> card::Candidate {
        card::Candidate { id: PERSON.parse().unwrap(), member: member.map(str::to_owned), deleted }
    }

    fn verbs(card: &DecisionCard) -> Vec<CardChoice> {
        card.allowed.iter().map(|it| it.choice).collect()
    }

    #[test]
    fn a_person_who_is_another_member_cannot_be_linked() {
        let taken = card(Question::EmailTaken { holders: vec![someone(Some("mber_2"), false)] });

        assert_eq!(verbs(&taken), [CardChoice::WithoutEmail, CardChoice::Skip]);
    }

    #[test]
    fn a_deleted_person_can_be_restored_but_not_linked() {
        let deleted = card(Question::Deleted { person: vec![someone(None, true)] });

        assert_eq!(verbs(&deleted), [CardChoice::Restore, CardChoice::WithoutEmail, CardChoice::Skip]);
    }

    #[test]
    fn an_answer_names_a_person_just_when_it_is_about_one() {
        let person = ID::from(PERSON);

        assert!(CardChoice::Link.with(Some(&person)).is_ok());
        assert!(CardChoice::Link.with(None).is_err());
        assert!(CardChoice::Skip.with(Some(&person)).is_err());
        assert!(CardChoice::Restore.with(Some(&"somebody".into())).is_err());
    }
}
