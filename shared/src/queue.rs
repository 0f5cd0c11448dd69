//! Says jobs to their queues, puts them to sleep, and sets messages aside. It never receives: Lambda does.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Kind};
use crate::job::{Job, Line};

/// A message that did not get onto a queue, or could not be put to sleep.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    #[error("the queue could not be reached")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    #[error("the queue asked us to slow down")]
    Throttled(#[source] Box<dyn StdError + Send + Sync>),
    #[error("the queue refused the request")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
    #[error("the queue took only a part: {left} messages are left, the first because of {code:?}")]
    Partial { left: usize, code: String },
    #[error("the job has no JSON form")]
    Unwritable(#[source] serde_json::Error),
}

impl From<QueueError> for Error {
    fn from(error: QueueError) -> Self {
        let kind = match &error {
            QueueError::Unavailable(_) | QueueError::Partial { .. } => Kind::Unavailable,
            QueueError::Throttled(_) => Kind::Throttled { retry_after: Duration::from_secs(1) },
            QueueError::Refused(_) | QueueError::Unwritable(_) => Kind::Bug,
        };
        Self::new(kind).because(error)
    }
}

fn failed<E>(error: SdkError<E>) -> QueueError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let refusal = error.as_service_error().map(|refusal| refusal.code().unwrap_or_default());
    match refusal {
        None if matches!(error, SdkError::ConstructionFailure(_)) => QueueError::Refused(error.into()),
        None => QueueError::Unavailable(error.into()),
        Some("RequestThrottled" | "ThrottlingException" | "OverLimit") => QueueError::Throttled(error.into()),
        Some("" | "InternalFailure" | "InternalError" | "ServiceUnavailable") => {
            QueueError::Unavailable(error.into())
        }
        Some(_) => QueueError::Refused(error.into()),
    }
}

/// A message that can never succeed, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parked<'a> {
    /// The body as it was received.
    pub(crate) body: &'a str,
    pub(crate) group: &'a str,
    /// The name of an error kind.
    pub(crate) kind: &'static str,
    /// For the person who looks at it. No secret, no personal data.
    pub(crate) reason: &'a str,
    /// What else is known of it: name and text, at most eight.
    pub(crate) attributes: &'a [(&'static str, String)],
}

/// Most messages of a batch (SQS, quotas).
const BATCH: usize = 10;
/// Most bytes of a batch: SQS takes 1 MiB, of which names and attributes are part.
const BATCH_BYTES: usize = 1_000_000;
/// Most attributes of a message (SQS, quotas).
const ATTRIBUTES: usize = 10;
/// Longest time that a message can be put to sleep (SQS, quotas).
const LONGEST_SLEEP: Duration = Duration::from_hours(12);
/// Longest text we keep of a reason.
const LONGEST_TEXT: usize = 1_000;

/// The addresses of a queue and of the one beside it, for messages that were set aside. Both are FIFO.
#[derive(Clone, Debug)]
pub struct QueueUrls {
    pub jobs: String,
    pub dead_letters: String,
}

/// All our queues.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    client: Client,
    sync: QueueUrls,
    ai: QueueUrls,
    contract: QueueUrls,
}

impl Queue {
    /// The queues at these addresses: of sync work, of language models, of contracts.
    pub(crate) fn new(client: Client, [sync, ai, contract]: [QueueUrls; 3]) -> Self {
        Self { client, sync, ai, contract }
    }

    fn urls(&self, line: Line) -> &QueueUrls {
        match line {
            Line::Sync => &self.sync,
            Line::Ai => &self.ai,
            Line::Contract => &self.contract,
        }
    }

    /// Says a job. The same `dedup` within five minutes is said once.
    pub(crate) async fn send<J: Job>(&self, job: &J, dedup: &str) -> Result<(), QueueError> {
        let body = serde_json::to_string(job).map_err(QueueError::Unwritable)?;
        self.client
            .send_message()
            .queue_url(&self.urls(J::LINE).jobs)
            .message_group_id(job.group())
            .message_deduplication_id(plain(dedup))
            .message_body(body)
            .send()
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Says many jobs, in order, each with its `dedup`. What the queue does not take is offered once more.
    pub(crate) async fn send_many<J: Job>(&self, jobs: &[(J, String)]) -> Result<(), QueueError> {
        let mut entries = Vec::with_capacity(jobs.len());
        for (at, (job, dedup)) in jobs.iter().enumerate() {
            let body = serde_json::to_string(job).map_err(QueueError::Unwritable)?;
            entries.push((at.to_string(), job.group(), plain(dedup), body));
        }
        for batch in batches(entries) {
            let (left, _) = self.send_batch(J::LINE, batch).await?;
            let (left, code) = self.send_batch(J::LINE, left).await?;
            if !left.is_empty() {
                return Err(QueueError::Partial { left: left.len(), code });
            }
        }
        Ok(())
    }

    /// Answers what was not taken, and the code of the first refusal.
    async fn send_batch(&self, line: Line, batch: Vec<Entry>) -> Result<(Vec<Entry>, String), QueueError> {
        if batch.is_empty() {
            return Ok((batch, String::new()));
        }
        let entries = batch.iter().map(entry).collect::<Result<_, _>>()?;
        let request = self.client.send_message_batch().queue_url(&self.urls(line).jobs);
        let answer = request.set_entries(Some(entries)).send().await.map_err(failed)?;
        let code = answer.failed().first().map(|refusal| refusal.code().to_owned());
        let refused = |id: &str| answer.failed().iter().any(|refusal| refusal.id() == id);
        let left = batch.into_iter().filter(|(id, ..)| refused(id)).collect();
        Ok((left, code.unwrap_or_default()))
    }

    /// Says once more what a message said, as a new message at the end of its group.
    pub(crate) async fn send_again(
        &self,
        line: Line,
        body: &str,
        group: &str,
        dedup: &str,
    ) -> Result<(), QueueError> {
        let request = self.client.send_message().queue_url(&self.urls(line).jobs).message_group_id(group);
        request.message_deduplication_id(plain(dedup)).message_body(body).send().await.map_err(failed)?;
        Ok(())
    }

    /// Sets a message aside with its reason, so that it is not tried in vain. Parking it twice keeps one.
    pub(crate) async fn park(&self, line: Line, message: &Parked<'_>) -> Result<(), QueueError> {
        let dedup = hashed(&[message.group, message.body]);
        let mut request = self
            .client
            .send_message()
            .queue_url(&self.urls(line).dead_letters)
            .message_group_id(message.group)
            .message_deduplication_id(dedup)
            .message_body(message.body);
        let known = message.attributes.iter().map(|(name, text)| (*name, text.as_str()));
        let why = [("error.kind", message.kind), ("error.message", message.reason)];
        for (name, text) in why.into_iter().chain(known).take(ATTRIBUTES) {
            let text = allowed(text);
            if !text.is_empty() {
                request = request.message_attributes(name, attribute(&text)?);
            }
        }
        request.send().await.map_err(failed)?;
        Ok(())
    }

    /// Puts a received message to sleep: it comes again after `time`, twelve hours at most.
    pub(crate) async fn postpone(
        &self,
        line: Line,
        receipt_handle: &str,
        time: Duration,
    ) -> Result<(), QueueError> {
        let time = time.min(LONGEST_SLEEP);
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        self.client
            .change_message_visibility()
            .queue_url(&self.urls(line).jobs)
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(failed)?;
        Ok(())
    }
}

/// Identifier in the batch, group, deduplication identifier, body.
type Entry = (String, String, String, String);

fn batches(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut batches: Vec<Vec<Entry>> = Vec::new();
    let mut bytes = BATCH_BYTES;
    for entry in entries {
        let size = entry.3.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && bytes + size <= BATCH_BYTES => {
                bytes += size;
                batch.push(entry);
            }
            _ => {
                bytes = size;
                batches.push(vec![entry]);
            }
        }
    }
    batches
}

fn entry((id, group, dedup, body): &Entry) -> Result<SendMessageBatchRequestEntry, QueueError> {
    SendMessageBatchRequestEntry::builder()
        .id(id)
        .message_group_id(group)
        .message_deduplication_id(dedup)
        .message_body(body)
        .build()
        .map_err(|error| QueueError::Refused(error.into()))
}

fn attribute(text: &str) -> Result<MessageAttributeValue, QueueError> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(text)
        .build()
        .map_err(|error| QueueError::Refused(error.into()))
}

/// A deduplication identifier as SQS wants it: printable, at most 128 characters.
fn plain(dedup: &str) -> String {
    if (1..=128).contains(&dedup.len()) && dedup.bytes().all(|byte| byte.is_ascii_graphic()) {
        return dedup.to_owned();
    }
    hashed(&[dedup])
}

fn hashed(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0xff]); // Occurs in no text.
    }
    hex::encode(digest.finalize())
}

/// The part of a text that SQS takes: what XML 1.0 can say (SQS, `SendMessage`).
fn allowed(text: &str) -> String {
    let fits = |c: &char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    let kept = text.chars().filter(|c| fits(c) && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    kept.take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests;
