use super::*;
use crate::domain::card::{Candidate, Card, Choice, Question};
use crate::domain::id::CrmId;
use crate::store::listing::Listed;

fn person(number: u128) -> Candidate {
    Candidate { id: CrmId(Uuid::from_u128(number)), member: None, deleted: false }
}

fn card(member: &str, people: &[u128]) -> Card {
    Card {
        member: id(member),
        name: "Ada".to_owned(),
        question: Question::Several { people: people.iter().copied().map(person).collect() },
        asked_at: NOW,
        choice: None,
        settled_at: None,
    }
}

impl Fixture {
    async fn ask(&self, card: &Card) -> bool {
        self.store.put_card(workspace(1), card).await.unwrap()
    }

    async fn settle(&self, card: &Card, choice: &Choice, at: Timestamp) -> Option<Card> {
        self.store.settle_card(workspace(1), card, choice, at).await.unwrap()
    }
}

#[tokio::test]
async fn the_same_question_is_asked_once_and_keeps_its_answer() {
    let fixture = Fixture::start().await;
    let again = Card { asked_at: later(9), ..card("mber_1", &[1, 2]) };

    assert!(fixture.ask(&card("mber_1", &[1, 2])).await);
    assert!(!fixture.ask(&again).await);
    let settled = fixture.settle(&again, &Choice::Skip, later(10)).await.unwrap();
    assert!(!fixture.ask(&again).await);

    assert_eq!((settled.asked_at, settled.settled_at), (NOW, Some(later(10))));
    let found = fixture.store.find_card(workspace(1), &id("mber_1")).await.unwrap();
    assert_eq!(found, Some(settled));
}

#[tokio::test]
async fn another_question_takes_the_place_of_an_answer() {
    let fixture = Fixture::start().await;
    let (old, new) = (card("mber_1", &[1, 2]), card("mber_1", &[1, 2, 3]));
    fixture.ask(&old).await;
    fixture.settle(&old, &Choice::Skip, later(1)).await.unwrap();

    assert!(fixture.ask(&new).await);

    assert_eq!(fixture.store.find_card(workspace(1), &id("mber_1")).await.unwrap(), Some(new));
    assert_eq!(fixture.settle(&old, &Choice::Skip, later(2)).await, None);
}

#[tokio::test]
async fn of_two_who_settle_a_card_the_second_loses() {
    let fixture = Fixture::start().await;
    let elsewhere = card("mber_2", &[1]);
    let card = card("mber_1", &[1, 2]);
    fixture.ask(&card).await;

    assert!(fixture.settle(&card, &Choice::WithoutEmail, later(1)).await.is_some());
    assert_eq!(fixture.settle(&card, &Choice::Link(person(1).id), later(2)).await, None);
    assert_eq!(fixture.settle(&elsewhere, &Choice::Skip, later(1)).await, None);

    let found = fixture.store.find_card(workspace(1), &id("mber_1")).await.unwrap().unwrap();
    assert_eq!(found.choice, Some(Choice::WithoutEmail));
}

#[tokio::test]
async fn open_cards_are_listed_apart_in_full_pages() {
    let fixture = Fixture::start().await;
    for number in 0..9 {
        let card = card(&format!("mber_{number}"), &[1]);
        fixture.ask(&card).await;
        if number % 3 != 0 {
            fixture.settle(&card, &Choice::Skip, later(1)).await.unwrap();
        }
    }
    let list = async |which, cursor: Option<String>| {
        fixture.store.list_cards(workspace(1), which, 2, cursor.as_deref()).await.unwrap()
    };
    let names = |page: &Listed<Card>| page.items.iter().map(|it| it.member.to_string()).collect::<Vec<_>>();

    let first = list(Cards::Open, None).await;
    let second = list(Cards::Open, first.next.clone()).await;

    assert_eq!(names(&first), ["mber_0", "mber_3"]);
    assert_eq!(names(&second), ["mber_6"]);
    assert_eq!(second.next, None);
    assert_eq!(names(&list(Cards::All, None).await), ["mber_0", "mber_1"]);
    fixture.store.delete_card(workspace(1), &id("mber_6")).await.unwrap();
    assert_eq!(names(&list(Cards::Open, first.next).await), Vec::<String>::new());
}
