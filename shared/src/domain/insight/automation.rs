//! What automations say about a member: figures for fields of the person, and words for a note.
//!
//! Pure. Figures are said again only when they changed, a note only when a band did.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::{ScoreExplanation, WordedBy};
use super::churn::{ChurnRisk, RiskBand};
use super::gathered::is_failed;
use super::lead_score::{LeadBand, LeadScore};
use super::score::{Direction, Factor};
use super::settings::{Automations, InsightSettings};
use super::template_text::label;
use crate::domain::draft::{Change, Value};
use crate::domain::event::Event;
use crate::domain::id::{CrmId, MemberId};
use crate::domain::schema::{Object, option_value};
use crate::domain::source::Record;
use crate::domain::time::Timestamp;

/// Events of a member within this time are one scoring, after it.
pub const SPAN: Duration = Duration::from_mins(5);
/// How far the clocks of those who ask for one scoring may be apart.
const APART: Duration = Duration::from_secs(5);
/// The title of our notes. They are no contact between member and seller, so no figure counts them.
pub const NOTE_TITLE: &str = "Score and churn risk (AI)";

/// Why a member is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A membership is new or changed.
    MembershipChange,
    FailedPayment,
    Nightly,
}

impl Cause {
    /// What an event is the cause of.
    pub fn of(event: &Event) -> Option<Self> {
        match event.name.as_str() {
            name if name.starts_with("membership.") => Some(Self::MembershipChange),
            "payment.failed" => Some(Self::FailedPayment),
            _ => None,
        }
    }

    /// What a record is the cause of that a sweep found new or changed, and for whom.
    pub fn of_record(record: &Record) -> Option<(&MemberId, Self)> {
        match record {
            Record::Memberships(it) => Some((it.member.as_ref()?, Self::MembershipChange)),
            Record::Payments(it) if is_failed(&it.substatus) => {
                Some((it.member.as_ref()?, Self::FailedPayment))
            }
            Record::Payments(_)
            | Record::Variants(_)
            | Record::Products(_)
            | Record::Members(_)
            | Record::Refunds(_)
            | Record::Disputes(_)
            | Record::Gone(_) => None,
        }
    }
}

impl Automations {
    /// True if the workspace wants members scored for this cause.
    pub fn wants(&self, cause: Cause) -> bool {
        match cause {
            Cause::MembershipChange => self.on_membership_change,
            Cause::FailedPayment => self.on_failed_payment,
            Cause::Nightly => self.nightly,
        }
    }
}

/// A copy of the switches, kept where the sync reads anyway. It only saves jobs that would do nothing: whoever does a job
/// asks the settings themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    /// The version of the settings it was copied from; 0 for none.
    pub of: u64,
    pub on: Automations,
}

impl Switches {
    /// The switches of these settings.
    pub fn copied(settings: &InsightSettings) -> Self {
        Self { of: settings.version, on: settings.automations }
    }
}

/// When a scoring asked for at `now` is done: after the span in which whoever else asks is told apart by nothing.
pub fn due(now: Timestamp) -> Timestamp {
    let span = i64::try_from(SPAN.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis((now.millis().div_euclid(span) + 1) * span) + APART
}

/// Both bands. A note tells about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bands {
    pub lead: LeadBand,
    /// Nothing where no risk was rated.
    pub churn: Option<RiskBand>,
}

/// What is said of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// 0 to 100.
    pub score: u8,
    pub bands: Bands,
    /// The strongest factors, in one line.
    pub factors: String,
    /// 1 to 99; nothing where no risk was rated.
    pub risk: Option<u8>,
}

impl Figures {
    /// The figures in their short form. Evidence is left out: it would change with every day.
    pub fn of(lead: &LeadScore, churn: &ChurnRisk) -> Self {
        let rating = match churn {
            ChurnRisk::Rated(rating) => Some(rating),
            ChurnRisk::NotApplicable | ChurnRisk::NotEnough => None,
        };
        let mut parts = Vec::new();
        if !lead.enough {
            parts.push("Too little is known to rely on the score".to_owned());
        }
        parts.extend(line("Score", |direction| lead.top(direction)));
        parts.extend(rating.and_then(|it| line("Risk", |direction| it.top(direction))));
        Self {
            score: lead.score,
            bands: Bands { lead: lead.band, churn: rating.map(|it| it.band) },
            factors: parts.join("; "),
            risk: rating.map(|it| it.score),
        }
    }

    /// What is sent to the person's record.
    pub fn change(&self, person: CrmId, member: &MemberId, at: Timestamp) -> Change {
        let choice = |word: &str| Value::Choice(option_value(word));
        let fields = [
            ("whopLeadScore", Value::Number(i64::from(self.score))),
            ("whopLeadBand", choice(self.bands.lead.as_str())),
            ("whopScoreFactors", Value::from(self.factors.as_str())),
            ("whopChurnRisk", self.risk.map(i64::from).into()),
            ("whopChurnBand", self.bands.churn.map_or(Value::Empty, |band| choice(band.as_str()))),
            ("whopScoredAt", at.into()),
        ];
        let key = member.as_str().to_owned();
        Change { object: Object::Person, id: person, key, fields: fields.into() }
    }
}

/// `Score: + Lifetime spend, − Inactive`.
fn line(what: &str, top: impl Fn(Direction) -> Vec<Factor>) -> Option<String> {
    let mut words = Vec::new();
    for (direction, sign) in [(Direction::Raises, '+'), (Direction::Lowers, '−')] {
        words.extend(top(direction).iter().map(|factor| format!("{sign} {}", label(&factor.key))));
    }
    (!words.is_empty()).then(|| format!("{what}: {}", words.join(", ")))
}

/// What was last said of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    pub member: MemberId,
    /// The person it was said of.
    pub person: CrmId,
    pub figures: Figures,
    pub scored_at: Timestamp,
    /// The bands that the seller was told of, or need not be; nothing before the first note is due.
    #[serde(default)]
    pub noted: Option<Bands>,
    /// Notes so far; the next one is named by it, so that a repeat after a crash meets its own note.
    #[serde(default)]
    pub notes: u32,
    /// Counts every change; a write that read an older one does not land.
    pub version: u64,
}

/// Figures that were just written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub member: MemberId,
    pub person: CrmId,
    pub figures: Figures,
}

impl Scored {
    /// What is remembered after `news` were written. A pass over everybody tells of bands that moved, never of everybody
    /// it meets for the first time: that would be thousands of notes in the first night.
    pub fn after(before: Option<&Self>, news: News, cause: Cause, at: Timestamp) -> Self {
        let baseline = match before {
            Some(before) => Some(before.figures.bands),
            None => (cause == Cause::Nightly).then_some(news.figures.bands),
        };
        Self {
            member: news.member,
            person: news.person,
            figures: news.figures,
            scored_at: at,
            noted: before.and_then(|it| it.noted).or(baseline),
            notes: before.map_or(0, |it| it.notes),
            version: before.map_or(0, |it| it.version) + 1,
        }
    }

    /// The same, the seller told of these bands, with a note or without.
    #[must_use]
    pub fn told(self, bands: Bands) -> Self {
        Self { noted: Some(bands), notes: self.notes + 1, version: self.version + 1, ..self }
    }

    /// True if these figures are to be written.
    pub fn is_overtaken_by(&self, news: &News) -> bool {
        self.person != news.person || self.figures != news.figures
    }

    /// True if a note is due.
    pub fn wants_note(&self, cause: Cause) -> bool {
        match self.noted {
            Some(noted) => noted != self.figures.bands,
            None => cause != Cause::Nightly,
        }
    }
}

/// A note's text, plain. It says who found the words.
pub fn note_text(words: &ScoreExplanation, model: Option<&str>) -> String {
    let mut lines = vec![words.summary.clone()];
    lines.extend(words.reasons.iter().map(|reason| format!("• {}", reason.explanation)));
    lines.push(words.next_action.clone());
    lines.push(match (words.worded_by, model) {
        (WordedBy::Model, Some(model)) => {
            format!("Figures by rule. Worded by AI ({model}); nobody checked it.")
        }
        (WordedBy::Model, None) => "Figures by rule. Worded by AI; nobody checked it.".to_owned(),
        (WordedBy::Template, _) => "Figures and words by rule; no AI worded this note.".to_owned(),
    });
    lines.retain(|line| !line.trim().is_empty());
    lines.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::super::churn::{ChurnWeights, History, churn_risk};
    use super::super::features::{Features, Known};
    use super::super::lead_score::{LeadWeights, lead_score};
    use super::*;
    use crate::domain::words::MembershipStatus;

    const NOW: Timestamp = Timestamp::from_millis(1_795_420_800_000);

    fn news(status: MembershipStatus) -> News {
        let features = Features {
            status: Some(Known::whop(status, NOW)),
            business_email: Some(Known::crm(true, NOW)),
            failed_payments: Some(Known::whop(2, NOW)),
            ..Features::default()
        };
        let lead = lead_score(&features, &LeadWeights::default(), NOW);
        let churn = churn_risk(&features, &ChurnWeights::default(), &History::default(), NOW);
        let person = CrmId(uuid::Uuid::nil());
        News { member: "mber_1".parse().unwrap(), person, figures: Figures::of(&lead, &churn) }
    }

    #[test]
    fn figures_become_fields_that_the_schema_has() {
        let News { member, person, figures } = news(MembershipStatus::PastDue);

        let change = figures.change(person, &member, NOW);

        assert_eq!(change.fields["whopLeadScore"], Value::Number(8));
        assert_eq!(change.fields["whopLeadBand"], Value::Choice("COLD".to_owned()));
        assert_eq!(change.fields["whopChurnBand"], Value::Choice("CRITICAL".to_owned()));
        let factors = "Too little is known to rely on the score; Score: + Business email; Risk: + Payment";
        assert_eq!(change.fields["whopScoreFactors"], Value::from(factors));
        for name in change.fields.keys() {
            assert!(Object::Person.field(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_risk_that_is_over_clears_its_fields() {
        let News { member, person, figures } = news(MembershipStatus::Expired);

        let change = figures.change(person, &member, NOW);

        assert_eq!(
            (&change.fields["whopChurnRisk"], &change.fields["whopChurnBand"]),
            (&Value::Empty, &Value::Empty)
        );
    }

    #[test]
    fn a_note_is_due_once_for_every_change_of_a_band() {
        let first = Scored::after(None, news(MembershipStatus::Active), Cause::MembershipChange, NOW);
        assert!(first.wants_note(Cause::MembershipChange));
        let told = first.clone().told(first.figures.bands);
        assert!(!told.wants_note(Cause::MembershipChange));
        let worse = Scored::after(Some(&told), news(MembershipStatus::PastDue), Cause::FailedPayment, NOW);
        assert!(worse.wants_note(Cause::FailedPayment) && worse.wants_note(Cause::Nightly));
        assert!(!worse.clone().told(worse.figures.bands).wants_note(Cause::Nightly));
    }

    #[test]
    fn the_first_night_tells_of_nobody_and_the_second_of_whom_it_finds_changed() {
        let first = Scored::after(None, news(MembershipStatus::Active), Cause::Nightly, NOW);
        assert!(!first.wants_note(Cause::Nightly));
        let second = Scored::after(Some(&first), news(MembershipStatus::PastDue), Cause::Nightly, NOW);
        assert!(second.wants_note(Cause::Nightly));
    }

    #[test]
    fn whoever_asks_within_a_span_asks_for_the_same_scoring() {
        let begin = Timestamp::from_millis(1_795_420_800_000);
        assert_eq!(due(begin), begin + SPAN + APART);
        assert_eq!(due(begin + SPAN - Duration::from_millis(1)), due(begin));
        assert_eq!(due(begin + SPAN), due(begin) + SPAN);
    }
}
