//! The story that the local runner tells comes out well.

use stack::demo::{Sides, furnish, tell};
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
