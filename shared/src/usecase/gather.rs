//! Gathers what an insight works on: what the caller gave, and the record they named. Only fields that the operation
//! may see become material; addresses and numbers of people stay here.

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::id::{CrmId, WorkspaceId};
use crate::domain::insight::churn::{ChurnRisk, History, churn_risk};
use crate::domain::insight::gathered::{Bought, PaymentCard, PersonCard, features, overlay};
use crate::domain::insight::lead_score::{LeadScore, lead_score};
use crate::domain::insight::operation::Operation;
use crate::domain::insight::prompt::Material;
use crate::domain::insight::request::{InsightRequest, Subject};
use crate::domain::insight::settings::InsightSettings;
use crate::domain::source::{Record, RecordRef};
use crate::domain::time::Timestamp;
use crate::error::{Error, Result};
use crate::twenty::TwentyError;
use crate::usecase::access::{Access, Refused};
use crate::usecase::read_whop::{read, read_memberships};

/// What an insight works on.
pub(crate) struct Gathered {
    pub(crate) material: Material,
    /// For scores: the figures, which are final.
    pub(crate) scores: Option<(LeadScore, ChurnRisk)>,
    /// What fills the placeholders of a draft.
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
}

/// Gathers for a request.
pub(crate) async fn gather(
    app: &App,
    workspace: WorkspaceId,
    request: &InsightRequest,
    settings: &InsightSettings,
    deadline: Timestamp,
) -> Result<Gathered> {
    let (person, bought) = match request.input.about {
        None => (None, Bought::default()),
        Some(subject) => {
            let access = Access::open(app, workspace, Urgency::Live, deadline).await?;
            let access = access.ok_or_else(Error::not_found)?;
            let person = person(&access, subject).await?;
            let bought = match request.operation {
                Operation::ScoreLead | Operation::DraftEmail | Operation::SummarizeText => {
                    bought(&access, &person).await?
                }
                Operation::GenerateText | Operation::AnalyzeSentiment => Bought::default(),
            };
            (Some(person), bought)
        }
    };
    let history = match request.operation {
        Operation::ScoreLead => app.store().find_losses(workspace).await?,
        Operation::DraftEmail
        | Operation::SummarizeText
        | Operation::GenerateText
        | Operation::AnalyzeSentiment => History::default(),
    };
    let known = Known { person: person.as_ref(), bought: &bought, history };
    Ok(assemble(request, settings, &known, app.clock().now()))
}

/// What is known where a request is about somebody, and of the workspace's own losses.
struct Known<'a> {
    person: Option<&'a PersonCard>,
    bought: &'a Bought,
    history: History,
}

fn assemble(
    request: &InsightRequest,
    settings: &InsightSettings,
    known: &Known<'_>,
    now: Timestamp,
) -> Gathered {
    let Known { person, bought, history } = known;
    let person = *person;
    let notes: Vec<String> = person.iter().flat_map(|it| &it.notes).map(|note| note.text.clone()).collect();
    let membership = bought.membership();
    let mut material = Material::new(request.operation)
        .with_text("wanted", request.input.wanted.as_deref())
        .with_text("text", request.input.text.as_deref())
        .with_text("name", person.map(|it| it.name.as_str()))
        .with_text("job_title", person.and_then(|it| it.job_title.as_deref()))
        .with_text("product", membership.map(|it| it.product_title.as_str()))
        .with_text("membership", membership.map(|it| it.status.as_str()))
        .with_texts("notes", &notes);
    let scores = (request.operation == Operation::ScoreLead).then(|| {
        let said = request.input.features.clone().unwrap_or_default();
        let features = overlay(features(person, bought, now), said);
        let lead = lead_score(&features, &settings.lead, now);
        let churn = churn_risk(&features, &settings.churn, history, now);
        (lead, churn)
    });
    if let Some((lead, churn)) = &scores {
        material = material.with_scores(lead, churn);
    }
    Gathered {
        material,
        scores,
        email: person.and_then(|it| it.email.clone()),
        phone: person.and_then(|it| it.phone.clone()),
    }
}

async fn person(access: &Access<'_>, subject: Subject) -> Result<PersonCard> {
    let id = match subject {
        Subject::Person(id) => id,
        Subject::Opportunity(deal) => contact(access, deal).await?,
    };
    loop {
        let (twenty, at) = access.twenty().await?;
        match twenty.person_card(at, id).await {
            Ok(found) => return found.ok_or_else(Error::not_found),
            Err(error) => again(access, error).await?,
        }
    }
}

async fn contact(access: &Access<'_>, deal: CrmId) -> Result<CrmId> {
    loop {
        let (twenty, at) = access.twenty().await?;
        match twenty.contact_of(at, deal).await {
            Ok(found) => return found.ok_or_else(Error::not_found),
            Err(error) => again(access, error).await?,
        }
    }
}

/// What Whop and the mirror say about what a person bought; nothing for somebody who is no member.
async fn bought(access: &Access<'_>, person: &PersonCard) -> Result<Bought> {
    let Some(member) = &person.member else {
        return Ok(Bought::default());
    };
    let reading = read(access, &RecordRef::Members(member.clone())).await?;
    let member_now = reading.and_then(|reading| match reading.record {
        Record::Members(member) => Some(member),
        Record::Variants(_)
        | Record::Products(_)
        | Record::Memberships(_)
        | Record::Refunds(_)
        | Record::Disputes(_)
        | Record::Payments(_)
        | Record::Gone(_) => None,
    });
    let mut memberships = Vec::new();
    for reading in read_memberships(access, member).await? {
        if let Record::Memberships(membership) = reading.record {
            memberships.push(membership);
        }
    }
    let names: Vec<_> = memberships.iter().map(|it| (it.product.clone(), it.variant.clone())).collect();
    let variants = access.app.store().variants(access.workspace.id, &names).await?;
    let payments = Some(payments(access, person.id).await?);
    Ok(Bought { member: member_now, memberships, variants: variants.into_values().collect(), payments })
}

async fn payments(access: &Access<'_>, person: CrmId) -> Result<Vec<PaymentCard>> {
    loop {
        let (twenty, at) = access.twenty().await?;
        match twenty.payments_of(at, person).await {
            Ok(payments) => return Ok(payments),
            Err(error) => again(access, error).await?,
        }
    }
}

/// Fine if the call may be made again.
async fn again(access: &Access<'_>, error: TwentyError) -> Result<()> {
    match access.refused(error).await? {
        Refused::Again => Ok(()),
        Refused::Batch(reason) => Err(Error::bug(reason)),
        Refused::Drifted => {
            Err(Error::invalid("The workspace has no fields of ours yet. Run a sync once, then ask again."))
        }
    }
}
