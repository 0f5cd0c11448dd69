//! The story that the local runner tells comes out well.

use sim::whop::Delivery;
use stack::demo::{News, Sides, furnish, tell};
use stack::{Options, Stack};

#[tokio::test]
async fn the_demo_balances_and_ends_with_nothing_to_write() {
    let stack = Stack::with(Options::default()).await;
    let scene = furnish(&stack, &Sides::default(), 20);

    let mut heard = 0;
    let story = tell(&stack, &scene, &mut |_| heard += 1).await.unwrap();

    assert_eq!(story.faults, Vec::<String>::new(), "{story:#?}");
    assert_eq!((heard, story.connected.live.as_str()), (5, "WEBHOOK"));
    let burst = story.burst.unwrap();
    assert!(burst.lost > 0 && burst.accepted == burst.sent, "{burst:?}");
    let sweep = &story.runs[1].run;
    for told in ["REFUNDS", "DISPUTES", "VARIANTS"] {
        let streams = sweep["streams"].as_array().unwrap();
        let written =
            streams.iter().find(|it| it["name"] == told).map_or(0, |it| it["written"].as_u64().unwrap());
        assert_eq!(written, 0, "no delivery about {told} was lost: {sweep:#}");
    }
    assert_eq!(story.totals.people, Some(stack.whop.members(&scene.account.unwrap()).len() as u64));
}

#[tokio::test]
async fn a_key_that_twenty_does_not_know_is_told_in_words() {
    let stack = Stack::start().await;
    let mut scene = furnish(&stack, &Sides::default(), 1);
    "nonsense".clone_into(&mut scene.twenty.key);

    let refusal = tell(&stack, &scene, &mut |_| {}).await.unwrap_err();

    assert!(refusal.starts_with("Twenty was not connected: This is not a Twenty API key."), "{refusal}");
}

#[tokio::test]
async fn the_demo_fails_if_the_last_sweep_finds_something_to_write() {
    let stack = Stack::start().await;
    let scene = furnish(&stack, &Sides::default(), 3);
    let account = scene.account.clone().unwrap();
    let mut buy_unseen = |news: &News<'_>| {
        if matches!(news, News::Run(told) if told.run["kind"] == "INCREMENTAL") {
            stack.whop.switch(|switches| switches.delivery = Delivery::Collect);
            let variant = stack.whop.variants(&account)[0]["id"].as_str().unwrap().to_owned();
            stack.whop.buy(&account, "Late Comer", "late.comer@example.com", &variant);
        }
    };

    let story = tell(&stack, &scene, &mut buy_unseen).await.unwrap();

    assert_eq!(story.faults.len(), 1, "{:?}", story.faults);
    assert!(story.faults[0].starts_with("The second full sweep found "), "{:?}", story.faults);
}
