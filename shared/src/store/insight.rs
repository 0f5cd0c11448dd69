//! What is kept about language models: settings, attempts, answers for a while, and who is asking right now.
//!
//! Answers and kept texts come sealed; nothing of a prompt or an answer is readable here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::expression::{ABSENT, Expression, number, text};
use super::grant::{is_taken_by, taker};
use super::listing::{Listed, Listing, Order};
use super::table::{EXPIRES_AT, Held, Key, read};
use super::{Result, Store};
use crate::domain::grant::Sealed;
use crate::domain::id::WorkspaceId;
use crate::domain::insight::attempt::Attempt;
use crate::domain::insight::request::ProviderName;
use crate::domain::insight::settings::InsightSettings;
use crate::domain::time::Timestamp;

const SETTINGS: &str = "AISETTINGS";
const ATTEMPT: &str = "AIATTEMPT";
const ANSWER: &str = "AIANSWER";
const REQUEST: &str = "AIREQUEST";
const WORK: &str = "AIWORK";
const CIRCUIT: &str = "AICIRCUIT";
/// How long an attempt is kept.
const ATTEMPT_KEPT: Duration = Duration::from_hours(90 * 24);

/// An answer, for as long as it holds. `DynamoDB` deletes late, so the time is asked for as well.
#[derive(Serialize, Deserialize)]
struct Remembered {
    answer: Sealed,
    until: Timestamp,
}

/// A request by the caller's own name for it.
#[derive(Serialize, Deserialize)]
struct Named {
    fingerprint: String,
    #[serde(default)]
    answer: Option<Sealed>,
    until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Circuit {
    until: Timestamp,
}

/// What a caller's name for a request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The first time, or the first one came to nothing.
    New,
    /// It was answered.
    Answered(Sealed),
    /// The name was used for another request.
    Other,
}

impl Store {
    /// A workspace's choices, if it made any.
    pub(crate) async fn find_insight_settings(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Option<InsightSettings>> {
        self.table.find(&Key::new(workspace, SETTINGS, "all")).await
    }

    /// Keeps choices: the first where `expected_version` is absent, else in place of just that version. They carry
    /// their new version. False if somebody else was faster.
    pub(crate) async fn put_insight_settings(
        &self,
        workspace: WorkspaceId,
        settings: &InsightSettings,
        expected_version: Option<u64>,
    ) -> Result<bool> {
        let only = match expected_version {
            None => Expression::only_if(ABSENT),
            Some(version) => Expression::only_if("#version = :version").with("version", number(version)),
        };
        self.table.put_once(Key::new(workspace, SETTINGS, "all").item(settings)?, &only).await
    }

    /// Adds an attempt.
    pub(crate) async fn append_attempt(&self, workspace: WorkspaceId, attempt: &Attempt) -> Result<()> {
        let mut item = Key::new(workspace, ATTEMPT, &attempt.id).item(attempt)?;
        item.insert(EXPIRES_AT.to_owned(), number((attempt.at + ATTEMPT_KEPT).seconds()));
        self.table.insert(item).await?;
        Ok(())
    }

    /// Attempts, the latest first.
    pub(crate) async fn list_attempts(
        &self,
        workspace: WorkspaceId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Listed<Attempt>> {
        let listing = Listing::of(workspace, ATTEMPT, "", limit).from(cursor).ordered(Order::Descending);
        self.table.list(&listing).await
    }

    /// The answer to identical work, while it holds.
    pub(crate) async fn find_answer(
        &self,
        workspace: WorkspaceId,
        work: &str,
        now: Timestamp,
    ) -> Result<Option<Sealed>> {
        let found: Option<Remembered> = self.table.find(&Key::new(workspace, ANSWER, work)).await?;
        Ok(found.filter(|it| now < it.until).map(|it| it.answer))
    }

    /// Keeps an answer until a moment, in place of an older one.
    pub(crate) async fn put_answer(
        &self,
        workspace: WorkspaceId,
        work: &str,
        answer: &Sealed,
        until: Timestamp,
    ) -> Result<()> {
        let kept = Remembered { answer: answer.clone(), until };
        let mut item = Key::new(workspace, ANSWER, work).item(&kept)?;
        item.insert(EXPIRES_AT.to_owned(), number(until.seconds()));
        self.table.put(item, &Expression::default()).await?;
        Ok(())
    }

    /// Takes a caller's name for a request, until a moment. `name` and `fingerprint` are digests.
    pub(crate) async fn name_request(
        &self,
        workspace: WorkspaceId,
        (name, fingerprint): (&str, &str),
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Repeat> {
        let named = Named { fingerprint: fingerprint.to_owned(), answer: None, until };
        let mut item = Key::new(workspace, REQUEST, name).item(&named)?;
        item.insert(EXPIRES_AT.to_owned(), number(until.seconds()));
        let free =
            Expression::only_if(format!("{ABSENT} OR #until <= :now")).with("now", number(now.millis()));
        let Held::No(Some(there)) = self.table.put(item, &free).await? else {
            return Ok(Repeat::New);
        };
        let there: Named = read(there)?;
        Ok(match there.answer {
            _ if there.fingerprint != fingerprint => Repeat::Other,
            Some(answer) => Repeat::Answered(answer),
            None => Repeat::New,
        })
    }

    /// Keeps the answer with a caller's name for its request. The first one stays.
    pub(crate) async fn answer_request(
        &self,
        workspace: WorkspaceId,
        (name, fingerprint): (&str, &str),
        answer: &Sealed,
    ) -> Result<bool> {
        let change = Expression::update("SET #answer = :answer")
            .and_only_if("#fingerprint = :fingerprint AND attribute_not_exists(#answer)")
            .with("answer", text(&answer.0))
            .with("fingerprint", text(fingerprint));
        Ok(self.table.update(&Key::new(workspace, REQUEST, name), &change).await?.is_yes())
    }

    /// Takes identical work on until a moment, unless somebody is at it. Answers the mark that ends it.
    pub(crate) async fn begin_work(
        &self,
        workspace: WorkspaceId,
        work: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<String>> {
        let mark = taker()?;
        let change = Expression::update("SET #taker = :taker, #until = :until, #expires_at = :expires")
            .and_only_if(format!("{ABSENT} OR #until <= :now"))
            .with("taker", text(&mark))
            .with("until", number(until.millis()))
            .with("expires", number((until + Duration::from_hours(1)).seconds()))
            .with("now", number(now.millis()));
        Ok(match self.table.update(&Key::new(workspace, WORK, work), &change).await? {
            Held::Yes(_) => Some(mark),
            Held::No(there) => there.is_some_and(|item| is_taken_by(&item, &mark)).then_some(mark),
        })
    }

    /// Ends work that this mark began; another's is left alone.
    pub(crate) async fn end_work(&self, workspace: WorkspaceId, work: &str, mark: &str) -> Result<()> {
        let ours = Expression::only_if("#taker = :taker").with("taker", text(mark));
        self.table.delete(&Key::new(workspace, WORK, work), &ours).await?;
        Ok(())
    }

    /// Tells every other process that a provider is not paid, until a moment.
    pub(crate) async fn open_circuit(
        &self,
        workspace: WorkspaceId,
        provider: ProviderName,
        until: Timestamp,
    ) -> Result<()> {
        let mut item = Key::new(workspace, CIRCUIT, provider.as_str()).item(&Circuit { until })?;
        item.insert(EXPIRES_AT.to_owned(), number(until.seconds()));
        self.table.put(item, &Expression::default()).await?;
        Ok(())
    }

    /// The providers among these that somebody found unpaid lately.
    pub(crate) async fn open_circuits(
        &self,
        workspace: WorkspaceId,
        providers: &[ProviderName],
        now: Timestamp,
    ) -> Result<Vec<ProviderName>> {
        let mut open = Vec::new();
        for provider in providers {
            let found: Option<Circuit> =
                self.table.find(&Key::new(workspace, CIRCUIT, provider.as_str())).await?;
            open.extend(found.filter(|it| now < it.until).map(|_| *provider));
        }
        Ok(open)
    }
}
