//! Which person in Twenty a Whop member is. It never takes over somebody else's record.
//!
//! The Whop id decides. An e-mail may introduce the two once, if it leads to exactly one living person who is
//! not yet somebody else; everything less certain is a question for a person.

use super::card::{Candidate, Choice, Question};
use super::draft::Existing;
use super::id::CrmId;

/// What is known when a member meets the CRM.
#[derive(Clone, Copy, Debug)]
pub struct Meeting<'a> {
    /// The Whop member id.
    pub key: &'a str,
    /// The member's e-mail, lower case.
    pub email: Option<&'a str>,
    /// The person we linked the member to before.
    pub linked: Option<CrmId>,
    /// The id a new person would get.
    pub fresh: CrmId,
    /// Every person found by that id, the Whop id or the e-mail, deleted ones included.
    pub found: &'a [Existing],
    /// What a user decided about an earlier question.
    pub choice: Option<&'a Choice>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Write to this person.
    Update { id: CrmId, email: EmailUse, question: Option<Question> },
    /// Make a new person with this id.
    Create { id: CrmId, email: EmailUse },
    /// Write nothing and ask.
    Ask(Question),
    /// Write nothing: the user said so.
    Skip,
}

/// Whether the member's e-mail goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailUse {
    Write,
    Withhold,
}

/// Decides who the member is.
pub fn identify(meeting: &Meeting<'_>) -> Identity {
    let of_member = meeting.found.iter().find(|it| it.key.as_deref() == Some(meeting.key));
    let linked = || meeting.found.iter().find(|it| meeting.linked == Some(it.id) && it.key.is_none());
    let own_fresh = || meeting.found.iter().find(|it| it.id == meeting.fresh && it.key.is_none());
    match of_member.or_else(linked).or_else(own_fresh) {
        Some(person) => known(meeting, person),
        None => first_meeting(meeting),
    }
}

fn holders<'a>(meeting: &Meeting<'a>) -> impl Iterator<Item = &'a Existing> {
    let email = meeting.email;
    meeting.found.iter().filter(move |it| email.is_some() && it.email.as_deref() == email)
}

fn candidates<'a>(people: impl Iterator<Item = &'a Existing>) -> Vec<Candidate> {
    people.map(|it| Candidate { id: it.id, member: it.key.clone(), deleted: it.deleted }).collect()
}

/// The member has a person already; an e-mail that somebody else holds stays with them.
fn known(meeting: &Meeting<'_>, person: &Existing) -> Identity {
    if person.deleted {
        return match meeting.choice {
            Some(Choice::Restore(id)) if *id == person.id => update_restored(meeting, person),
            Some(Choice::Skip) => Identity::Skip,
            _ => Identity::Ask(Question::Deleted { person: candidates([person].into_iter()) }),
        };
    }
    update_restored(meeting, person)
}

fn update_restored(meeting: &Meeting<'_>, person: &Existing) -> Identity {
    let others = candidates(holders(meeting).filter(|it| it.id != person.id));
    // Where e-mails need not be unique, a person who has the e-mail already takes it from nobody.
    if others.is_empty() || person.email.as_deref() == meeting.email {
        return Identity::Update { id: person.id, email: EmailUse::Write, question: None };
    }
    let settled = matches!(meeting.choice, Some(Choice::WithoutEmail | Choice::Skip));
    let question = (!settled).then_some(Question::EmailTaken { holders: others });
    Identity::Update { id: person.id, email: EmailUse::Withhold, question }
}

/// The first time this member is seen.
fn first_meeting(meeting: &Meeting<'_>) -> Identity {
    let found: Vec<&Existing> = holders(meeting).collect();
    match (found.as_slice(), meeting.choice) {
        (_, Some(Choice::Skip)) => Identity::Skip,
        (_, Some(Choice::WithoutEmail)) => Identity::Create { id: meeting.fresh, email: EmailUse::Withhold },
        ([], _) => Identity::Create { id: meeting.fresh, email: EmailUse::Write },
        (people, Some(Choice::Link(id) | Choice::Restore(id))) if people.iter().any(|it| it.id == *id) => {
            Identity::Update { id: *id, email: EmailUse::Write, question: None }
        }
        ([person], _) if !person.deleted && person.key.is_none() => {
            Identity::Update { id: person.id, email: EmailUse::Write, question: None }
        }
        ([person], _) if person.deleted => {
            Identity::Ask(Question::Deleted { person: candidates(found.iter().copied()) })
        }
        ([_], _) => Identity::Ask(Question::EmailTaken { holders: candidates(found.iter().copied()) }),
        _ => Identity::Ask(Question::Several { people: candidates(found.iter().copied()) }),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::schema::Object;
    use crate::domain::time::Timestamp;

    fn id(number: u128) -> CrmId {
        CrmId(Uuid::from_u128(number))
    }

    fn person(number: u128, key: Option<&str>, email: Option<&str>) -> Existing {
        Existing {
            object: Object::Person,
            id: id(number),
            key: key.map(str::to_owned),
            email: email.map(str::to_owned),
            deleted: false,
            updated_at: Timestamp::default(),
            fields: std::collections::BTreeMap::default(),
        }
    }

    fn deleted(person: Existing) -> Existing {
        Existing { deleted: true, ..person }
    }

    fn meet(found: &[Existing], choice: Option<&Choice>) -> Identity {
        let (key, email) = ("mber_1", Some("ada@example.com"));
        identify(&Meeting { key, email, linked: None, fresh: id(100), found, choice })
    }

    #[test]
    fn a_member_nobody_knows_becomes_a_new_person() {
        assert_eq!(meet(&[], None), Identity::Create { id: id(100), email: EmailUse::Write });
    }

    #[test]
    fn an_e_mail_introduces_a_member_to_the_one_person_who_is_nobody_else_yet() {
        let found = [person(1, None, Some("ada@example.com"))];

        assert_eq!(
            meet(&found, None),
            Identity::Update { id: id(1), email: EmailUse::Write, question: None }
        );
    }

    #[test]
    fn a_person_who_is_another_member_is_never_taken_over() {
        let found = [person(1, Some("mber_2"), Some("ada@example.com"))];

        assert!(matches!(meet(&found, None), Identity::Ask(Question::EmailTaken { .. })));
        let choice = Choice::WithoutEmail;
        let alone = Identity::Create { id: id(100), email: EmailUse::Withhold };
        assert_eq!(meet(&found, Some(&choice)), alone);
        assert_eq!(meet(&found, Some(&Choice::Skip)), Identity::Skip);
    }

    #[test]
    fn a_new_e_mail_that_somebody_holds_stays_with_them_and_makes_no_second_person() {
        let found =
            [person(1, Some("mber_1"), Some("old@example.com")), person(2, None, Some("ada@example.com"))];

        let Identity::Update { id: who, email, question } = meet(&found, None) else { panic!("an update") };

        assert_eq!((who, email), (id(1), EmailUse::Withhold));
        assert!(matches!(question, Some(Question::EmailTaken { .. })));
    }

    #[test]
    fn a_deleted_person_is_not_revived_without_a_decision() {
        for found in
            [[deleted(person(1, Some("mber_1"), None))], [deleted(person(1, None, Some("ada@example.com")))]]
        {
            assert!(matches!(meet(&found, None), Identity::Ask(Question::Deleted { .. })));
            let restored = Identity::Update { id: id(1), email: EmailUse::Write, question: None };
            assert_eq!(meet(&found, Some(&Choice::Restore(id(1)))), restored);
            assert_eq!(meet(&found, Some(&Choice::Skip)), Identity::Skip);
        }
    }

    #[test]
    fn several_holders_of_an_e_mail_are_a_question() {
        let found = [person(1, None, Some("ada@example.com")), person(2, None, Some("ada@example.com"))];

        assert!(matches!(meet(&found, None), Identity::Ask(Question::Several { .. })));
        let chosen = Identity::Update { id: id(2), email: EmailUse::Write, question: None };
        assert_eq!(meet(&found, Some(&Choice::Link(id(2)))), chosen);
    }

    #[test]
    fn a_member_whose_person_shares_the_e_mail_with_somebody_is_not_asked_about_again() {
        let found =
            [person(1, None, Some("ada@example.com")), person(2, Some("mber_1"), Some("ada@example.com"))];

        let settled = Identity::Update { id: id(2), email: EmailUse::Write, question: None };
        assert_eq!(meet(&found, None), settled);
        assert_eq!(meet(&found, Some(&Choice::Link(id(2)))), settled);
    }

    #[test]
    fn a_person_whose_whop_id_was_cleared_by_hand_is_still_the_linked_one() {
        let found = [person(7, None, None)];
        let meeting = Meeting {
            key: "mber_1",
            email: None,
            linked: Some(id(7)),
            fresh: id(100),
            found: &found,
            choice: None,
        };

        let known = Identity::Update { id: id(7), email: EmailUse::Write, question: None };
        assert_eq!(identify(&meeting), known);
    }
}
