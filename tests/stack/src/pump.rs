//! Lambda's poller in small: takes messages off the queue, hands them to the function, and deletes what does
//! not go back.

use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::time::Timestamp;
use shared::job::Line;
use shared::lambda::answer_queue;

use crate::{Stack, queue_of};

/// The functions' time-outs in `template.yaml`.
pub const TIME_OUT: Duration = Duration::from_mins(1);
const AI_TIME_OUT: Duration = Duration::from_mins(2);
const CONTRACT_TIME_OUT: Duration = Duration::from_mins(2);
/// All queues.
pub(crate) const LINES: [Line; 3] = [Line::Sync, Line::Ai, Line::Contract];

/// Messages in one event, as in `template.yaml`.
pub(crate) fn batch_size(line: Line) -> usize {
    match line {
        Line::Sync => 10,
        Line::Ai | Line::Contract => 1,
    }
}

/// Works off one batch of each queue; answers with how many messages they held.
pub async fn once(stack: &Stack) -> usize {
    let mut handed = 0;
    for line in LINES {
        handed += batch_on(stack, line, batch_size(line)).await;
    }
    handed
}

/// Works off one batch of at most so many messages of sync work; answers with how many it held.
pub async fn batch_of(stack: &Stack, most: usize) -> usize {
    batch_on(stack, Line::Sync, most).await
}

/// Works off one batch of a queue; answers with how many messages it held.
pub async fn batch_on(stack: &Stack, line: Line, most: usize) -> usize {
    let queue = queue_of(line);
    let received = stack.aws.sqs.receive(queue, most);
    if received.is_empty() {
        return 0;
    }
    // Time passes between two batches: no two readings of a record are of the same moment.
    stack.clock.advance_ms(1);
    let records: Vec<Value> = received.iter().map(sim::aws::sqs::Received::record).collect();
    let event = serde_json::from_value(json!({ "Records": records })).expect("an event of SQS");
    let now = Timestamp::from_millis(stack.clock.now_ms());
    let answer = match line {
        Line::Sync => answer_queue(stack.app, event, now + TIME_OUT, sync::handle).await,
        Line::Ai => answer_queue(stack.app, event, now + AI_TIME_OUT, ai::work_off).await,
        Line::Contract => answer_queue(stack.app, event, now + CONTRACT_TIME_OUT, contract::work_off).await,
    };
    let back: Vec<&str> = answer.batch_item_failures.iter().map(|it| it.item_identifier.as_str()).collect();
    for message in &received {
        if !back.contains(&message.message_id.as_str()) {
            stack.aws.sqs.delete(queue, &message.receipt_handle).expect("a message that is still ours");
        }
    }
    received.len()
}

/// Works off everything, up to the moment a delayed message is due: a stepped clock is moved there, a real one is
/// waited for. Answers with how many messages were handed over.
pub async fn drain(stack: &Stack) -> usize {
    let mut handed = 0;
    loop {
        let count = once(stack).await;
        handed += count;
        assert!(handed < 1_000_000, "the queue does not run dry");
        if count > 0 {
            continue;
        }
        let due = LINES.into_iter().filter_map(|line| stack.aws.sqs.next_visible_at(queue_of(line)));
        match due.min() {
            Some(due) => wait_until(stack, due).await,
            None => return handed,
        }
    }
}

async fn wait_until(stack: &Stack, due: i64) {
    let left = (due - stack.clock.now_ms()).max(1);
    if stack.clock.is_stepped() {
        stack.clock.advance_ms(left);
    } else {
        tokio::time::sleep(Duration::from_millis(left.unsigned_abs())).await;
    }
}

/// Puts a job on the sync queue as the schedule of sweeps does.
pub fn schedule(stack: &Stack, sweep: &str) {
    fire(stack, Line::Sync, &json!({ "job": "start_due", "sweep": sweep }));
}

/// Puts a job on a queue as a schedule does.
pub fn fire(stack: &Stack, line: Line, job: &Value) {
    let dedup = format!("fired-{}-{}", stack.clock.now_ms(), job);
    let sent = stack.aws.sqs.send(queue_of(line), &job.to_string(), Some("schedules"), Some(&dedup));
    sent.expect("a message the queue takes");
}
