//! What can be read. Everything is of the caller's own workspace.

use async_graphql::{Context, ID, Object};
use shared::Result;
use shared::domain::insight::settings::InsightSettings;
use shared::usecase::{insight_settings, overview};

use super::audit::AuditEntry;
use super::card::DecisionCardPage;
use super::connection::{WhopConnectionStatus, Workspace};
use super::delivery::{Delivery, UnknownEvent};
use super::failed::FailedRecordPage;
use super::insight_settings::AiSettings;
use super::insight_usage::{AiCallPage, AiUsage};
use super::run::Run;
use super::settings::Settings;
use super::token::ApiToken;
use super::{Access, items, named};

/// The root of what can be read.
#[derive(Default)]
pub(crate) struct WorkspaceQuery;

/// What can be read. Everything is of the caller's own workspace.
#[Object]
impl WorkspaceQuery {
    /// The connection to Whop, as it is now.
    async fn whop_connection_status(&self, context: &Context<'_>) -> Result<WhopConnectionStatus> {
        status(Access::of(context)?).await
    }

    /// The workspace in Twenty.
    async fn workspace(&self, context: &Context<'_>) -> Result<Workspace> {
        let Access { app, caller, .. } = Access::of(context)?;
        Ok(overview::status(app, caller).await?.workspace.into())
    }

    /// One run.
    async fn run(&self, context: &Context<'_>, #[graphql(desc = "The run's id.")] id: ID) -> Result<Run> {
        let Access { app, caller, .. } = Access::of(context)?;
        let run = overview::run(app, caller, &named(&id)?).await?;
        Ok(Run::of(&run, app.clock().now()))
    }

    /// The latest runs, newest first.
    #[graphql(complexity = "1 + items(first) * child_complexity")]
    async fn runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 100 at most.", default = 10, validator(minimum = 1, maximum = 100))]
        first: u32,
    ) -> Result<Vec<Run>> {
        let Access { app, caller, .. } = Access::of(context)?;
        let runs = overview::runs(app, caller, first).await?;
        Ok(runs.iter().map(|run| Run::of(run, app.clock().now())).collect())
    }

    /// Records that failed and are kept until they succeed.
    #[graphql(complexity = "1 + items(first) * child_complexity")]
    async fn failed_records(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 100 at most.", default = 20, validator(minimum = 1, maximum = 100))]
        first: u32,
        #[graphql(desc = "Where to read on: `next` of the page before.")] after: Option<String>,
    ) -> Result<FailedRecordPage> {
        let Access { app, caller, .. } = Access::of(context)?;
        let (records, next) = overview::failed_records(app, caller, first, after.as_deref()).await?;
        Ok(FailedRecordPage { records: records.into_iter().map(Into::into).collect(), next })
    }

    /// Questions about members that only a person can answer.
    #[graphql(complexity = "1 + items(first) * child_complexity")]
    async fn decision_cards(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 100 at most.", default = 20, validator(minimum = 1, maximum = 100))]
        first: u32,
        #[graphql(desc = "Where to read on: `next` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only those without an answer.", default = true)] open: bool,
    ) -> Result<DecisionCardPage> {
        let Access { app, caller, .. } = Access::of(context)?;
        let (cards, next) = overview::decision_cards(app, caller, open, first, after.as_deref()).await?;
        Ok(DecisionCardPage { cards: cards.into_iter().map(Into::into).collect(), next })
    }

    /// What the workspace chose, with the defaults where it did not.
    async fn settings(&self, context: &Context<'_>) -> Result<Settings> {
        let Access { app, caller, .. } = Access::of(context)?;
        Ok((&overview::status(app, caller).await?.workspace.settings).into())
    }

    /// The API tokens of the workspace, revoked ones too.
    async fn api_tokens(&self, context: &Context<'_>) -> Result<Vec<ApiToken>> {
        let Access { app, caller, .. } = Access::of(context)?;
        let tokens = overview::api_tokens(app, caller).await?;
        Ok(tokens.into_iter().map(Into::into).collect())
    }

    /// Who did what, newest first.
    #[graphql(complexity = "1 + items(first) * child_complexity")]
    async fn audit_log(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 100 at most.", default = 20, validator(minimum = 1, maximum = 100))]
        first: u32,
    ) -> Result<Vec<AuditEntry>> {
        let Access { app, caller, .. } = Access::of(context)?;
        let entries = overview::audit_log(app, caller, first).await?;
        Ok(entries.into_iter().map(Into::into).collect())
    }

    /// What Whop's webhook brought, as far as it is kept.
    #[graphql(complexity = "1 + items(first) * child_complexity")]
    async fn deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 100 at most.", default = 20, validator(minimum = 1, maximum = 100))]
        first: u32,
    ) -> Result<Vec<Delivery>> {
        let Access { app, caller, .. } = Access::of(context)?;
        let deliveries = overview::deliveries(app, caller, first).await?;
        Ok(deliveries.into_iter().map(Into::into).collect())
    }

    /// Events of Whop's that this version does not know. They are kept, and can be worked on after an update.
    async fn unknown_events(&self, context: &Context<'_>) -> Result<Vec<UnknownEvent>> {
        let Access { app, caller, .. } = Access::of(context)?;
        let events = overview::unknown_events(app, caller).await?;
        Ok(events.into_iter().map(|(event, count)| UnknownEvent { event, count }).collect())
    }

    /// What language models took, by day, operation and model, and what of today's limits is left.
    #[graphql(complexity = "1 + items(50) * child_complexity")]
    async fn ai_usage(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The first day, UTC: `2026-11-01`.")] from: String,
        #[graphql(desc = "The last day, UTC, at most a year later.")] to: String,
    ) -> Result<AiUsage> {
        let Access { app, caller, .. } = Access::of(context)?;
        let lines = insight_settings::usage(app, caller, &from, &to).await?;
        let spent = insight_settings::spent_today(app, caller).await?;
        let settings = insight_settings::settings(app, caller).await?;
        Ok(AiUsage::of(&lines, spent, &settings.daily))
    }

    /// The latest calls to providers of language models, newest first, without prompts and answers.
    #[graphql(complexity = "1 + items(first) * child_complexity")]
    async fn ai_calls(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, 100 at most.", default = 20, validator(minimum = 1, maximum = 100))]
        first: u32,
        #[graphql(desc = "Where to read on: `next` of the page before.")] after: Option<String>,
    ) -> Result<AiCallPage> {
        let Access { app, caller, .. } = Access::of(context)?;
        let (calls, next) = insight_settings::attempts(app, caller, first, after.as_deref()).await?;
        Ok(AiCallPage { calls: calls.into_iter().map(Into::into).collect(), next })
    }

    /// What the workspace chose for language models, with the defaults where it did not.
    async fn ai_settings(&self, context: &Context<'_>) -> Result<AiSettings> {
        let access = Access::of(context)?;
        ai_settings(access, &insight_settings::settings(access.app, &access.caller).await?).await
    }
}

/// Choices with who serves under them.
pub(super) async fn ai_settings(access: &Access, settings: &InsightSettings) -> Result<AiSettings> {
    let serving = insight_settings::serving(access.app, settings).await?;
    Ok(AiSettings::of(settings, serving))
}

/// The connection to Whop, as it is now.
pub(super) async fn status(Access { app, caller, .. }: &Access) -> Result<WhopConnectionStatus> {
    let status = overview::status(app, caller).await?;
    let open_run = status.open_run.as_ref().map(|run| Run::of(run, app.clock().now()));
    Ok(WhopConnectionStatus::of(status.connection.as_ref(), status.webhook_url, status.warnings, open_run))
}
