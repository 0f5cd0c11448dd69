//! A workspace's choices: stages and who wins over a field.

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::schema::{FIELDS, Kind as FieldKind};
use crate::domain::settings::Settings;
use crate::domain::words::MembershipStatus;
use crate::error::{Error, Kind, Result};
use crate::usecase::audit::audit;

/// Replaces the choices that were read as `before`; a conflict if others were made meanwhile. They take effect with
/// the next run, which rewrites what they concern.
pub async fn update_settings(
    app: &App,
    caller: &Caller,
    before: &Settings,
    settings: Settings,
) -> Result<Settings> {
    check(&settings)?;
    if !app.store().set_settings(caller.workspace, before, &settings).await? {
        return Err(Error::new(Kind::Conflict));
    }
    audit(app, caller.workspace, &caller.name(), "settings.changed", "").await?;
    Ok(settings)
}

fn check(settings: &Settings) -> Result<()> {
    for (status, stage) in &settings.stages {
        if !MembershipStatus::KNOWN.contains(&status.as_str()) {
            return Err(Error::invalid(format!("Whop has no membership status \"{}\".", printable(status))));
        }
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if stage.is_empty() || stage.len() > 60 || !stage.chars().all(plain) {
            return Err(Error::invalid(
                "A stage is written in capital letters, digits and _, like CUSTOMER.",
            ));
        }
    }
    for name in settings.policies.keys() {
        let governs = FIELDS.iter().any(|field| {
            field.kind != FieldKind::Key && *name == format!("{}.{}", field.object.singular(), field.name)
        });
        if !governs {
            return Err(Error::invalid(format!("There is no field \"{}\".", printable(name))));
        }
    }
    Ok(())
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ' ')).take(60).collect()
}
