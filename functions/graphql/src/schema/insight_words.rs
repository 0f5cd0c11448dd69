//! The words that insights are told in: who serves, what is asked, how it sounds, how warm, how likely.

use async_graphql::Enum;
use shared::domain::insight::churn::RiskBand;
use shared::domain::insight::lead_score::LeadBand as Band;
use shared::domain::insight::operation::Operation;
use shared::domain::insight::request::{ProviderName, Tone as Manner};
use shared::domain::insight::{answer, features, score};

/// Who serves language models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ProviderName")]
pub(crate) enum AiProvider {
    /// The company of that name, or a server that speaks its language.
    #[graphql(name = "OPENAI")]
    OpenAi,
    /// Anthropic.
    Anthropic,
}

/// What a language model is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Operation")]
pub(crate) enum AiOperation {
    /// `aiGenerateText`.
    GenerateText,
    /// `aiAnalyzeSentiment`.
    AnalyzeSentiment,
    /// `aiScoreLead`.
    ScoreLead,
    /// `aiDraftEmail`.
    DraftEmail,
    /// `aiSummarizeText`.
    SummarizeText,
}

/// How a text should sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Manner")]
pub(crate) enum Tone {
    /// Plain, without feeling.
    Neutral,
    /// Warm.
    Friendly,
    /// As in a letter to somebody one does not know.
    Formal,
    /// Short and to the point.
    Direct,
    /// With understanding for the reader.
    Empathetic,
}

/// How a text sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "answer::Mood")]
pub(crate) enum SentimentLabel {
    /// Content.
    Positive,
    /// Neither.
    Neutral,
    /// Discontent.
    Negative,
    /// Both at once.
    Mixed,
}

/// How warm a lead is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Band")]
pub(crate) enum LeadBand {
    /// Leave alone.
    Cold,
    /// Keep in view.
    Cool,
    /// Worth a message.
    Warm,
    /// Worth a call today.
    Hot,
}

/// How likely a membership is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "RiskBand")]
pub(crate) enum ChurnBand {
    /// Nothing to do.
    Low,
    /// Keep in view.
    Medium,
    /// Write to them.
    High,
    /// Call them.
    Critical,
}

/// Why there is no churn risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ChurnUnrated {
    /// Nothing renews: paid for life, free, or over already.
    NotApplicable,
    /// Not even a membership is known.
    NotEnoughData,
}

/// Whether a factor raised or lowered a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "score::Direction")]
pub(crate) enum FactorDirection {
    /// It raised the figure.
    Raises,
    /// It lowered the figure.
    Lowers,
    /// It had no effect.
    Neutral,
}

/// Who found the words of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "answer::WordedBy")]
pub(crate) enum WordedBy {
    /// A language model.
    Model,
    /// We did, because no model could be asked or none answered well.
    Template,
}

/// How a membership is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "features::Billing")]
pub(crate) enum MembershipBilling {
    /// Every period.
    Recurring,
    /// Once, for access without end.
    Lifetime,
    /// Not at all.
    Free,
}

/// A kind of contact between a member and the seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "features::TouchKind")]
pub(crate) enum TouchKind {
    /// A meeting or a call.
    Meeting,
    /// The member answered an e-mail.
    EmailReply,
    /// The member wrote to support.
    SupportMessage,
    /// The member used an app.
    AppActivity,
    /// Somebody wrote a note about the member.
    Note,
}
