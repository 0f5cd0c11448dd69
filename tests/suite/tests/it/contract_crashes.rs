//! A crash before and after every call of a contract's steps: never two requests at the provider, never a lost signed
//! file, never an end that is left.

use shared::domain::contract::{ProviderName, State};
use shared::domain::id::ContractId;
use shared::usecase::contracts::cancel;
use stack::pump;

use crate::contract_office::{ADA, BO, MINUTE, Office};
use crate::outage::{Point, crash};

/// Longer than the queue hides a message, and than a dead worker's lease.
const UNTIL_SEEN_AGAIN_MS: i64 = 721_000;

/// One part of a life, in which the crash happens.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Dispatch,
    LastSignature,
    Cancel,
}

/// Works off the queues up to the point, and lets the time pass until its messages are seen again.
async fn crash_in_work(office: &Office, point: Point) -> bool {
    let stack = office.stack.clone();
    let work = async move {
        pump::drain(&stack).await;
    };
    let crashed = crash(&office.stack, point, work).await;
    office.stack.clock.advance_ms(UNTIL_SEEN_AGAIN_MS);
    crashed
}

/// A life with a crash in one part of it. False if the point was not reached.
async fn live(office: &Office, part: Part, point: Point) -> bool {
    office.stack.clock.advance_ms(20 * MINUTE);
    let contract = office.ask().await;
    let mut crashed = false;
    if part == Part::Dispatch {
        crashed = crash_in_work(office, point).await;
    }
    office.rest().await;
    let request = office.find(&contract.id).await.request.expect("it was sent").to_string();
    let desk = office.desk();
    if part == Part::Cancel {
        let ended =
            cancel::cancel_contract(office.stack.app, &office.caller, &contract.id, "Wrong price").await;
        ended.unwrap();
        crashed = crash_in_work(office, point).await;
    } else {
        desk.sign(&request, ADA).unwrap();
        office.rest().await;
        office.stack.clock.advance_ms(MINUTE);
        desk.sign(&request, BO).unwrap();
        office.stack.clock.advance_ms(MINUTE);
    }
    if part == Part::LastSignature {
        for told in desk.take_deliveries() {
            office.hear(&told).await;
        }
        crashed = crash_in_work(office, point).await;
    }
    office.rest().await;
    office.tick(16 * MINUTE).await;
    office.rest().await;
    check(office, part, point, &contract.id).await;
    crashed
}

async fn check(office: &Office, part: Part, point: Point, id: &ContractId) {
    let when = format!("{} {part:?} {point:?}", office.name);
    let ended = office.find(id).await;
    let expected = if part == Part::Cancel { State::Voided } else { State::Completed };
    assert_eq!(ended.state(), expected, "{when}");
    assert_eq!(ended.signed_file.is_some(), expected == State::Completed, "{when}");
    assert!(ended.is_settled(), "{when}: {:?}", ended.owed());
    assert!(office.requests_of(id).len() <= 1, "{when}: more than one request");
    office.assert_at_rest(&when);
}

/// Every point of a part, until none is reached any more.
async fn every_point(name: ProviderName, part: Part) {
    let office = Office::open(name).await;
    let mut reached = 0;
    for call in 0.. {
        let mut any = false;
        for point in Point::both(call) {
            any |= live(&office, part, point).await;
        }
        if !any {
            break;
        }
        reached += 1;
        office.stack.faults.forget_calls();
    }
    assert!(reached >= 5, "{name} {part:?}: {reached} calls");
}

#[tokio::test]
async fn a_crash_at_any_call_of_dispatch_sends_one_contract() {
    for name in ProviderName::ALL {
        Box::pin(every_point(name, Part::Dispatch)).await;
    }
}

#[tokio::test]
async fn a_crash_at_any_call_after_the_last_signature_loses_no_signed_file() {
    for name in ProviderName::ALL {
        Box::pin(every_point(name, Part::LastSignature)).await;
    }
}

#[tokio::test]
async fn a_crash_at_any_call_of_a_cancellation_ends_it_once() {
    for name in ProviderName::ALL {
        Box::pin(every_point(name, Part::Cancel)).await;
    }
}
