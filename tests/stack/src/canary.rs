//! Looks for secrets and personal data in every place where they must not be.

use crate::{AI, AI_DEAD, CANARY, DEAD, SYNC, Stack, logs};

/// Stops if a secret can be read anywhere: those of the stack, and `more` that the test knows of. Logs hold no
/// e-mail address either.
pub fn assert_no_secret_seen(stack: &Stack, more: &[&str]) {
    let secrets: Vec<&str> = more.iter().copied().chain([CANARY]).filter(|it| !it.is_empty()).collect();
    let logs = logs::lines();
    let addressed = logs.lines().find(|line| line.contains('@'));
    assert_eq!(addressed, None, "an e-mail address in the log");
    assert_without(&secrets, "the log", &logs);
    for queue in [SYNC, DEAD, AI, AI_DEAD] {
        for message in stack.aws.sqs.messages(queue) {
            let told = format!("{} {:?}", message.body, message.message_attributes);
            assert_without(&secrets, queue, &told);
        }
    }
    for item in stack.aws.dynamodb.dump() {
        assert_without(&secrets, "the table", &item.to_string());
    }
}

/// Stops if a text holds one of these secrets, or any webhook's.
pub fn assert_without(secrets: &[&str], place: &str, text: &str) {
    for secret in secrets {
        assert!(!text.contains(secret), "the secret {secret} is in {place}");
    }
    assert!(!holds_webhook_secret(text), "a webhook's secret is in {place}");
}

/// Whop makes them of `ws_` and a long row of hexadecimal digits.
fn holds_webhook_secret(text: &str) -> bool {
    let after = text.split("ws_").skip(1);
    after
        .into_iter()
        .any(|rest| rest.len() >= 16 && rest.bytes().take(16).all(|byte| byte.is_ascii_hexdigit()))
}
