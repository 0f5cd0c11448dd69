use super::*;
use crate::domain::grant::Sealed;
use crate::domain::insight::attempt::{Attempt, Ending};
use crate::domain::insight::budget::{Amount, DailyLimit, Reservation};
use crate::domain::insight::cost::{NanoDollars, Usage};
use crate::domain::insight::operation::Operation;
use crate::domain::insight::request::ProviderName;
use crate::domain::insight::settings::InsightSettings;
use crate::domain::insight::usage::Tally;

const DAY: &str = "2026-11-23";

fn reservation(id: &str, tokens: u64, nano: u64) -> Reservation {
    let amount = Amount { tokens, nano_dollars: NanoDollars(nano) };
    Reservation { id: id.to_owned(), day: DAY.to_owned(), amount, until: later(600) }
}

const LIMIT: DailyLimit = DailyLimit { tokens: Some(1_000), nano_dollars: Some(NanoDollars(500)) };

impl Fixture {
    async fn reserve(&self, it: &Reservation) -> Reserved {
        self.store.reserve(workspace(1), it, &LIMIT).await.unwrap()
    }

    async fn settle_call(&self, it: &Reservation, tokens: u64, at: u64) -> bool {
        let actual = Amount { tokens, nano_dollars: NanoDollars(tokens / 10) };
        self.store.settle_call(workspace(1), it, actual, later(at)).await.unwrap()
    }

    async fn spent(&self) -> (u64, u64) {
        let spent = self.store.spent(workspace(1), DAY).await.unwrap();
        (spent.tokens, spent.nano_dollars.0)
    }
}

#[tokio::test]
async fn a_budget_is_taken_settled_and_never_overdrawn() {
    let fixture = Fixture::start().await;
    let (one, two, three) = (reservation("a1", 600, 60), reservation("b2", 400, 40), reservation("c3", 1, 0));

    assert_eq!(fixture.reserve(&one).await, Reserved::Yes);
    assert_eq!(fixture.reserve(&two).await, Reserved::Yes);
    assert_eq!(fixture.reserve(&three).await, Reserved::Spent);
    assert!(fixture.settle_call(&one, 100, 5).await);
    assert!(!fixture.settle_call(&one, 100, 5).await, "only once");

    assert_eq!(fixture.spent().await, (500, 50));
    assert_eq!(fixture.reserve(&three).await, Reserved::Yes);
}

#[tokio::test]
async fn money_is_a_limit_of_its_own_and_no_limit_is_none() {
    let fixture = Fixture::start().await;
    let dear = reservation("a1", 1, 501);

    assert_eq!(fixture.reserve(&dear).await, Reserved::Spent);
    assert_eq!(fixture.reserve(&reservation("b2", 1, 500)).await, Reserved::Yes);
    assert_eq!(fixture.reserve(&reservation("c3", 1, 1)).await, Reserved::Spent);
    let none = DailyLimit { tokens: None, nano_dollars: None };
    assert_eq!(fixture.store.reserve(workspace(1), &dear, &none).await.unwrap(), Reserved::Yes);
    assert_eq!(
        fixture.store.reserve(workspace(2), &reservation("d4", 1, 500), &LIMIT).await.unwrap(),
        Reserved::Yes
    );
}

#[tokio::test]
async fn a_reservation_that_nobody_settles_in_time_stays_booked_in_full() {
    let fixture = Fixture::start().await;
    let late = reservation("a1", 600, 60);
    fixture.reserve(&late).await;

    assert!(!fixture.settle_call(&late, 1, 600).await);

    assert_eq!(fixture.spent().await, (600, 60));
}

#[tokio::test]
async fn parallel_callers_take_no_more_than_there_is() {
    let fixture = Fixture::start().await;
    let wanted: Vec<Reservation> = (0..12).map(|it| reservation(&format!("{it:02x}"), 150, 1)).collect();

    let taken = futures_util::future::join_all(wanted.iter().map(|it| fixture.reserve(it))).await;

    assert_eq!(taken.iter().filter(|it| **it == Reserved::Yes).count(), 6);
    assert_eq!(fixture.spent().await.0, 900);
}

#[tokio::test]
async fn a_reservation_whose_answer_was_lost_is_made_once() {
    let fixture = Fixture::start().await;
    fixture.lose_next_answer("UpdateItem");

    assert_eq!(fixture.reserve(&reservation("a1", 600, 60)).await, Reserved::Yes);

    assert_eq!(fixture.spent().await, (600, 60));
}

fn tally(calls: u64) -> Tally {
    let usage = Usage { uncached: 10, cached: 5, written_5m: 3, output: 7, reasoning: 2, ..Usage::default() };
    Tally { calls, usage, cost: Some(NanoDollars(40)), ..Tally::default() }
}

#[tokio::test]
async fn usage_adds_up_by_day_operation_and_model() {
    let fixture = Fixture::start().await;
    let line = |day, model| LineOf {
        day,
        operation: Operation::ScoreLead,
        provider: Some(ProviderName::OpenAi),
        model,
    };
    fixture.lose_next_answer("UpdateItem");
    for (day, model, mark) in [(DAY, "m", "1"), (DAY, "m", "2"), (DAY, "n", "3"), ("2026-12-01", "m", "4")] {
        fixture.store.add_usage(workspace(1), line(day, model), &tally(1), (mark, NOW)).await.unwrap();
    }
    let unpriced = Tally { calls: 1, failed: 1, ..Tally::default() };
    fixture.store.add_usage(workspace(1), line(DAY, "m"), &unpriced, ("5", NOW)).await.unwrap();

    let lines = fixture.store.list_usage(workspace(1), "2026-11").await.unwrap();

    assert_eq!(lines.len(), 2);
    let first = lines.iter().find(|it| it.model == "m").unwrap();
    assert_eq!((first.calls, first.failed, first.unpriced, first.nano_dollars), (3, 1, 1, NanoDollars(80)));
    assert_eq!((first.uncached, first.written, first.tokens()), (20, 6, 50));
    assert_eq!(fixture.store.list_usage(workspace(2), "2026").await.unwrap(), []);
}

#[tokio::test]
async fn an_answer_holds_until_its_time() {
    let fixture = Fixture::start().await;
    let answer = Sealed("v1.x".to_owned());
    fixture.store.put_answer(workspace(1), "work", &answer, later(10)).await.unwrap();
    let found =
        async |number, at| fixture.store.find_answer(workspace(number), "work", later(at)).await.unwrap();

    assert_eq!(found(1, 9).await, Some(answer));
    assert_eq!(found(1, 10).await, None);
    assert_eq!(found(2, 0).await, None);
}

#[tokio::test]
async fn a_name_stands_for_one_request() {
    let fixture = Fixture::start().await;
    let answer = Sealed("v1.x".to_owned());
    let name = async |print, at| {
        fixture.store.name_request(workspace(1), ("n", print), later(at), later(at + 100)).await.unwrap()
    };

    assert_eq!(name("a", 0).await, Repeat::New);
    assert_eq!(name("a", 1).await, Repeat::New, "the first one came to nothing yet");
    assert_eq!(name("b", 1).await, Repeat::Other);
    assert!(fixture.store.answer_request(workspace(1), ("n", "a"), &answer).await.unwrap());
    assert_eq!(name("a", 2).await, Repeat::Answered(answer));
    assert_eq!(name("b", 100).await, Repeat::New, "a name is free again after its time");
}

#[tokio::test]
async fn identical_work_is_done_by_one_at_a_time() {
    let fixture = Fixture::start().await;
    let begin =
        async |at, until| fixture.store.begin_work(workspace(1), "w", later(at), later(until)).await.unwrap();
    let mark = begin(0, 10).await.unwrap();

    assert_eq!(begin(9, 20).await, None);
    fixture.store.end_work(workspace(1), "w", "somebody else's").await.unwrap();
    assert_eq!(begin(9, 20).await, None);
    fixture.store.end_work(workspace(1), "w", &mark).await.unwrap();
    fixture.lose_next_answer("UpdateItem");
    assert!(begin(9, 20).await.is_some(), "a lost answer is no loss");
    assert!(begin(20, 30).await.is_some(), "one who died does not block for ever");
}

#[tokio::test]
async fn an_unpaid_provider_is_known_to_all_for_a_while() {
    let fixture = Fixture::start().await;
    fixture.store.open_circuit(workspace(1), ProviderName::OpenAi, later(900)).await.unwrap();
    let open =
        async |at| fixture.store.open_circuits(workspace(1), &ProviderName::ALL, later(at)).await.unwrap();

    assert_eq!(open(899).await, [ProviderName::OpenAi]);
    assert_eq!(open(900).await, []);
}

#[tokio::test]
async fn settings_move_by_their_version() {
    let fixture = Fixture::start().await;
    let settings =
        |version, keep_texts| InsightSettings { version, keep_texts, ..InsightSettings::default() };
    let put = async |it: &InsightSettings, was| {
        fixture.store.put_insight_settings(workspace(1), it, was).await.unwrap()
    };

    assert!(put(&settings(1, false), None).await);
    assert!(!put(&settings(1, true), None).await);
    assert!(put(&settings(2, true), Some(1)).await);
    assert!(!put(&settings(2, false), Some(1)).await);

    assert_eq!(fixture.store.find_insight_settings(workspace(1)).await.unwrap(), Some(settings(2, true)));
}

#[tokio::test]
async fn attempts_are_listed_latest_first_and_hold_no_text() {
    let fixture = Fixture::start().await;
    let attempt = |number: u32| Attempt {
        id: format!("try_{number:04}"),
        at: later(u64::from(number)),
        operation: Operation::DraftEmail,
        subject: None,
        provider: ProviderName::Anthropic,
        model: "claude-haiku-5-5".to_owned(),
        served: None,
        wire: "anthropic_messages".to_owned(),
        prompt: "email@1".to_owned(),
        number,
        usage: Usage::default(),
        estimated: false,
        cost: None,
        latency_ms: 5,
        ending: Ending::Failed("busy".to_owned()),
        request_id: None,
        dropped_temperature: false,
        texts: None,
    };
    for number in [1, 2, 2] {
        fixture.store.append_attempt(workspace(1), &attempt(number)).await.unwrap();
    }

    let listed = fixture.store.list_attempts(workspace(1), 9, None).await.unwrap().items;

    assert_eq!(listed, [attempt(2), attempt(1)]);
    assert!(fixture.items().iter().all(|item| item.get("texts").is_none()));
}
