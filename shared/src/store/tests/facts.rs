use super::*;
use crate::domain::fact::{Fact, Parent};
use crate::domain::money::{Currency, Money};
use crate::domain::source::{Dispute, RecordRef, Refund, Variant};
use crate::domain::words::{DisputeStatus, RefundStatus};

fn refund(name: &str, payment: &str, status: &str, updated: u64) -> Fact {
    Fact::Refund(Refund {
        id: id(name),
        payment: id(payment),
        status: RefundStatus::from(status),
        reason: None,
        amount: Some(Money::from_minor(4_900, &Currency::new("usd"))),
        created_at: NOW,
        updated_at: later(updated),
    })
}

fn dispute(name: &str, payment: &str) -> Fact {
    Fact::Dispute(Dispute {
        id: id(name),
        payment: id(payment),
        status: DisputeStatus::NeedsResponse,
        reason: "fraudulent".to_owned(),
        amount: None,
        evidence_due_at: Some(later(9)),
        created_at: NOW,
        updated_at: NOW,
    })
}

fn variant(name: &str, product: Option<&str>) -> Variant {
    Variant {
        id: id(name),
        product: product.map(id),
        title: None,
        formatted_price: "$49.00 / month".to_owned(),
        renews: true,
        billing_days: Some(30),
        initial_price: None,
        renewal_price: Some(Money::from_minor(4_900, &Currency::new("usd"))),
        updated_at: NOW,
    }
}

fn payment(name: &str) -> Parent {
    Parent::Payment(id(name))
}

impl Fixture {
    async fn put_fact(&self, fact: &Fact, read: u64) -> Kept {
        self.store.put_fact(workspace(1), fact, later(read)).await.unwrap()
    }

    async fn facts(&self, parent: &Parent) -> Vec<Fact> {
        self.store.facts_of(workspace(1), parent).await.unwrap()
    }
}

#[tokio::test]
async fn the_latest_fact_stays() {
    let fixture = Fixture::start().await;
    let fact = |status, updated| refund("rf_1", "pay_1", status, updated);

    assert_eq!(fixture.put_fact(&fact("pending", 5), 5).await, Kept::New);
    assert_eq!(fixture.put_fact(&fact("pending", 5), 6).await, Kept::Same);
    assert_eq!(fixture.put_fact(&fact("succeeded", 7), 7).await, Kept::Changed);
    assert_eq!(fixture.put_fact(&fact("pending", 5), 9).await, Kept::Same);
    assert_eq!(fixture.put_fact(&fact("failed", 7), 6).await, Kept::Same);
    assert_eq!(fixture.put_fact(&fact("canceled", 7), 8).await, Kept::Changed);

    assert_eq!(fixture.facts(&payment("pay_1")).await, [fact("canceled", 7)]);
}

#[tokio::test]
async fn a_fact_whose_answer_was_lost_counts_as_changed() {
    let fixture = Fixture::start().await;
    fixture.lose_next_answer("PutItem");

    assert_eq!(fixture.put_fact(&dispute("dspt_1", "pay_1"), 1).await, Kept::Changed);
}

#[tokio::test]
async fn a_fact_that_is_read_twice_at_one_moment_says_nothing_new_the_second_time() {
    let fixture = Fixture::start().await;
    let fact = dispute("dspt_1", "pay_1");

    assert_eq!(fixture.put_fact(&fact, 1).await, Kept::New);
    assert_eq!(fixture.put_fact(&fact, 1).await, Kept::Same);

    fixture.lose_next_answer("PutItem");
    assert_eq!(fixture.put_fact(&fact, 1).await, Kept::Same, "nor does a lost answer make it new");
}

#[tokio::test]
async fn facts_are_found_under_what_they_colour_and_nowhere_else() {
    let fixture = Fixture::start().await;
    let ours = [dispute("dspt_1", "pay_1"), refund("rf_1", "pay_1", "pending", 1)];
    for fact in ours.iter().chain([&refund("rf_2", "pay_10", "pending", 1)]) {
        fixture.put_fact(fact, 1).await;
    }

    assert_eq!(fixture.facts(&payment("pay_1")).await, ours);
    assert_eq!(fixture.facts(&payment("pay_2")).await, []);
    assert_eq!(fixture.store.facts_of(workspace(2), &payment("pay_1")).await.unwrap(), []);
    fixture
        .store
        .delete_fact(workspace(1), &payment("pay_1"), &RecordRef::Refunds(id("rf_1")))
        .await
        .unwrap();

    assert_eq!(fixture.facts(&payment("pay_1")).await, ours[..1]);
}

#[tokio::test]
async fn variants_are_found_by_product_and_name() {
    let fixture = Fixture::start().await;
    let (one, two) = (variant("plan_1", Some("prod_1")), variant("plan_2", Some("prod_2")));
    fixture.put_fact(&Fact::Variant(one.clone()), 1).await;
    fixture.put_fact(&Fact::Variant(two.clone()), 1).await;
    assert_eq!(fixture.put_fact(&Fact::Variant(variant("plan_3", None)), 1).await, Kept::Same);

    let asked = [("prod_1", "plan_1"), ("prod_2", "plan_2"), ("prod_1", "plan_2"), ("prod_1", "plan_1")];
    let asked = asked.map(|(product, variant)| (id(product), id(variant)));
    let found = fixture.store.variants(workspace(1), &asked).await.unwrap();

    assert_eq!(found, [(one.id.clone(), one), (two.id.clone(), two)].into());
}

#[tokio::test]
async fn more_facts_than_a_page_holds_all_come() {
    let fixture = Fixture::start().await;
    for number in 0..205 {
        fixture.put_fact(&refund(&format!("rf_{number}"), "pay_1", "pending", 1), 1).await;
    }

    assert_eq!(fixture.facts(&payment("pay_1")).await.len(), 205);
}
