//! Scores members by rule and writes the figures to their people in Twenty, where they changed. No model takes part.
//!
//! What is scored is what the sync wrote, read back for sixty people at a time: three calls to Twenty, a further one for
//! every two hundred memberships or payments beyond the first, one to write, and none at Whop. A thousand members with
//! six payments each take about 85 calls, 17 of which write in the worst night. The calls come out of the workspace's
//! budget after everything else. The night also counts who left in the last six months, without a further call;
//! what it counted corrects the base hazards from its end on.

use std::collections::HashMap;

use tracing::{info, warn};

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::fact::{Fact, Parent};
use crate::domain::id::{CrmId, MemberId, ProductId, WorkspaceId};
use crate::domain::insight::automation::{Cause, Figures, News, Scored, Switches};
use crate::domain::insight::churn::{History, churn_risk};
use crate::domain::insight::lead_score::lead_score;
use crate::domain::insight::losses::{add, counted};
use crate::domain::insight::mirrored::Mirrored;
use crate::domain::insight::settings::InsightSettings;
use crate::domain::link::Link;
use crate::domain::source::{RecordRef, Stream};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::job::AiJob;
use crate::usecase::access::Access;
use crate::usecase::mirror::mirrored;
use crate::usecase::schema::schema_is_ready;
use crate::usecase::sync_records::{BATCH, write_fields};

/// One scoring of one or many.
struct Pass<'a> {
    access: Access<'a>,
    settings: InsightSettings,
    cause: Cause,
    now: Timestamp,
    /// The workspace's own losses, as the last night counted them.
    history: History,
    /// Which page of which night this is, if the losses are to be counted again.
    counts: Option<(Timestamp, String)>,
}

/// Queues a pass over everybody in every workspace that wants one at night, and mends the copies of their switches.
pub async fn score_due(app: &App) -> Result<()> {
    let night = app.clock().now();
    let mut next = None;
    loop {
        let (workspaces, more) = app.store().list_connected(next, 100).await?;
        let mut jobs = Vec::new();
        for workspace in workspaces {
            let Some(settings) = app.store().find_insight_settings(workspace).await? else {
                continue;
            };
            if app.store().copy_automations(workspace, &Switches::copied(&settings)).await? {
                warn!(event = "automations.mended", workspace.id = %workspace, "switches had not reached the sync");
            }
            if settings.automations.nightly {
                let dedup = format!("night-{workspace}-{}", night.seconds() / 3_600);
                jobs.push((AiJob::ScoreSome { workspace, night, after: None }, dedup));
            }
        }
        app.queue().send_many(&jobs).await?;
        if more.is_none() {
            return Ok(());
        }
        next = more;
    }
}

/// Scores one member, at `due` at the earliest: until then others may ask for the same.
pub async fn score(
    app: &App,
    workspace: WorkspaceId,
    (member, cause): (&MemberId, Cause),
    due: Timestamp,
    deadline: Timestamp,
) -> Result<()> {
    let now = app.clock().now();
    if now < due {
        return Err(Error::new(Kind::Throttled { retry_after: due.since(now) }));
    }
    let Some(pass) = Pass::begin(app, workspace, cause, deadline).await? else {
        return Ok(());
    };
    let name = RecordRef::Members(member.clone());
    let Some(link) = app.store().find_link(workspace, &name).await? else {
        skipped(member, "they are not in Twenty");
        return Ok(());
    };
    pass.rate(vec![link]).await
}

/// Scores the members after `after`, sixty at most, and queues the next page. A page that comes twice writes nothing.
pub async fn score_some(
    app: &App,
    workspace: WorkspaceId,
    night: Timestamp,
    after: Option<&str>,
    deadline: Timestamp,
) -> Result<()> {
    let Some(mut pass) = Pass::begin(app, workspace, Cause::Nightly, deadline).await? else {
        return Ok(());
    };
    pass.counts = Some((night, after.unwrap_or("first").to_owned()));
    let page = app.store().list_links(workspace, Stream::Members, BATCH, after).await?;
    let last = page.items.last().map(|link| link.name.id().to_owned());
    pass.rate(page.items).await?;
    let (Some(after), Some(last)) = (page.next, last) else {
        return Ok(app.store().sum_losses(workspace, night).await?);
    };
    let job = AiJob::ScoreSome { workspace, night, after: Some(after) };
    Ok(app.queue().send(&job, &format!("night-{workspace}-{}-{last}", night.millis())).await?)
}

/// What no later attempt mends is let go of: the next event, or the next night, tries again.
pub(crate) fn let_go(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if matches!(error.kind(), Kind::Rejected | Kind::NotFound) => {
            warn!(event = "score.refused", error.kind = error.kind().as_str(), "{}", error.chain());
            Ok(())
        }
        other => other,
    }
}

fn skipped(member: &MemberId, why: &str) {
    info!(event = "score.skipped", member.id = %member, "a member is not scored: {why}");
}

impl<'a> Pass<'a> {
    /// Nothing if the workspace does not want it (any more), or is not connected.
    async fn begin(
        app: &'a App,
        workspace: WorkspaceId,
        cause: Cause,
        deadline: Timestamp,
    ) -> Result<Option<Self>> {
        let settings = app.store().find_insight_settings(workspace).await?.unwrap_or_default();
        if !settings.automations.wants(cause) {
            return Ok(None);
        }
        let access = Access::open(app, workspace, Urgency::Figures, deadline).await?;
        let Some(access) = access else { return Ok(None) };
        let history = app.store().find_losses(workspace).await?;
        Ok(Some(Self { access, settings, cause, now: app.clock().now(), history, counts: None }))
    }

    async fn rate(&self, links: Vec<Link>) -> Result<()> {
        if links.is_empty() { Ok(()) } else { let_go(self.rate_all(&links).await) }
    }

    /// Scores the people behind these links. What was written is known to be written even if the rest fails.
    async fn rate_all(&self, links: &[Link]) -> Result<()> {
        let (access, store) = (&self.access, self.access.app.store());
        schema_is_ready(access).await?;
        access.expect_calls(4).await;
        let people = mirrored(access, &links.iter().map(|link| link.crm).collect::<Vec<_>>()).await?;
        let news = self.figures(links, &people).await?;
        let members: Vec<MemberId> = news.iter().map(|it| it.member.clone()).collect();
        let mut known = store.scored(access.workspace.id, &members).await?;
        let (changed, same): (Vec<News>, Vec<News>) = news
            .into_iter()
            .partition(|news| known.get(&news.member).is_none_or(|before| before.is_overtaken_by(news)));
        let written = self.write(changed, &mut known).await;
        access.settle().await?;
        info!(event = "score.done", unchanged = same.len(), "members were scored");
        self.ask_for_notes(known.into_values()).await?;
        written
    }

    /// The figures of everybody who is there.
    async fn figures(&self, links: &[Link], people: &HashMap<CrmId, Mirrored>) -> Result<Vec<News>> {
        let facts = self.facts(people.values()).await?;
        self.count(people, &facts).await?;
        let mut news = Vec::new();
        for link in links {
            let RecordRef::Members(member) = &link.name else { continue };
            match people.get(&link.crm) {
                Some(person) if person.card.member.as_ref() == Some(member) => {
                    let of_product = person.product().and_then(|product| facts.get(product));
                    let figures = self.rated(person, of_product.map_or(&[], Vec::as_slice));
                    news.push(News { member: member.clone(), person: link.crm, figures });
                }
                Some(_) => skipped(member, "their person carries another member"),
                None => skipped(member, "their person was deleted"),
            }
        }
        Ok(news)
    }

    /// Counts what these people's memberships say about leaving, if this is a page of a night's pass.
    async fn count(
        &self,
        people: &HashMap<CrmId, Mirrored>,
        facts: &HashMap<ProductId, Vec<Fact>>,
    ) -> Result<()> {
        let Some((night, page)) = &self.counts else { return Ok(()) };
        let mut history = History::default();
        for person in people.values() {
            let of_product = person.product().and_then(|product| facts.get(product));
            add(&mut history, &counted(person, of_product.map_or(&[], Vec::as_slice), self.now));
        }
        Ok(self.access.app.store().put_loss_page(self.access.workspace.id, *night, page, &history).await?)
    }

    fn rated(&self, person: &Mirrored, facts: &[Fact]) -> Figures {
        let features = person.features(facts, self.now);
        let lead = lead_score(&features, &self.settings.lead, self.now);
        let churn = churn_risk(&features, &self.settings.churn, &self.history, self.now);
        Figures::of(&lead, &churn)
    }

    /// The variants of the products these people bought, each product asked for once.
    async fn facts(&self, people: impl Iterator<Item = &Mirrored>) -> Result<HashMap<ProductId, Vec<Fact>>> {
        let mut facts = HashMap::new();
        for product in people.filter_map(Mirrored::product) {
            if !facts.contains_key(product) {
                let parent = Parent::Product(product.clone());
                let of_product = self.access.app.store().facts_of(self.access.workspace.id, &parent).await?;
                facts.insert(product.clone(), of_product);
            }
        }
        Ok(facts)
    }

    /// Writes what changed, to Twenty first: a crash between the two writes the same figures once more.
    async fn write(&self, changed: Vec<News>, known: &mut HashMap<MemberId, Scored>) -> Result<()> {
        let (access, store) = (&self.access, self.access.app.store());
        let fields: Vec<_> =
            changed.iter().map(|it| it.figures.change(it.person, &it.member, self.now)).collect();
        if fields.is_empty() {
            return Ok(());
        }
        let (landed, result) = write_fields(access, &fields).await;
        for news in changed.into_iter().filter(|it| landed.iter().any(|key| key == it.member.as_str())) {
            let member = news.member.clone();
            let scored = Scored::after(known.get(&member), news, self.cause, self.now);
            if !store.put_scored(access.workspace.id, &scored).await? {
                return Err(Error::new(Kind::Conflict)); // A note was just written; the next attempt sees it.
            }
            known.insert(member, scored);
        }
        info!(event = "score.written", written = landed.len(), "figures were written");
        result
    }

    /// Queues the notes that are due. A note that is queued twice is written once.
    async fn ask_for_notes(&self, scored: impl Iterator<Item = Scored>) -> Result<()> {
        if !self.settings.automations.write_note {
            return Ok(());
        }
        let workspace = self.access.workspace.id;
        let due = scored.filter(|it| it.wants_note(self.cause)).map(|it| {
            let dedup = format!("note-{workspace}-{}-{}", it.member, it.version);
            (AiJob::Note { workspace, member: it.member }, dedup)
        });
        Ok(self.access.app.queue().send_many(&due.collect::<Vec<_>>()).await?)
    }
}
