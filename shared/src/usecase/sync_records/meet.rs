//! Where each record's counterpart in Twenty is, and what is to be sent there.

use std::collections::BTreeMap;

use super::Task;
use super::news::News;
use crate::domain::card::{Card, Choice, Question};
use crate::domain::draft::{Change, Existing, FieldName, Value};
use crate::domain::id::CrmId;
use crate::domain::identity::{EmailUse, Identity, Meeting, identify};
use crate::domain::policy::{Written, fields_to_write, remember};
use crate::domain::run::Skip;
use crate::domain::schema::Object;
use crate::domain::source::Record;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::twenty::Lookup;
use crate::usecase::access::{Access, Refused};

/// What is to happen with one record.
pub(super) enum Decision {
    /// Send this.
    Send(Sending),
    /// Its counterpart already says all of it.
    Agree { id: CrmId, written: Written },
    /// Leave it out.
    Leave(Skip),
}

/// A change on its way, and what to remember once it has landed.
pub(super) struct Sending {
    pub(super) change: Change,
    pub(super) written: Written,
    /// True if it ties the record to one that was there before we were.
    pub(super) linked: bool,
    /// True if a question about it waits all the same.
    pub(super) asks: bool,
}

/// Decides about every record of a batch. One call to Twenty, whatever its size.
pub(super) async fn meet(task: &Task<'_>, batch: &[News]) -> Result<Vec<Decision>> {
    let mut found = look_up(task.access, batch).await?;
    let mut decisions = Vec::with_capacity(batch.len());
    for news in batch {
        let near = near(task.access, news, &found);
        let decision = match news.draft.object {
            Object::Person => meet_person(task, news, &near).await?,
            Object::Product | Object::Opportunity | Object::Payment | Object::Contract => {
                meet_record(task, news, &near)
            }
        };
        if let Decision::Send(sending) = &decision {
            found.push(as_if_landed(sending));
        }
        decisions.push(decision);
    }
    Ok(decisions)
}

async fn look_up(access: &Access<'_>, batch: &[News]) -> Result<Vec<Existing>> {
    let Some(object) = batch.first().map(|news| news.draft.object) else {
        return Ok(Vec::new());
    };
    let settings = &access.workspace.settings;
    let keys: Vec<String> = batch.iter().map(|news| news.draft.key.clone()).collect();
    let emails: Vec<String> = batch.iter().filter_map(|news| news.draft.email().map(str::to_owned)).collect();
    let id = |news: &News| news.link.as_ref().map_or_else(|| fresh_id(access, news), |link| link.crm);
    let ids: Vec<CrmId> = batch.iter().map(id).collect();
    let governed: Vec<FieldName> = object
        .fields()
        .map(|field| field.name)
        .filter(|name| settings.policy(object, name).needs_present_value())
        .collect();
    let lookup = Lookup { object, keys: &keys, emails: &emails, ids: &ids, governed: &governed };
    loop {
        let (twenty, at) = access.twenty().await?;
        match twenty.find(at, &lookup).await {
            Ok(found) => return Ok(found),
            Err(error) => match access.refused(error).await? {
                Refused::Again => {}
                Refused::Batch(reason) => return Err(crate::error::Error::bug(reason)),
                Refused::Drifted => return Err(super::write::drifted(access).await),
            },
        }
    }
}

fn fresh_id(access: &Access<'_>, news: &News) -> CrmId {
    CrmId::derived(access.workspace.id, news.draft.object.singular(), &news.draft.key)
}

/// The found records that have anything to do with this one.
fn near(access: &Access<'_>, news: &News, found: &[Existing]) -> Vec<Existing> {
    let (linked, fresh) = (news.link.as_ref().map(|link| link.crm), fresh_id(access, news));
    let concerns = |it: &&Existing| {
        it.key.as_deref() == Some(&news.draft.key)
            || Some(it.id) == linked
            || it.id == fresh
            || (it.email.is_some() && it.email.as_deref() == news.draft.email())
    };
    found.iter().filter(concerns).cloned().collect()
}

async fn meet_person(task: &Task<'_>, news: &News, near: &[Existing]) -> Result<Decision> {
    let identity = identify(&meeting(task, news, near, None));
    let asks = matches!(&identity, Identity::Ask(_) | Identity::Update { question: Some(_), .. });
    let choice = if asks { chosen(task, news).await? } else { None };
    let identity = match &choice {
        Some(choice) => identify(&meeting(task, news, near, Some(choice))),
        None => identity,
    };
    match identity {
        Identity::Skip => Ok(Decision::Leave(Skip::ByChoice)),
        Identity::Ask(question) => {
            ask(task, news, question).await?;
            Ok(Decision::Leave(Skip::NeedsDecision))
        }
        Identity::Create { id, email } => Ok(send(task, news, id, None, email)),
        Identity::Update { id, email, question } => {
            let asks = question.is_some();
            if let Some(question) = question {
                ask(task, news, question).await?;
            }
            Ok(match send(task, news, id, near.iter().find(|it| it.id == id), email) {
                Decision::Send(sending) => Decision::Send(Sending { asks, ..sending }),
                other @ (Decision::Agree { .. } | Decision::Leave(_)) => other,
            })
        }
    }
}

fn meeting<'a>(
    task: &Task<'_>,
    news: &'a News,
    found: &'a [Existing],
    choice: Option<&'a Choice>,
) -> Meeting<'a> {
    Meeting {
        key: &news.draft.key,
        email: news.draft.email(),
        linked: news.link.as_ref().map(|link| link.crm),
        fresh: fresh_id(task.access, news),
        found,
        choice,
    }
}

/// The answer to an earlier question about this member.
async fn chosen(task: &Task<'_>, news: &News) -> Result<Option<Choice>> {
    let Record::Members(member) = &news.record else {
        return Ok(None);
    };
    let card = task.access.app.store().find_card(task.access.workspace.id, &member.id).await?;
    Ok(card.and_then(|card| card.choice))
}

async fn ask(task: &Task<'_>, news: &News, question: Question) -> Result<()> {
    let Record::Members(member) = &news.record else {
        return Ok(());
    };
    let card = Card {
        member: member.id.clone(),
        name: member.display_name.clone(),
        question,
        asked_at: task.access.app.clock().now(),
        choice: None,
        settled_at: None,
    };
    task.access.app.store().put_card(task.access.workspace.id, &card).await?;
    Ok(())
}

/// Records other than people are found by their Whop id alone. One that a person deleted stays deleted.
fn meet_record(task: &Task<'_>, news: &News, near: &[Existing]) -> Decision {
    let by_key = near.iter().find(|it| it.key.as_deref() == Some(&news.draft.key));
    match by_key.or_else(|| near.iter().find(|it| it.key.is_none())) {
        Some(existing) if existing.deleted => Decision::Leave(Skip::DeletedInTwenty),
        Some(existing) => send(task, news, existing.id, Some(existing), EmailUse::Write),
        None => send(task, news, fresh_id(task.access, news), None, EmailUse::Write),
    }
}

fn send(task: &Task<'_>, news: &News, id: CrmId, existing: Option<&Existing>, email: EmailUse) -> Decision {
    let (object, settings) = (news.draft.object, &task.access.workspace.settings);
    let policy = |field: FieldName| settings.policy(object, field);
    let before = news.link.as_ref().map(|link| link.written.clone()).unwrap_or_default();
    let mut draft = news.draft.clone();
    if email == EmailUse::Withhold || draft.email().is_none() {
        // An e-mail that Whop hides or the member took back is no reason to delete the one in the CRM.
        draft.fields.remove("emails");
    }
    let fields = fields_to_write(&draft, existing, &before, policy, news.revision.changed_at);
    let written = remember(&draft, &fields, existing, &before, policy);
    if fields.is_empty() {
        return Decision::Agree { id, written };
    }
    let linked = existing.is_some_and(|it| it.key.is_none()) && news.link.is_none();
    let change = Change { object, id, key: draft.key.clone(), fields };
    Decision::Send(Sending { change, written, linked, asks: false })
}

/// What Twenty will hold once a change has landed, for the records of the same batch that come after it.
fn as_if_landed(sending: &Sending) -> Existing {
    let change = &sending.change;
    let email = match change.fields.get("emails") {
        Some(Value::Email(email)) => Some(email.clone()),
        _ => None,
    };
    Existing {
        object: change.object,
        id: change.id,
        key: Some(change.key.clone()),
        email,
        deleted: false,
        updated_at: Timestamp::default(),
        fields: BTreeMap::new(),
    }
}
