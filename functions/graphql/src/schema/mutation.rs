//! What can be done. Each is one use case; each is noted in the audit log there.

use std::time::Duration;

use async_graphql::{Context, ID, Object};
use shared::domain::grant::Secret;
use shared::domain::id::DeliveryId;
use shared::usecase::refresh_member::Whom;
use shared::usecase::{self, api_tokens, choose, disconnect, go_live, insight_settings, overview};
use shared::usecase::{run_insight, start_sync, steer_run};
use shared::{Error, Result};

use super::card::{CardChoice, DecisionCard};
use super::connection::WhopConnectionStatus;
use super::delivery::ReplayedDeliveries;
use super::failed::{RetriedRecords, record_named};
use super::insight::{EmailDraft, GeneratedText, OfOperation, Sentiment, Summary, Told};
use super::insight_input::{AnalyzeSentimentInput, DraftEmailInput, GenerateTextInput, IntoRequest};
use super::insight_input::{ScoreLeadInput, SummarizeTextInput};
use super::insight_score::LeadAssessment;
use super::insight_settings::{AiSettings, AiSettingsInput};
use super::query::{ai_settings, status};
use super::run::{RefreshedMember, Run, StartedSync, SyncKind};
use super::settings::{PolicyInput, Settings, StageInput, with_changes};
use super::token::{NewApiToken, RevokedApiToken};
use super::{Access, named};

/// Longest that a sync is waited for; API Gateway gives up after 30 seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Most things that one call may name.
const MOST_IDS: usize = 100;

/// The root of what can be done.
#[derive(Default)]
pub(crate) struct WorkspaceMutation;

/// What can be done. Everything concerns the caller's own workspace.
#[Object]
impl WorkspaceMutation {
    /// Starts a sync, or answers with the one that is open already.
    async fn trigger_whop_sync(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to read.", default)] kind: SyncKind,
        #[graphql(desc = "Wait for its end, 20 seconds at most.", default)] wait: bool,
    ) -> Result<StartedSync> {
        let Access { app, caller, .. } = Access::of(context)?;
        let time = wait.then_some(LONGEST_WAIT);
        let run = start_sync::trigger(app, caller, kind.into(), time).await?;
        Ok(StartedSync::of(&run, app.clock().now(), wait))
    }

    /// Pauses a run. What it did stays, and it goes on from there when it is resumed.
    async fn pause_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run's id.")] id: ID,
    ) -> Result<Run> {
        let Access { app, caller, .. } = Access::of(context)?;
        let run = steer_run::pause(app, caller, &named(&id)?).await?;
        Ok(Run::of(&run, app.clock().now()))
    }

    /// Lets a paused run go on.
    async fn resume_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run's id.")] id: ID,
    ) -> Result<Run> {
        let Access { app, caller, .. } = Access::of(context)?;
        let run = steer_run::resume(app, caller, &named(&id)?).await?;
        Ok(Run::of(&run, app.clock().now()))
    }

    /// Ends a run for good. What it did stays.
    async fn cancel_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The run's id.")] id: ID,
    ) -> Result<Run> {
        let Access { app, caller, .. } = Access::of(context)?;
        let run = steer_run::cancel(app, caller, &named(&id)?).await?;
        Ok(Run::of(&run, app.clock().now()))
    }

    /// Reads one member and their memberships again and brings Twenty up to date, in a moment. Give just one
    /// of `id` and `email`.
    async fn refresh_member(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The member's id at Whop, `mber_…`.")] id: Option<ID>,
        #[graphql(desc = "The member's e-mail at Whop.")] email: Option<String>,
    ) -> Result<RefreshedMember> {
        let Access { app, caller, .. } = Access::of(context)?;
        let whom = match (id, email) {
            (Some(id), None) => Whom::Id(named(&id)?),
            (None, Some(email)) => Whom::Email(email),
            _ => return Err(Error::invalid("Give either the member's id or their e-mail.")),
        };
        let member = usecase::refresh_member(app, caller, &whom).await?;
        Ok(RefreshedMember { member_id: member.as_str().into() })
    }

    /// Disconnects Whop: syncing stops, and the key or consent is deleted. What is in Twenty stays there.
    async fn disconnect_whop(&self, context: &Context<'_>) -> Result<WhopConnectionStatus> {
        let access = Access::of(context)?;
        disconnect::whop(access.app, &access.caller).await?;
        status(access).await
    }

    /// Tries records that failed again.
    async fn retry_failed_records(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which, by their id in `failedRecords`, 100 at most; all of them if absent.")]
        ids: Option<Vec<ID>>,
    ) -> Result<RetriedRecords> {
        let Access { app, caller, .. } = Access::of(context)?;
        let named = ids.map(|ids| {
            bounded(&ids)?.iter().map(|id| record_named(id).ok_or_else(Error::not_found)).collect()
        });
        let count = usecase::retry_failed(app, caller, named.transpose()?).await?;
        Ok(RetriedRecords { count })
    }

    /// Answers a decision card. The member is brought up to date accordingly, in a moment.
    async fn settle_decision_card(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The card's member at Whop.")] member: ID,
        #[graphql(desc = "One of the card's allowed answers.")] choice: CardChoice,
        #[graphql(desc = "The person in Twenty, to link or to restore.")] person: Option<ID>,
    ) -> Result<DecisionCard> {
        let Access { app, caller, .. } = Access::of(context)?;
        let choice = choice.with(person.as_ref())?;
        Ok(usecase::settle_card(app, caller, &named(&member)?, choice).await?.into())
    }

    /// Makes an API token. The token is in the answer and is never shown again.
    async fn create_api_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A name to know it by, 60 characters at most.")] name: String,
    ) -> Result<NewApiToken> {
        let Access { app, caller, .. } = Access::of(context)?;
        let made = api_tokens::create(app, caller, &name).await?;
        Ok(NewApiToken { token: made.token.expose().to_owned(), api_token: made.stored.into() })
    }

    /// Ends an API token at once.
    async fn revoke_api_token(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The token's id.")] id: ID,
    ) -> Result<RevokedApiToken> {
        let Access { app, caller, .. } = Access::of(context)?;
        let token = api_tokens::revoke(app, caller, &id).await?;
        Ok(RevokedApiToken { id: token.digest.into(), name: token.name })
    }

    /// Changes settings. What is not named stays as it is; the next sync rewrites the records it concerns.
    async fn update_settings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Stages to change.", default)] stages: Vec<StageInput>,
        #[graphql(desc = "Fields to change the winner of.", default)] policies: Vec<PolicyInput>,
    ) -> Result<Settings> {
        let Access { app, caller, .. } = Access::of(context)?;
        let before = overview::status(app, caller).await?.workspace.settings;
        let chosen = with_changes(before.clone(), stages, policies)?;
        Ok((&choose::update_settings(app, caller, &before, chosen).await?).into())
    }

    /// Gets news within seconds: makes a webhook at Whop with a key that may.
    async fn make_live_by_key(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "An account or app API key that may manage webhooks.")] key: String,
        #[graphql(desc = "The app's id, `app_…`, for an app API key.")] app: Option<String>,
    ) -> Result<WhopConnectionStatus> {
        let access = Access::of(context)?;
        go_live::by_key(access.app, &access.caller, Secret::new(key), app).await?;
        status(access).await
    }

    /// The address for a webhook that you make by hand at Whop. Then give its secret to `makeLiveByHand`.
    async fn webhook_url_for_hand(&self, context: &Context<'_>) -> Result<String> {
        let Access { app, caller, .. } = Access::of(context)?;
        go_live::url_for_hand(app, caller).await
    }

    /// Gets news within seconds: takes the secret of a webhook that you made by hand.
    async fn make_live_by_hand(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The webhook's secret, `ws_…`.")] secret: String,
    ) -> Result<WhopConnectionStatus> {
        let access = Access::of(context)?;
        go_live::by_hand(access.app, &access.caller, Secret::new(secret)).await?;
        status(access).await
    }

    /// Gives the webhook that we made a new secret. The old one is still good for what is on its way.
    async fn rotate_webhook(&self, context: &Context<'_>) -> Result<WhopConnectionStatus> {
        let access = Access::of(context)?;
        go_live::rotate(access.app, &access.caller).await?;
        status(access).await
    }

    /// Works on deliveries again, as if they had just arrived. Those that were applied are left alone.
    async fn replay_deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Their ids in `deliveries`, 100 at most.")] ids: Vec<ID>,
    ) -> Result<ReplayedDeliveries> {
        let Access { app, caller, .. } = Access::of(context)?;
        let ids = bounded(&ids)?.iter().map(named).collect::<Result<Vec<DeliveryId>>>()?;
        Ok(ReplayedDeliveries { count: usecase::replay(app, caller, &ids).await? })
    }

    /// Works again on deliveries whose event an earlier version did not know.
    async fn replay_unknown_events(&self, context: &Context<'_>) -> Result<ReplayedDeliveries> {
        let Access { app, caller, .. } = Access::of(context)?;
        Ok(ReplayedDeliveries { count: usecase::replay::replay_unknown(app, caller).await? })
    }

    /// Has a language model write a text. It costs money.
    /// What takes longer than 25 seconds is an error; jobs are for `POST /ai/…`.
    async fn ai_generate_text(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to work on, and wishes about how.")] input: GenerateTextInput,
    ) -> Result<Told<GeneratedText>> {
        insight(context, input).await
    }

    /// Says how a text, or what was noted about a record, sounds. It costs money.
    /// What takes longer than 25 seconds is an error; jobs are for `POST /ai/…`.
    async fn ai_analyze_sentiment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to work on, and wishes about how.")] input: AnalyzeSentimentInput,
    ) -> Result<Told<Sentiment>> {
        insight(context, input).await
    }

    /// Scores a lead and rates its churn risk. Code computes every figure; a language model only words them, which costs
    /// money. Without a model or a budget the same figures come in words of ours.
    /// What takes longer than 25 seconds is an error; jobs are for `POST /ai/…`.
    async fn ai_score_lead(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to work on, and wishes about how.")] input: ScoreLeadInput,
    ) -> Result<Told<LeadAssessment>> {
        insight(context, input).await
    }

    /// Has a language model draft an e-mail. It costs money. A draft is never sent.
    /// What takes longer than 25 seconds is an error; jobs are for `POST /ai/…`.
    async fn ai_draft_email(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to work on, and wishes about how.")] input: DraftEmailInput,
    ) -> Result<Told<EmailDraft>> {
        insight(context, input).await
    }

    /// Sums up a text, or what was noted about a record. It costs money.
    /// What takes longer than 25 seconds is an error; jobs are for `POST /ai/…`.
    async fn ai_summarize_text(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to work on, and wishes about how.")] input: SummarizeTextInput,
    ) -> Result<Told<Summary>> {
        insight(context, input).await
    }

    /// Changes what the workspace chose for language models. What is not named stays as it is.
    async fn update_ai_settings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: AiSettingsInput,
    ) -> Result<AiSettings> {
        let access = Access::of(context)?;
        let before = insight_settings::settings(access.app, &access.caller).await?;
        let after = insight_settings::choose(access.app, &access.caller, input.over(before)?).await?;
        ai_settings(access, &after).await
    }
}

/// Asks for an insight. Boxed: the whole policy of asking is in this future.
async fn insight<T: OfOperation>(context: &Context<'_>, input: impl IntoRequest) -> Result<Told<T>> {
    let Access { app, caller, deadline } = Access::of(context)?;
    let request = input.into_request(app.clock().now())?;
    Told::of(&Box::pin(run_insight::run(app, caller, request, *deadline)).await?)
}

fn bounded(ids: &[ID]) -> Result<&[ID]> {
    match ids.len() {
        0 => Err(Error::invalid("Name at least one.")),
        1..=MOST_IDS => Ok(ids),
        _ => Err(Error::invalid(format!("Name {MOST_IDS} at most at once."))),
    }
}
