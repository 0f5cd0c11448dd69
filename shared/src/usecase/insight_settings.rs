//! What a workspace chose for its insights, what they cost, and what was asked.

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::insight::attempt::Attempt;
use crate::domain::insight::automation::Switches;
use crate::domain::insight::budget::{Amount, day_of};
use crate::domain::insight::request::ProviderName;
use crate::domain::insight::settings::InsightSettings;
use crate::domain::insight::usage::UsageLine;
use crate::error::{Error, Kind, Result};
use crate::usecase::audit::audit;

/// The choices of the caller's workspace; defaults where it made none.
pub async fn settings(app: &App, caller: &Caller) -> Result<InsightSettings> {
    Ok(app.store().find_insight_settings(caller.workspace).await?.unwrap_or_default())
}

/// Keeps choices in place of those that were read at `settings.version`; answers them with their new version.
pub async fn choose(app: &App, caller: &Caller, settings: InsightSettings) -> Result<InsightSettings> {
    settings.check().map_err(|error| Error::invalid(error.to_string()))?;
    let expected = (settings.version > 0).then_some(settings.version);
    let next = InsightSettings { version: settings.version + 1, ..settings };
    if !app.store().put_insight_settings(caller.workspace, &next, expected).await? {
        return Err(Error::new(Kind::Conflict));
    }
    // A crash before this leaves the copy behind: too few events are told until the next night compares them.
    app.store().copy_automations(caller.workspace, &Switches::copied(&next)).await?;
    audit(app, caller.workspace, &caller.name(), "insight_settings.changed", "workspace").await?;
    Ok(next)
}

/// A provider with a key, and the model to ask there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    pub provider: ProviderName,
    pub model: String,
}

/// Who has a key, in the order they are asked under these choices. Nobody if no key is configured.
pub async fn serving(app: &App, settings: &InsightSettings) -> Result<Vec<Serving>> {
    let mut providers: Vec<_> = app.ai().await?.providers.iter().collect();
    providers.sort_by_key(|it| Some(it.name) != settings.provider);
    let first = providers.first().map(|it| it.name);
    let models = providers.into_iter().map(|it| {
        let theirs = settings.provider.or(first) == Some(it.name);
        let chosen = settings.model.as_ref().filter(|_| theirs);
        Serving { provider: it.name, model: chosen.unwrap_or(&it.config.model).clone() }
    });
    Ok(models.collect())
}

/// Usage from one day to another, both included: `2026-11-23`.
pub async fn usage(app: &App, caller: &Caller, from: &str, to: &str) -> Result<Vec<UsageLine>> {
    let months = months(from, to)
        .ok_or_else(|| Error::invalid("Give two days as 2026-11-23, at most a year apart."))?;
    let mut lines = Vec::new();
    for month in months {
        lines.extend(app.store().list_usage(caller.workspace, &month).await?);
    }
    lines.retain(|line| from <= line.day.as_str() && line.day.as_str() <= to);
    Ok(lines)
}

/// What the workspace spent today, reservations included.
pub async fn spent_today(app: &App, caller: &Caller) -> Result<Amount> {
    Ok(app.store().spent(caller.workspace, &day_of(app.clock().now())).await?)
}

/// The latest calls to providers, newest first, and where the list goes on.
pub async fn attempts(
    app: &App,
    caller: &Caller,
    first: u32,
    after: Option<&str>,
) -> Result<(Vec<Attempt>, Option<String>)> {
    let size = usize::try_from(first).unwrap_or(usize::MAX).clamp(1, 100);
    let listed = app.store().list_attempts(caller.workspace, size, after).await?;
    Ok((listed.items, listed.next))
}

/// The months that two days span, `2026-11`.
fn months(from: &str, to: &str) -> Option<Vec<String>> {
    let part = |day: &str| -> Option<(u32, u32)> {
        let mut parts = day.split('-');
        let (year, month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        let plausible = (2000..=9999).contains(&year) && (1..=12).contains(&month) && day.len() == 2;
        (plausible && parts.next().is_none()).then_some((year, month))
    };
    let (mut at, end) = (part(from)?, part(to)?);
    let mut months = Vec::new();
    while at <= end && months.len() < 13 {
        months.push(format!("{:04}-{:02}", at.0, at.1));
        at = if at.1 == 12 { (at.0 + 1, 1) } else { (at.0, at.1 + 1) };
    }
    (at > end).then_some(months)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_days_span_their_months() {
        assert_eq!(months("2026-11-23", "2027-01-02").unwrap(), ["2026-11", "2026-12", "2027-01"]);
        assert_eq!(months("2026-11-23", "2026-11-22").unwrap(), ["2026-11"]);
        for (from, to) in [("2026-11", "2026-11-22"), ("x", "y"), ("2020-01-01", "2026-01-01")] {
            assert_eq!(months(from, to), None);
        }
    }
}
